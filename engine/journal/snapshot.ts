// Snapshots: the state after an entry, in pages, so that opening need not replay the whole log. A snapshot exists once
// its manifest does; everything else under its prefix is in the making, or garbage.

import { EngineError, isEngineError } from '../base/errors.ts';
import { parseSnapshotKey, SNAPSHOTS_PREFIX, snapshotKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { encodeSummed, hasRightSum } from './checksum.ts';
import type { RunRecord } from './history-run.ts';
import { encodePage, encodeRow, keyOfRow, readPage, valueOfRow } from './page.ts';

const MANIFEST = 'manifest.json';
const FORMAT = 1;
/** A page is cut once its rows have this many bytes of text. */
const PAGE_BYTES = 2 * 1024 * 1024;
const SLICE = 1000;

/** A table as a snapshot takes it. */
export interface TableCopy {
  readonly name: string;
  readonly rows: readonly (readonly [key: string, value: unknown])[];
}

/** The last object of a snapshot: what it is, and where the rest is. */
export interface SnapshotManifest {
  readonly format: number;
  /** The entry after which this was the state, and that entry's write id. */
  readonly seq: number;
  readonly writeId: string;
  readonly time: number;
  readonly engine: string;
  readonly tables: readonly {
    readonly name: string;
    readonly pages: readonly { readonly name: string; readonly count: number }[];
  }[];
  /** The runs of history, newest first. */
  readonly history: readonly RunRecord[];
}

/** A snapshot read back. */
export interface Snapshot {
  readonly manifest: SnapshotManifest;
  readonly tables: readonly TableCopy[];
}

/**
 * Uploads the pages of a snapshot and then its manifest. `already_exists`: another engine has made one of the same
 * entry, and this one counts for nothing. `pageId` keeps the pages of both apart.
 */
export async function writeSnapshot(
  store: ObjectStore,
  snapshot: {
    readonly head: Omit<SnapshotManifest, 'format' | 'tables'>;
    readonly tables: readonly TableCopy[];
    readonly pageId: string;
  },
): Promise<void> {
  const { head, pageId } = snapshot;
  const tables: { name: string; pages: { name: string; count: number }[] }[] = [];
  let pageNumber = 0;
  for (const { name, rows } of snapshot.tables) {
    const pages: { name: string; count: number }[] = [];
    for await (const page of cutPages(rows)) {
      const pageName = `${pageId}.${pageNumber}`;
      pageNumber += 1;
      await store.put(snapshotKey(head.seq, pageName), await encodePage(page), { ifAbsent: true });
      pages.push({ name: pageName, count: page.length });
    }
    tables.push({ name, pages });
  }
  const manifest: SnapshotManifest = { format: FORMAT, ...head, tables };
  const bytes = encodeSummed(`${JSON.stringify(manifest)}\n`);
  await store.put(snapshotKey(head.seq, MANIFEST), bytes, { ifAbsent: true });
}

/**
 * Reads the newest snapshot that is whole, or undefined when there is none. One that is incomplete is passed over,
 * and one that is damaged too, after telling `onProblem`.
 */
export async function readNewestSnapshot(
  store: ObjectStore,
  onProblem: (error: unknown) => void,
): Promise<Snapshot | undefined> {
  const tried = new Set<number>();
  for (;;) {
    // Listed again after each failure: what was there may just have been replaced by a newer one.
    const { complete } = await listSnapshots(store);
    const seq = complete.findLast((candidate) => !tried.has(candidate));
    if (seq === undefined) {
      return undefined;
    }
    tried.add(seq);
    try {
      return await readSnapshot(store, seq);
    } catch (error) {
      if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'not_found')) {
        throw error;
      }
      onProblem(error);
    }
  }
}

/** The snapshots of a store. */
export interface SnapshotList {
  /** The entries that have one, ascending. */
  readonly complete: number[];
  /** When each of these was complete, in milliseconds by the store's clock. */
  readonly times: Map<number, number>;
  /** All keys of each, incomplete ones included. */
  readonly keys: Map<number, string[]>;
}

