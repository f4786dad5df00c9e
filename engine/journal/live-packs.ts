// The fold of what happens to packs: they are added, written anew, removed, deleted. A pack that was removed never lives
// again under its name, and no clock has a say in it.

import { EngineError } from '../base/errors.ts';
import type { AddedPack, Operation } from './operations.ts';
import type { PackRecord } from './records.ts';
import type { State } from './state.ts';
import { UPKEEP_KEY, type UpkeepRecord } from './upkeep-record.ts';

type PackOperation = Extract<Operation, { kind: `packs.${string}` | `upkeep.${string}` }>;

/** Says in an error's details that a pack is not live any more; the detail `pack` names it. */
export const PACK_COLLECTED = 'pack_collected';

const NO_UPKEEP: UpkeepRecord = { horizon: '', owner: null, started: 0, finished: 0 };

/** Returns the upkeep record. */
export function upkeepOf(state: State): UpkeepRecord {
  return state.upkeep.get(UPKEEP_KEY) ?? NO_UPKEEP;
}

/** Folds an operation on packs of entry `seq` into `state`; rejects as `apply` does. */
export function foldPacks(state: State, operation: PackOperation, seq: number): void {
  switch (operation.kind) {
    case 'packs.added':
      addPacks(state, operation, seq);
      return;
    case 'packs.compacted':
      replacePacks(state, operation, { into: operation.added.map(({ id }) => id), seq });
      return;
    case 'packs.collected': {
      const late = operation.removed.find(
        (id) => (state.packs.get(id)?.used ?? 0) > operation.since,
      );
      if (late !== undefined) {
        throw new EngineError('conflict', `Cannot collect pack "${late}": it was used meanwhile`, {
          details: { pack: late },
        });
      }
      replacePacks(state, operation, { into: null, seq });
      return;
    }
    case 'packs.restored':
      restorePack(state, operation, seq);
      return;
    case 'packs.deleted':
      for (const id of operation.packs) {
        const pack = state.removedPacks.get(id);
        if (pack?.deleted === null) {
          state.removedPacks.set(id, { ...pack, deleted: seq });
        }
      }
      return;
    case 'packs.horizon':
      raiseHorizon(state, operation.before);
      return;
    case 'upkeep.claimed': {
      const { owner, time: started } = operation;
      state.upkeep.set(UPKEEP_KEY, { ...upkeepOf(state), owner, started });
      return;
    }
    case 'upkeep.finished': {
      const upkeep = upkeepOf(state);
      if (upkeep.owner === operation.owner) {
        state.upkeep.set(UPKEEP_KEY, { ...upkeep, owner: null, finished: operation.time });
      }
    }
  }
}

function addPacks(
  state: State,
  operation: Extract<Operation, { kind: 'packs.added' }>,
  seq: number,
): void {
  const repo = state.repos.get(operation.repo);
  if (repo === undefined) {
    throw new EngineError('not_found', `Cannot find repo "${operation.repo}": it does not exist`);
  }
  const isNew = (pack: AddedPack) =>
    !state.packs.has(pack.id) && !state.removedPacks.has(pack.id) && mayAppear(state, pack.id);
  const fresh = operation.added.filter(isNew);
  const known = [
    ...operation.added.filter((pack) => !isNew(pack)).map(({ id }) => id),
    ...operation.relied,
  ].flatMap((id) => liveNamesOf(state, id));
  for (const pack of fresh) {
    state.packs.set(pack.id, { ...pack, repos: [repo.id], used: seq });
  }
  for (const id of known) {
    const pack = state.packs.get(id);
    if (pack) {
      const repos = pack.repos.includes(repo.id) ? pack.repos : [...pack.repos, repo.id];
      state.packs.set(id, { ...pack, repos, used: Math.max(seq, pack.used ?? 0) });
    }
  }
}

/** Returns the live packs that hold all of a pack: itself, or what it was compacted into. */
function liveNamesOf(state: State, id: string): string[] {
  if (state.packs.has(id)) {
    return [id];
  }
  const into = state.removedPacks.get(id)?.into;
  if (!into) {
    throw new EngineError(
      'conflict',
      `Cannot commit: pack "${id}" that this write leans on was collected meanwhile; send the data again`,
      { details: { pack: id, reason: PACK_COLLECTED } },
    );
  }
  return into.flatMap((next) => liveNamesOf(state, next));
}

/** Below the horizon the objects of a pack that nobody has named yet may be gone. */
function mayAppear(state: State, id: string): boolean {
  return id >= upkeepOf(state).horizon;
}

function replacePacks(
  state: State,
  change: { readonly added: readonly AddedPack[]; readonly removed: readonly string[] },
  options: { readonly into: readonly string[] | null; readonly seq: number },
): void {
  const { into, seq } = options;
  const removed = change.removed.map((id) => presentPack(state, id));
  checkFresh(state, change.added);
  const repos = [...new Set(removed.flatMap((pack) => pack.repos))];
  const used = Math.max(0, ...removed.map((pack) => pack.used ?? 0));
  for (const pack of removed) {
    state.packs.delete(pack.id);
    state.removedPacks.set(pack.id, { ...pack, removed: seq, into, deleted: null });
  }
  for (const pack of change.added) {
    state.packs.set(pack.id, { ...pack, repos, used });
  }
}

function restorePack(
  state: State,
  operation: Extract<Operation, { kind: 'packs.restored' }>,
  seq: number,
): void {
  const { pack: id, added } = operation;
  const known = state.removedPacks.get(id);
  if (state.packs.has(id) || known?.into) {
    throw new EngineError(
      'conflict',
      `Cannot restore pack "${id}": it is live, or another engine has restored it`,
      { details: { pack: id } },
    );
  }
  checkFresh(state, [added]);
  const removed = known ?? { ...added, id, repos: [], removed: seq, deleted: seq };
  state.removedPacks.set(id, { ...removed, into: [added.id] });
  state.packs.set(added.id, { ...added, repos: removed.repos, used: seq });
}

function raiseHorizon(state: State, before: string): void {
  const upkeep = upkeepOf(state);
  if (before <= upkeep.horizon) {
    return;
  }
  state.upkeep.set(UPKEEP_KEY, { ...upkeep, horizon: before });
  for (const pack of [...state.removedPacks.values()]) {
    if (pack.deleted !== null && pack.id < before) {
      state.removedPacks.delete(pack.id);
    }
  }
}

function presentPack(state: State, id: string): PackRecord {
  const pack = state.packs.get(id);
  if (pack === undefined) {
    throw new EngineError('conflict', `Cannot replace pack "${id}": it is not live any more`, {
      details: { pack: id },
    });
  }
  return pack;
}

function checkFresh(state: State, packs: readonly AddedPack[]): void {
  for (const { id } of packs) {
    if (state.packs.has(id) || state.removedPacks.has(id) || !mayAppear(state, id)) {
      throw new EngineError('conflict', `Cannot add pack "${id}": its name is used up`, {
        details: { pack: id },
      });
    }
  }
}
