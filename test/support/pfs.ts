// What tests of pfs need: a store with a context and a queue on it, and few words to put and read files.

import { ByteBudget } from '../../engine/base/byte-budget.ts';
import type { Clock } from '../../engine/base/clock.ts';
import { IdMaker } from '../../engine/base/ids.ts';
import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import type { BranchRef, CommitRecord } from '../../engine/journal/records.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import { openTree } from '../../engine/pfs/commits.ts';
import type { PfsContext } from '../../engine/pfs/context.ts';
import { walkFiles } from '../../engine/pfs/files.ts';
import { type OpenOptions, openPfs } from '../../engine/pfs/open.ts';
import { createRepo } from '../../engine/pfs/repos.ts';
import { type FilePart, putFiles, type Target } from '../../engine/pfs/upload.ts';

export const ACTOR = { actor: 'test' };

export interface Pfs {
  readonly store: ObjectStore;
  readonly budget: ByteBudget;
  readonly context: PfsContext;
  readonly queue: CommitQueue;
}

let engines = 0;

/** Opens pfs on a store: a new one in memory where none is named. Close it, or hand over the test to have it closed. */
export async function openTestPfs(
  options: {
    readonly store?: ObjectStore;
    readonly clock?: Clock;
    /** Of the ids it makes; another one with each engine and process where not named. */
    readonly seed?: number;
    readonly budgetBytes?: number;
    readonly snapshots?: OpenOptions['snapshots'];
    readonly tracer?: OpenOptions['tracer'];
    /** Takes what no caller sees; it fails the test unless told. */
    readonly onProblem?: (error: unknown) => void;
    readonly t?: { after(close: () => Promise<void>): void };
  } = {},
): Promise<Pfs> {
  const { store = new MemoryObjectStore(), clock = new SystemClock(), snapshots } = options;
  engines += 1;
  const random = new SeededRandom(options.seed ?? engines * 7919 + process.pid);
  const budget = new ByteBudget(options.budgetBytes ?? 192 * 1024 * 1024);
  const context = await openPfs({
    store,
    clock,
    random,
    ids: new IdMaker(clock, random),
    budget,
    engine: options.seed === undefined ? `engine-${engines}` : 'engine',
    ...(snapshots ? { snapshots } : {}),
    ...(options.tracer ? { tracer: options.tracer } : {}),
    onProblem: options.onProblem ?? fail,
  });
  options.t?.after(() => context.journal.close());
  return { store, budget, context, queue: new CommitQueue(context) };
}

function fail(error: unknown): never {
  throw error;
}

/** Makes repos of the default project. */
export async function createRepos(pfs: Pfs, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await createRepo(pfs.context, { key: `default/${name}`, description: '' }, ACTOR);
  }
}

export type Contents = Readonly<Record<string, string | Buffer>>;

export interface PutOptions {
  readonly append?: boolean;
  readonly own?: boolean;
  readonly id?: string;
  readonly description?: string;
  /** Paths to be put as executable. */
  readonly executable?: readonly string[];
}

/** Puts files, by path, into `repo@ref` of the default project. */
export async function put(
  pfs: Pfs,
  to: string,
  files: Contents,
  options: PutOptions = {},
): Promise<CommitRecord> {
  const { append = false, own = false, description = '', executable = [], id } = options;
  const parts = Object.entries(files).map(
    ([path, data]): FilePart => ({
      path,
      executable: executable.includes(path),
      data: Buffer.from(data),
      first: true,
      last: true,
    }),
  );
  return await putFiles(pfs.context, pfs.queue, {
    target: { ...target(to), own, description },
    append,
    parts: batches(parts),
    request: id === undefined ? ACTOR : { ...ACTOR, id },
  });
}

/** Takes `repo@ref` apart. */
export function target(text: string): Target {
  const [repo = '', ref = 'master'] = text.split('@');
  return { repo: `default/${repo}`, ref, own: false, description: '' };
}

/** Returns every file of `repo@ref` as text, by path. */
export async function readAll(pfs: Pfs, from: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [path, { bytes }] of await readBytes(pfs, from)) {
    files[path] = bytes.toString();
  }
  return files;
}

/** Returns every file of `repo@ref`, by path. */
export async function readBytes(
  pfs: Pfs,
  from: string,
): Promise<Map<string, { mode: string; bytes: Buffer }>> {
  const { repo, ref } = target(from);
  const tree = await openTree(pfs.context, repo, ref);
  try {
    const files = new Map<string, { mode: string; bytes: Buffer }>();
    const root = { path: '', mode: '40000' as const, id: tree.tree ?? '' };
    for await (const { path, mode, id } of tree.tree ? walkFiles(tree.objects, root) : []) {
      files.set(path, { mode, bytes: await gather(tree.readFile(id)) });
    }
    return files;
  } finally {
    tree.close();
  }
}

/** Returns all that an iterable of bytes yields. */
export async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) {
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Yields parts as an upload brings them: a few at a time. */
export async function* batches(parts: readonly FilePart[]): AsyncGenerator<readonly FilePart[]> {
  for (let from = 0; from < parts.length; from += 100) {
    yield parts.slice(from, from + 100);
  }
}

/** Makes a branch that reads others, as a pipeline's output does. */
export async function link(
  pfs: Pfs,
  output: { readonly branch: BranchRef; readonly provenance: readonly BranchRef[] },
): Promise<void> {
  const { branch, provenance } = output;
  const record = { repo: branch.repo, name: branch.branch, head: null, provenance, created: 0 };
  await pfs.context.journal.transact(
    () => ({ operations: [{ kind: 'branch.put' as const, branch: record }], result: null }),
    ACTOR,
  );
}

/** Finishes every commit that a pipeline would make, without files. */
export async function finishOutputs(pfs: Pfs): Promise<void> {
  const { state } = pfs.context.journal;
  const open = [...state.commits.values()].filter(
    (commit) => commit.finished === null && commit.origin === 'auto',
  );
  await pfs.context.journal.transact(
    () => ({
      operations: open.map(({ repo, id }) => ({
        kind: 'commit.finished' as const,
        repo,
        commit: id,
        time: 1,
        tree: null,
        git: null,
        size: 0,
        files: 0,
        error: null,
      })),
      result: null,
    }),
    ACTOR,
  );
}
