// The records that the state is made of. Plain, immutable data: a change replaces a record.
// Times are milliseconds since the Unix epoch, sizes are bytes.

import type { MakerRecord } from './auth-records.ts';
import type { GitRecord } from './git-records.ts';
import type { HostRecord } from './host-record.ts';
import type { JobState, PipelineState } from './states.ts';

/** `project/name`; the repos of a pipeline's specs and datum results end in `.spec` and `.meta`. */
export type RepoKey = string;
/** `project/name` of a pipeline: also the key of its output repo. */
export type PipelineKey = string;

export type RepoKind = 'user' | 'spec' | 'meta';

export interface RepoRecord {
  readonly key: RepoKey;
  /** Never reused: a repo deleted and made again under its old name is another repo. */
  readonly id: string;
  readonly kind: RepoKind;
  readonly description: string;
  readonly created: number;
  /**
   * How often its commits were changed otherwise than by one more on a line: removed, rewritten, or made by a merge. From the first time on a
   * commit's depth may exceed the number of its ancestors; and what was read of its history before has to be read again.
   */
  readonly reshaped?: number;
  /** By how many milliseconds a commit may be younger than its id, which a transaction took long before; none: half a day. */
  readonly idLag?: number;
  /** Which of its commits stay; absent: all. */
  readonly keep?: RetentionRecord;
}

/** Which commits of a repo stay: one that either says is enough. Null: does not say. */
export interface RetentionRecord {
  /** The newest so many of each branch. */
  readonly last: number | null;
  /** Those that finished within so many milliseconds. */
  readonly forMs: number | null;
}

/** A project that was made or described. One that is only used needs no record. */
export interface ProjectRecord {
  readonly name: string;
  readonly description: string;
  readonly created: number;
}

/** Parts of specs that every pipeline of a scope has that does not say otherwise. */
export interface DefaultsRecord {
  /** {@link CLUSTER_SCOPE}, or what {@link projectScope} gives. */
  readonly scope: string;
  /** Fields of a spec, with the names of the schema; null erases what an outer scope says. */
  readonly value: Readonly<Record<string, unknown>>;
  /** As their author wrote them. */
  readonly text: string;
  readonly updated: number;
}

/** A lasting name of a finished commit. */
export interface TagRecord {
  readonly repo: RepoKey;
  readonly name: string;
  readonly commit: string;
  readonly description: string;
  readonly created: number;
}

export interface BranchRef {
  readonly repo: RepoKey;
  readonly branch: string;
}

/** A branch that another is made from. */
export interface BranchSource extends BranchRef {
  /** It is read when others cause a commit, and causes none itself. */
  readonly never?: boolean;
}

/** When a branch follows another one of its repo by itself. Null: no such condition. */
export interface TriggerRecord {
  readonly branch: string;
  /** All conditions must hold, rather than any. */
  readonly all: boolean;
  /** Bytes by which the followed branch must be larger. */
  readonly size: number | null;
  /** Commits by which it must be ahead. */
  readonly commits: number | null;
  /** A schedule of which a time must have passed since the commit that the branch is at. */
  readonly rateLimit: string | null;
  /** A schedule at whose times the branch moves. */
  readonly cron: string | null;
  /** The last time of that schedule that was taken; before the first, when the trigger was made. */
  readonly ticked: number;
}

export interface BranchRecord {
  readonly repo: RepoKey;
  readonly name: string;
  /** Newest commit, finished or open; null for a branch without commits. */
  readonly head: string | null;
  /** The branches whose commits cause commits on this one, and those that are read with them. */
  readonly provenance: readonly BranchSource[];
  readonly created: number;
  /** How it follows another branch; a branch that does has no provenance. */
  readonly trigger?: TriggerRecord;
}

/** Why a commit exists: a user made it, or the engine did because of another commit. */
export type CommitOrigin = 'user' | 'auto';

/** One commit that another was made from, under the branch through which it was read. */
export interface ProvenanceLink extends BranchRef {
  readonly commit: string;
}

/** A Git tree entry: `mode` is 100644, 100755 or 40000, `id` the Git object. */
export interface EntryRef {
  readonly mode: string;
  readonly id: string;
}

