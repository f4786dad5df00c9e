// A model of the store in plain objects, made from nothing but the entries of the journal and what clients asked for. It
// shares no code with the engine's own fold, and says what must be true after every step.

import assert from 'node:assert/strict';
import { ChunkReader } from '../../engine/content/chunk-reader.ts';
import { LargeFileReader } from '../../engine/content/large-file.ts';
import { GitReader } from '../../engine/git/git-reader.ts';
import type { Operation } from '../../engine/journal/operations.ts';
import type { CommitRecord } from '../../engine/journal/records.ts';
import { PackCache } from '../../engine/object/pack-cache.ts';
import { PackSet } from '../../engine/object/pack-set.ts';
import { readFileBytes } from '../../engine/pfs/file-content.ts';
import { walkFiles } from '../../engine/pfs/files.ts';
import { gather } from '../support/pfs.ts';
import type { Bucket } from './bucket.ts';
import { processed } from './workers.ts';

/** One change of files, as a client asks for it. */
export type ModelEdit =
  | { readonly put: Readonly<Record<string, string>> }
  | { readonly remove: string };

export type Files = ReadonlyMap<string, string>;

/** What a client asked for under one request id. */
export interface Asked {
  readonly id: string;
  readonly what: string;
  /** What a person wanted once, whatever ids it was asked for under. */
  readonly operation: string;
  readonly edits: readonly ModelEdit[];
}

interface ModelCommit {
  readonly repo: string;
  readonly id: string;
  readonly parent: string | null;
  readonly sources: readonly { readonly repo: string; readonly commit: string }[];
  readonly edits: ModelEdit[];
  /** Set once it has finished. */
  files?: Files;
}

interface ModelJob {
  owner: string | null;
  isOver: boolean;
}

interface RawEntry {
  readonly seq: number;
  readonly transactions: readonly {
    readonly request?: string;
    readonly operations: readonly Operation[];
    readonly result?: { readonly id?: string };
  }[];
}