/** Lists the snapshots of a store. */
export async function listSnapshots(store: ObjectStore): Promise<SnapshotList> {
  const keys = new Map<number, string[]>();
  const times = new Map<number, number>();
  for await (const { key, modified } of store.list(SNAPSHOTS_PREFIX)) {
    const { seq, name } = parseSnapshotKey(key) ?? {};
    if (seq !== undefined) {
      keys.set(seq, [...(keys.get(seq) ?? []), key]);
      if (name === MANIFEST) {
        times.set(seq, modified);
      }
    }
  }
  return { complete: [...times.keys()], times, keys };
}

/**
 * Deletes snapshots, manifests first, but for the newest `keep` complete ones; of those older than `forMs` the newest, which
 * says what history was then; and of the younger ones the oldest, which will come to be that one.
 */
export async function deleteOldSnapshots(
  store: ObjectStore,
  options: { readonly keep: number; readonly forMs?: number },
): Promise<void> {
  const { keep, forMs = 0 } = options;
  const { complete, times, keys } = await listSnapshots(store);
  const oldest = complete.at(-keep);
  if (oldest === undefined) {
    return;
  }
  // The store's clock says what time it was when the newest was complete.
  const before = (times.get(complete.at(-1) ?? 0) ?? 0) - forMs;
  const isOld = (seq: number) => (times.get(seq) ?? 0) <= before;
  const aged = [complete.findLast(isOld), complete.find((seq) => !isOld(seq))];
  for (const [seq, names] of keys) {
    if (seq < oldest && !aged.includes(seq)) {
      const manifest = snapshotKey(seq, MANIFEST);
      for (const key of [manifest, ...names.filter((name) => name !== manifest)]) {
        await store.delete(key);
      }
    }
  }
}

/** Reads the snapshot after entry `seq`. One that is damaged, or lacks a page, is `corrupt` and names the object. */
export async function readSnapshot(store: ObjectStore, seq: number): Promise<Snapshot> {
  const manifest = await readManifest(store, seq);
  const tables: TableCopy[] = [];
  for (const { name, pages } of manifest.tables) {
    const texts = await Promise.all(
      pages.map((page) => readPage(store, { key: snapshotKey(seq, page.name), count: page.count })),
    );
    const rows = texts.flat().map((row) => [keyOfRow(row), valueOfRow(row)] as const);
    tables.push({ name, rows });
  }
  return { manifest, tables };
}

/** Reads what the snapshot after entry `seq` says of itself; `corrupt` where it is damaged. */
export async function readManifest(store: ObjectStore, seq: number): Promise<SnapshotManifest> {
  const key = snapshotKey(seq, MANIFEST);
  let bytes = await store.get(key);
  if (!hasRightSum(bytes)) {
    // Damaged on its way, perhaps.
    bytes = await store.get(key);
  }
  if (!hasRightSum(bytes)) {
    throw damaged(key, undefined);
  }
  let manifest: SnapshotManifest;
  try {
    manifest = JSON.parse(bytes.toString()) as SnapshotManifest;
  } catch (cause) {
    throw damaged(key, cause);
  }
  if (typeof manifest?.format === 'number' && manifest.format > FORMAT) {
    throw new EngineError(
      'failed_precondition',
      `Cannot read snapshot "${key}": a newer version of pfs wrote it; upgrade`,
      { details: { key } },
    );
  }
  if (
    manifest?.seq !== seq ||
    !Array.isArray(manifest.tables) ||
    !Array.isArray(manifest.history)
  ) {
    throw damaged(key, undefined);
  }
  return manifest;
}

function damaged(key: string, cause: unknown): EngineError {
  return new EngineError('corrupt', `Cannot read snapshot "${key}": its manifest is damaged`, {
    cause,
    details: { key },
  });
}

async function* cutPages(rows: TableCopy['rows']): AsyncIterable<string[]> {
  let page: string[] = [];
  let bytes = 0;
  let done = 0;
  for (const [key, value] of rows) {
    const text = encodeRow(key, value);
    page.push(text);
    bytes += text.length + 1;
    if (bytes >= PAGE_BYTES) {
      yield page;
      page = [];
      bytes = 0;
    }
    done += 1;
    if (done % SLICE === 0) {
      await new Promise(setImmediate);
    }
  }
  if (page.length > 0) {
    yield page;
  }
}