/** One change to the files of an open commit; they apply in order. */
export type Edit =
  /** Every file below this tree replaces what stands at its path. */
  | { readonly kind: 'overlay'; readonly tree: string }
  /** Removes a file or a directory; an absent path is left alone. */
  | { readonly kind: 'delete'; readonly path: string }
  /** Puts a file or a whole directory at a path, replacing what stands there. */
  | { readonly kind: 'set'; readonly path: string; readonly entry: EntryRef }
  /** Appends a file's content to the file at a path, or makes it. */
  | { readonly kind: 'append'; readonly path: string; readonly entry: EntryRef }
  /** Puts the files of this tree, in order, into the directory at a path, under the numbers that follow its last one. */
  | { readonly kind: 'extend'; readonly path: string; readonly tree: string };

export interface ImageRecord {
  readonly reference: string;
  readonly digest: string;
  /** What the executor of the engine that recorded it runs. */
  readonly id?: string;
}

export interface CommitRecord {
  readonly repo: RepoKey;
  /** Shared by all commits that one cause made, in all repos. */
  readonly id: string;
  /** The branch on which the commit was started. */
  readonly branch: string;
  readonly parent: string | null;
  /** Of a merge, the head of what was merged: the second parent. */
  readonly merged?: string;
  /** How many ancestors it has; more where a merge or a removal was in their line. Always above its parents'. */
  readonly depth: number;
  readonly origin: CommitOrigin;
  /** Who made it, as the journal names actors; absent where the engine did, and in older commits. */
  readonly by?: string;
  readonly description: string;
  readonly started: number;
  readonly finished: number | null;
  /** Why the commit failed; null while open and when good. */
  readonly error: string | null;
  readonly provenance: readonly ProvenanceLink[];
  /** Git tree: of a finished commit its files; of an open one, what its edits apply to. Null is the empty tree. */
  readonly tree: string | null;
  /** Git commit, once finished. */
  readonly git: string | null;
  readonly size: number;
  readonly files: number;
  readonly edits: readonly Edit[];
  /** What made an output commit. */
  readonly pipeline: { readonly name: PipelineKey; readonly version: number } | null;
  readonly image: ImageRecord | null;
}

/** An input of a pipeline that gets a commit at the times of a schedule. */
export interface CronRecord {
  /** Name of the input. */
  readonly input: string;
  /** Where the commits go; it belongs to the pipeline. */
  readonly repo: RepoKey;
  readonly schedule: string;
  /** Each tick replaces the file of the one before. */
  readonly overwrite: boolean;
  /** The last time of the schedule that was taken; before the first, the time from which it counts. */
  readonly ticked: number;
}

export interface PipelineRecord {
  readonly key: PipelineKey;
  /** Never reused, unlike the name. */
  readonly id: string;
  readonly version: number;
  readonly created: number;
  readonly updated: number;
  readonly state: PipelineState;
  readonly reason: string;
  readonly stopped: boolean;
  /** Mixed into every datum hash; renewed to process all datums again. */
  readonly salt: string;
  /** The canonical spec, as `engine/pipeline` made it. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** Commit of the spec repo that holds this version. */
  readonly specCommit: string;
  readonly jobs: Readonly<Partial<Record<JobState, number>>>;
  readonly lastJob: { readonly id: string; readonly state: JobState } | null;
  /** What this version's image was when it was first there; every job of the version runs it. */
  readonly image: ImageRecord | null;
  /** Its inputs that come at set times; absent where there are none. */
  readonly crons?: readonly CronRecord[];
  /** Of a service or spout, how it runs; absent before an engine hosted it. */
  readonly host?: HostRecord;
  /** Its inputs that follow Git servers; absent where there are none. */
  readonly gits?: readonly GitRecord[];
  /** The user who made this version, with whose rights it reads; absent: one who may read everything. */
  readonly maker?: MakerRecord;
}

/** Returns whether a job in this state will never change again. */
export function isTerminal(state: JobState): boolean {
  return state === 'success' || state === 'failure' || state === 'killed' || state === 'unrunnable';
}

export interface DatumCounts {
  readonly total: number;
  readonly processed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly recovered: number;
}

export interface JobStats {
  readonly downloadBytes: number;
  readonly uploadBytes: number;
  readonly downloadMs: number;
  readonly processMs: number;
  readonly uploadMs: number;
}

