// What happens to packs while an engine runs: the set that it reads from follows the journal, and what a transaction
// leans on is stored again where it was collected meanwhile.

import { EngineError, isEngineError } from '../base/errors.ts';
import type { Entry } from '../journal/definition.ts';
import type { Journal } from '../journal/journal.ts';
import { PACK_COLLECTED, upkeepOf } from '../journal/live-packs.ts';
import type { AddedPack, Operation } from '../journal/operations.ts';
import type { State } from '../journal/state.ts';
import { packIndexKey, packKey, parsePackKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PackIndex } from '../object/pack-index.ts';
import type { PackSet } from '../object/pack-set.ts';
import type { PackUploader } from '../object/pack-uploader.ts';

export type AddedPacks = Extract<Operation, { kind: 'packs.added' }>;

/** Returns the packs that an operation names, brought or leaned on. */
export function idsOfPacks({ added, relied }: AddedPacks): string[] {
  return [...added.map(({ id }) => id), ...relied];
}

/**
 * Returns whether an earlier transaction of the entry after `seq`, which is being made, has named all these packs. One of an
 * earlier entry does not count: a collection may have begun since, which knows nothing of this write.
 */
export function areNamed(state: State, packs: AddedPacks, seq: number): boolean {
  const repo = state.repos.get(packs.repo)?.id ?? '';
  return idsOfPacks(packs).every((id) => {
    const pack = state.packs.get(id);
    return pack !== undefined && (pack.used ?? 0) > seq && pack.repos.includes(repo);
  });
}

/** Brings the set of live packs up to the state after `entry`. */
export function followPacks(state: State, packs: PackSet, entry: Entry): void {
  const ids = entry.transactions.flatMap(({ operations }) =>
    (operations as Operation[]).flatMap(packsNamed),
  );
  const gone = ids.filter((id) => !state.packs.has(id));
  for (const id of ids) {
    const pack = state.packs.get(id);
    if (pack) {
      packs.add(pack);
    }
  }
  // Last: what they held must be found without a gap.
  for (const id of gone) {
    const pack = state.removedPacks.get(id);
    if (pack?.into === null && pack.deleted === null) {
      packs.retire(id);
    } else {
      packs.remove(id);
    }
  }
}

function packsNamed(operation: Operation): string[] {
  switch (operation.kind) {
    case 'packs.added':
      return operation.added.map(({ id }) => id);
    case 'packs.compacted':
    case 'packs.collected':
      return [...operation.added.map(({ id }) => id), ...operation.removed];
    case 'packs.restored':
      return [operation.added.id];
    case 'packs.deleted':
      return [...operation.packs];
    default:
      return [];
  }
}

/**
 * Where `error` refuses a transaction because a pack it names was collected, stores that pack again under a new name and
 * resolves true: the transaction finds it there. Rejects with `failed_precondition` once its bytes are gone.
 */
export async function restorePack(
  engine: {
    readonly journal: Journal<State, Operation>;
    readonly store: ObjectStore;
    readonly uploader: PackUploader;
  },
  error: unknown,
): Promise<boolean> {
  const { journal } = engine;
  const isCollected = isEngineError(error, 'conflict') && error.details.reason === PACK_COLLECTED;
  if (!isCollected) {
    return false;
  }
  const pack = String(error.details.pack);
  const added = await storeAgain(engine, pack);
  return await journal.transact(
    (state) => {
      if (state.removedPacks.get(pack)?.into) {
        // Another write has met the same and was quicker.
        return { operations: [], result: true };
      }
      return { operations: [{ kind: 'packs.restored', pack, added }], result: true };
    },
    { actor: 'engine' },
  );
}

/**
 * Returns what to tell of an error of a write: where it comes of packs that the write leaned on and that are gone, that,
 * for nothing of what is stored is damaged.
 */
export function explainGone(
  state: State,
  session: { readonly relied: readonly string[] },
  error: unknown,
): unknown {
  if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'conflict')) {
    return error;
  }
  const isThere = (pack: string): boolean =>
    state.packs.has(pack) || (state.removedPacks.get(pack)?.into?.every(isThere) ?? false);
  // Its own packs may have been taken for leftovers, where it took longer than the grace period.
  const missing = parsePackKey(String(error.details.key ?? ''))?.id;
  const isOwn = missing !== undefined && missing < upkeepOf(state).horizon;
  const lost = [...session.relied, ...(isOwn ? [missing] : [])].find((pack) => !isThere(pack));
  return lost === undefined ? error : gone(lost, error);
}

async function storeAgain(
  { store, uploader }: { readonly store: ObjectStore; readonly uploader: PackUploader },
  pack: string,
): Promise<AddedPack> {
  let index: PackIndex;
  let bytes: Buffer;
  try {
    index = PackIndex.parse(await store.get(packIndexKey(pack)), packIndexKey(pack));
    bytes = await store.get(packKey(pack));
  } catch (error) {
    throw isEngineError(error, 'not_found') ? gone(pack, error) : error;
  }
  const id = uploader.newPackId();
  await uploader.upload(id, { parts: () => Promise.resolve([bytes]), index });
  const kind = index.idBytes === 20 ? 'git' : 'chunk';
  return { id, kind, bytes: index.packBytes, objects: index.count };
}

function gone(pack: string, cause: unknown): EngineError {
  return new EngineError(
    'failed_precondition',
    `Cannot commit: pack "${pack}" that this write leans on was collected and is gone, since the write took longer than the grace period; send the data again`,
    { cause, details: { pack } },
  );
}
