// Opening a store: the journal, and everything that reads and writes contents on top of it.

import type { ByteBudget } from '../base/byte-budget.ts';
import type { Clock } from '../base/clock.ts';
import type { IdMaker } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { Tracer } from '../base/tracer.ts';
import { ChunkReader } from '../content/chunk-reader.ts';
import { ChunkWriter } from '../content/chunk-writer.ts';
import { LargeFileReader } from '../content/large-file.ts';
import { GitReader } from '../git/git-reader.ts';
import { GitWriter } from '../git/git-writer.ts';
import { Journal } from '../journal/journal.ts';
import type { Operation } from '../journal/operations.ts';
import { definition, definitionFor } from '../journal/pfs-definition.ts';
import type { SnapshotPolicy } from '../journal/snapshotter.ts';
import type { State } from '../journal/state.ts';
import { FORMAT } from '../object/format.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PackCache } from '../object/pack-cache.ts';
import { PackSet } from '../object/pack-set.ts';
import { PackUploader } from '../object/pack-uploader.ts';
import type { PfsContext } from './context.ts';
import { readFileBytes } from './file-content.ts';
import { followPacks, restorePack } from './pack-changes.ts';
import { WriteSession } from './write-session.ts';

export interface OpenOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdMaker;
  /** Bounds the bytes that all writes together hold in memory. */
  readonly budget: ByteBudget;
  /** The id of this engine. */
  readonly engine: string;
  /** When to take snapshots of the state; the journal's own policy where not named. */
  readonly snapshots?: Partial<SnapshotPolicy>;
  /** The newest format that is known; another one than this engine's for tests of engines to come. */
  readonly format?: number;
  readonly onProblem?: (error: unknown) => void;
  /** Takes spans of what is done; undefined: nobody does. */
  readonly tracer?: Tracer;
}

/** Opens the journal of a store and returns what pfs works with. Close the journal when done. */
export async function openPfs(options: OpenOptions): Promise<PfsContext> {
  const { store, clock, random, ids, budget, engine, snapshots, onProblem, tracer } = options;
  const { format = FORMAT } = options;
  const uploader = new PackUploader(store, { ids, budget });
  const journal: Journal<State, Operation> = await Journal.open<State, Operation>({
    store,
    definition: format === FORMAT ? definition : definitionFor(format),
    clock,
    random,
    engine,
    remedy: (error) => restorePack({ journal, store, uploader }, error),
    ...(snapshots ? { snapshots } : {}),
    ...(onProblem ? { onProblem } : {}),
    ...(tracer ? { tracer } : {}),
  });
  const packs = new PackSet(new PackCache(store), { refresh: () => journal.sync() });
  for (const pack of journal.state.packs.values()) {
    packs.add(pack);
  }
  journal.subscribe((entry) => followPacks(journal.state, packs, entry));
  const objects = new GitReader(packs);
  const largeFiles = new LargeFileReader(new ChunkReader(packs));
  return {
    store,
    journal,
    clock,
    ...(tracer ? { tracer } : {}),
    ids,
    packs,
    uploader,
    objects,
    readFile: (id, range) => readFileBytes(objects, largeFiles, { id, ...range }),
    newSession: () =>
      new WriteSession(
        new GitWriter(packs, { uploader, reader: objects }),
        new ChunkWriter(packs, { uploader }),
      ),
    history: (key) => journal.history.get(key),
    async *scanHistory<T>(prefix: string, scan: { reverse?: boolean; from?: string } = {}) {
      for await (const { key, value } of journal.history.scan<T>({ prefix, ...scan })) {
        yield [key, value] as const;
      }
    },
  };
}