export interface JobRecord {
  readonly pipeline: PipelineKey;
  readonly pipelineId: string;
  /** The id of the output commit, and of its commit set. */
  readonly id: string;
  readonly version: number;
  readonly salt: string;
  readonly specCommit: string;
  readonly state: JobState;
  readonly reason: string;
  readonly created: number;
  readonly started: number | null;
  readonly finished: number | null;
  /** The engine that runs it. */
  readonly owner: string | null;
  readonly restarts: number;
  readonly datums: DatumCounts;
  readonly stats: JobStats;
  /** Git tree of the datum results this job has made so far, in the layout of the meta repo. */
  readonly results: string | null;
  readonly image: ImageRecord | null;
  /** The job of the same pipeline that failed and is done again by this one. */
  readonly retries?: string;
}

export interface PackRecord {
  readonly id: string;
  readonly kind: 'git' | 'chunk';
  readonly bytes: number;
  readonly objects: number;
  /** Ids of the repos that were written with it. */
  readonly repos: readonly string[];
  /** The last entry in which a transaction brought it or leaned on it; absent: before this was noted. */
  readonly used?: number;
}

/** A pack that has left the live set. It is known until no transaction can name it any more, and never lives again. */
export interface RemovedPackRecord extends PackRecord {
  /** The entry that removed it. The store's time of that entry's object is when it was. */
  readonly removed: number;
  /** Packs that hold all that was in it, live or removed themselves; null where some of it was dropped. */
  readonly into: readonly string[] | null;
  /** The entry that announced that its objects will be deleted: from there on nothing brings them back. */
  readonly deleted: number | null;
}

/** The entry that deleted something, and its writer's clock, for people: the store's time of the entry counts. */
interface Trashed {
  readonly removed: number;
  readonly time: number;
}

/** What was deleted and can be had back until it is emptied out of the trash. */
export type TrashRecord =
  | (Trashed & {
      readonly kind: 'repo';
      readonly repo: RepoRecord;
      readonly branches: readonly BranchRecord[];
      readonly tags: readonly TagRecord[];
    })
  | (Trashed & { readonly kind: 'branch'; readonly repoId: string; readonly branch: BranchRecord })
  | (Trashed & { readonly kind: 'commit'; readonly repoId: string; readonly commit: CommitRecord });

/** The key of a commit in the state. */
export function commitKey(repo: RepoKey, id: string): string {
  return `${repo}@${id}`;
}

/** The key of a branch in the state. */
export function branchKey(repo: RepoKey, branch: string): string {
  return `${repo}@${branch}`;
}

/** The key of a tag in the state. */
export function tagKey(repo: RepoKey, tag: string): string {
  return `${repo}@${tag}`;
}

/** The scope of all pipelines. */
export const CLUSTER_SCOPE = 'cluster';

/** The scope of the pipelines of one project. */
export function projectScope(project: string): string {
  return `project/${project}`;
}

/** The key of a job in the state. */
export function jobKey(pipeline: PipelineKey, id: string): string {
  return `${pipeline}@${id}`;
}

/** The repo that holds a pipeline's specs, one commit per version. */
export function specRepo(pipeline: PipelineKey): RepoKey {
  return `${pipeline}.spec`;
}

/** The repo that holds a pipeline's datum results. */
export function metaRepo(pipeline: PipelineKey): RepoKey {
  return `${pipeline}.meta`;
}

/** The key of what was deleted in the trash. Repos go by their ids: their names may be used again. */
export function trashKey(
  of:
    | { readonly kind: 'repo'; readonly repoId: string }
    | { readonly kind: 'branch'; readonly repoId: string; readonly branch: string }
    | { readonly kind: 'commit'; readonly repoId: string; readonly commit: string },
): string {
  switch (of.kind) {
    case 'repo':
      return `repo/${of.repoId}`;
    case 'branch':
      return `branch/${of.repoId}/${of.branch}`;
    case 'commit':
      return `commit/${of.repoId}/${of.commit}`;
  }
}

/** The key of a commit of a deleted repo. */
export function buriedKey(repoId: string, commit: string): string {
  return `${repoId}/${commit}`;
}

/** The one branch of the spec and meta repos. */
export const SYSTEM_BRANCH = 'master';