/** Watches the bucket. */
export class Witness {
  /** Commits by `repo@id`. */
  readonly commits = new Map<string, ModelCommit>();
  /** What each request was answered, by its id. */
  readonly answers = new Map<string, { readonly commit: string | undefined }>();
  readonly asked = new Map<string, Asked>();
  readonly heads = new Map<string, string | null>();
  readonly jobs = new Map<string, ModelJob>();
  seq = 0;
  readonly #done = new Set<string>();
  readonly #bucket: Bucket;
  readonly #packs: PackSet;
  readonly #objects: GitReader;
  readonly #large: LargeFileReader;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
    this.#packs = new PackSet(new PackCache(bucket));
    this.#objects = new GitReader(this.#packs);
    this.#large = new LargeFileReader(new ChunkReader(this.#packs));
  }

  /** Takes in what is new, and compares it with what was asked for. */
  async check(): Promise<void> {
    assert.ok(this.#bucket.violation === undefined, this.#bucket.violation);
    for (let entry = this.#bucket.news.shift(); entry; entry = this.#bucket.news.shift()) {
      await this.#take(JSON.parse(entry.bytes.toString()) as RawEntry);
    }
  }

  /** Commits of users' repos, and of the output repo, that have finished. */
  finished(): ModelCommit[] {
    return [...this.commits.values()].filter(({ files }) => files !== undefined);
  }

  /** Returns what a commit must hold: its parent's files, changed as asked. */
  async #expected(commit: ModelCommit): Promise<Files> {
    if (commit.repo === 'default/out') {
      const [source] = commit.sources.filter(({ repo }) => repo === 'default/b');
      const read = this.commits.get(`${source?.repo}@${source?.commit}`)?.files ?? new Map();
      return new Map([...read].map(([path, text]) => [path, processed(text)]));
    }
    const parent =
      commit.parent === null ? undefined : this.commits.get(`${commit.repo}@${commit.parent}`);
    assert.equal(
      parent === undefined,
      commit.parent === null,
      `${commit.id} has an unknown parent`,
    );
    return applied(parent?.files ?? new Map(), commit.edits);
  }

  async #take(entry: RawEntry): Promise<void> {
    assert.equal(entry.seq, this.seq + 1, 'the journal has a gap, or an entry twice');
    this.seq = entry.seq;
    for (const { request, operations, result } of entry.transactions) {
      const asked = request === undefined ? undefined : this.asked.get(request);
      if (request !== undefined) {
        assert.ok(!this.answers.has(request), `request ${request} was done twice: ${asked?.what}`);
        this.answers.set(request, { commit: result?.id });
        assert.ok(!this.#done.has(asked?.operation ?? request), `${asked?.what} was done twice`);
        this.#done.add(asked?.operation ?? request);
      }
      for (const operation of operations) {
        for (const pack of operation.kind === 'packs.added' ? operation.added : []) {
          this.#packs.add(pack);
        }
      }
      for (const operation of operations) {
        await this.#fold(operation, asked, operations);
      }
      this.#demandOutputs(operations);
    }
  }

  async #fold(
    operation: Operation,
    asked: Asked | undefined,
    all: readonly Operation[],
  ): Promise<void> {
    switch (operation.kind) {
      case 'branch.put':
        this.heads.set(`${operation.branch.repo}@${operation.branch.name}`, operation.branch.head);
        return;
      case 'branch.moved':
        this.heads.set(`${operation.repo}@${operation.branch}`, operation.head);
        return;
      case 'commit.started':
        this.#start(operation.commit, asked, all);
        return;
      case 'commit.edited':
        this.commits
          .get(`${operation.repo}@${operation.commit}`)
          ?.edits.push(...(asked?.edits ?? []));
        return;
      case 'commit.finished':
        await this.#finish(operation);
        return;
      default:
        this.#foldJob(operation);
    }
  }

  #foldJob(operation: Operation): void {
    switch (operation.kind) {
      case 'job.created': {
        const key = `${operation.job.pipeline}@${operation.job.id}`;
        assert.ok(!this.jobs.has(key), `job ${key} was made twice`);
        this.jobs.set(key, { owner: null, isOver: false });
        return;
      }
      case 'job.claimed': {
        const job = this.#job(operation);
        job.owner = operation.owner;
        return;
      }
      case 'job.progressed':
        assert.equal(this.#job(operation).owner, operation.owner, 'progress of a stale owner');
        return;
      case 'job.finished':
        assert.equal(operation.state, 'success', operation.reason);
        this.#job(operation).isOver = true;
        return;
      default:
    }
  }

  #job({ pipeline, job }: { readonly pipeline: string; readonly job: string }): ModelJob {
    const found = this.jobs.get(`${pipeline}@${job}`);
    assert.ok(found && !found.isOver, `job ${pipeline}@${job} changed after its end`);
    return found;
  }

  #start(commit: CommitRecord, asked: Asked | undefined, all: readonly Operation[]): void {
    const key = `${commit.repo}@${commit.id}`;
    assert.ok(!this.commits.has(key), `commit ${key} was made twice`);
    const { repo, id, parent, provenance } = commit;
    const isWhole = all.some(
      (one) => one.kind === 'commit.finished' && one.commit === id && one.repo === repo,
    );
    const edits = isWhole && asked ? [...asked.edits] : [];
    this.commits.set(key, { repo, id, parent, sources: provenance, edits });
    assert.ok(
      commit.origin !== 'user' || asked || repo.includes('.') || this.asked.size === 0,
      `${key} was made for nobody`,
    );
  }

  /** A commit, and the one output commit it causes, are of one transaction. */
  #demandOutputs(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const isHead =
        operation.kind === 'commit.finished' &&
        operation.repo === 'default/b' &&
        this.heads.get('default/b@master') === operation.commit;
      if (isHead && this.asked.size > 0) {
        const made = operations.filter(
          (one) => one.kind === 'commit.started' && one.commit.repo === 'default/out',
        );
        assert.equal(
          made.length,
          1,
          `${operation.commit} and its output are not of one transaction`,
        );
      }
    }
  }

  async #finish(operation: Extract<Operation, { kind: 'commit.finished' }>): Promise<void> {
    const { repo, commit: id, tree, error } = operation;
    const commit = this.commits.get(`${repo}@${id}`);
    assert.ok(commit && commit.files === undefined, `commit ${repo}@${id} finished twice`);
    assert.equal(error, null, `commit ${repo}@${id} failed: ${error}`);
    if (repo.includes('.')) {
      commit.files = new Map();
      return;
    }
    const expected = await this.#expected(commit);
    const stored = await this.#read(tree);
    assert.deepEqual(sorted(stored), sorted(expected), `${repo}@${id} holds something else`);
    commit.files = expected;
  }

  async #read(tree: string | null): Promise<Files> {
    const files = new Map<string, string>();
    if (tree !== null) {
      const root = { path: '', mode: '40000' as const, id: tree };
      for await (const { path, id } of walkFiles(this.#objects, root)) {
        files.set(
          path,
          (await gather(readFileBytes(this.#objects, this.#large, { id }))).toString(),
        );
      }
    }
    return files;
  }
}

/** Returns files in the order of their paths, to be compared. */
export function sorted(files: Files): [string, string][] {
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1));
}

function applied(files: Files, edits: readonly ModelEdit[]): Files {
  const result = new Map(files);
  for (const edit of edits) {
    if ('put' in edit) {
      for (const [path, text] of Object.entries(edit.put)) {
        result.set(path, text);
      }
    } else {
      for (const path of [...result.keys()]) {
        if (path === edit.remove || path.startsWith(`${edit.remove}/`)) {
          result.delete(path);
        }
      }
    }
  }
  return result;
}
