// What travels between the engine and its clients. The command line knows the engine by these types alone, and those of
// tags, merges and projects in `wire-versions.ts`, transactions in `wire-transactions.ts`, defaults in `wire-defaults.ts`, lists of jobs in `wire-jobs.ts`, provenance in `wire-lineage.ts`,
// the store itself in `wire-store.ts`, changes as they happen in `wire-events.ts`.
//
// All paths below are under /api/v1. `{project}` and the other names are URL-encoded segments. Requests carry
// `Authorization: Bearer <token>`, and writes an `Idempotency-Key` (32 hex digits): the same key again, also after a crash,
// gets the first answer and changes nothing. Errors are problem details (RFC 9457) of type `Problem`. Lists are
// pages `Page<T>`: ask again with `after` = `next` until `next` is null. Streams are JSON lines; a line
// `{"problem": Problem}` ends a stream that failed; an empty line keeps it alive. Every response names the engine's
// version in the header `Pfs-Version`. Times are ISO 8601 in UTC, sizes are bytes.
//
// A `{ref}` is a branch name, a tag, a commit id, or one of these followed by `^`, `^N` (N commits up) or `.N` (the N-th commit
// counted from the branch's first, 1 being the first).
//
//  GET    /version                                            → Version              (no token)
//  Beside the API: GET /healthz and /readyz → 200 (no token), and GET /metrics → figures for Prometheus.
//  GET    /engine                                             → EngineStatus
//  POST   /engine/stop                                        → 202, then the engine ends once in-flight work is safe
//  GET    /journal?after=<seq>&limit=                         → Page<JournalEntry>
//
//  GET    /repos?project=&all=true&after=&limit=              → Page<Repo>           (all: with spec and meta repos)
//  POST   /repos                       CreateRepo             → Repo
//  GET    /repos/{project}/{repo}                             → Repo                 ({repo} may end in .spec or .meta)
//  PATCH  /repos/{project}/{repo}      {description}          → Repo
//  DELETE /repos/{project}/{repo}?force=true                  → 204
//  GET    /repos/{project}/{repo}/export                      → file frames: a bare Git repository with LFS objects; the
//         receiver makes the empty folders `objects` and `refs`
//
//  GET    …/{repo}/branches?after=&limit=                     → Page<Branch>
//  PUT    …/{repo}/branches/{branch}   PutBranch              → Branch               (makes it or moves its head)
//  GET    …/{repo}/branches/{branch}                          → Branch
//  DELETE …/{repo}/branches/{branch}?force=true               → 204
//
//  POST   …/{repo}/commits             StartCommit            → Commit
//  GET    …/{repo}/commits?branch=<ref>&from=&all=true&after=&limit= → Page<Commit>       (newest first)
//  GET    …/{repo}/commits/{ref}                              → Commit
//  POST   …/{repo}/commits/{ref}/finish {description?}        → Commit
//  GET    …/{repo}/commits/{ref}/wait                         → Commit, once it has finished
//  GET    …/{repo}/branches/{branch}/subscribe?from=&all=     → stream of Commit, as they finish; does not end
//  GET    /commit-sets?after=&limit=                          → Page<CommitSet>      (newest first)
//  GET    /commit-sets/{id}?all=true                          → Page<Commit> in topological order
//  GET    /commit-sets/{id}/wait?all=true                     → stream of Commit, as each finishes; ends with the last
//
//  POST   …/{repo}/files/{ref}?own=true&append=true&description=  body: file frames (`FRAMES_TYPE`) → Commit
//         or, with &path=, one file as it is (`BYTES_TYPE`). Either may be gzipped (Content-Encoding: gzip).
//         own: into a commit of its own, all or nothing; otherwise into the branch's open commit, or where none is
//         open as with own. append: adds to the ends of files.
//         &split=line|json|csv&datums=&bytes=&header-records=: of each file, pieces {path}/%016x; with append after those there.
//         &untar=true: of each file, a tar, what it holds. &symlinks=follow|keep|refuse: those in tars, or sent as frames.
//  POST   …/{repo}/files/{ref}/delete  {paths}                → Commit
//  POST   …/{repo}/files/{ref}/copy    CopyFile               → Commit               ({ref}: the destination)
//  GET    …/{repo}/files/{ref}/list?path=/&after=&limit=&recursive=true → Page<File>
//         &offset=<N> | &from=<name>: the page that begins at the N-th entry of a directory, or at the first not before a name → FilePage
//  GET    …/{repo}/files/{ref}/inspect?path=                  → File
//  GET    …/{repo}/files/{ref}/glob?pattern=&after=&limit=    → Page<File>
//  GET    …/{repo}/files/{ref}/content?path=&link=true        → the bytes (Range and If-Match honoured); path may be a glob: matches one after the other
//         (link: of a symbolic link, its target; otherwise one is refused)
//  GET    …/{repo}/files/{ref}/frames?path=                   → file frames of a file, a directory or a glob's matches;
//         paths are relative to the parent of what was named, so that each lands under its own name
//  GET    …/{repo}/files/{ref}/diff?path=&old=<project/repo@ref:path>&shallow=true&after=&limit= → Page<FileChange>
//         old: the parent commit where not named. shallow: a directory that differs is one change
//
//  POST   /pipelines?update=true&reprocess=true&if-version=&project=&file=<name for messages>   body: spec text → PipelineChange[]
//  GET    /pipelines?project=&state=<state,…>&history=<N or all>&after=&limit= → Page<Pipeline>   (history: earlier versions, too)
//  GET    /pipelines/{project}/{pipeline}?version=            → Pipeline             (a number, or ^N for N before the newest)
//  DELETE /pipelines/{project}/{pipeline}?force=true&keep-repo=true → 204
//  POST   /pipelines/{project}/{pipeline}/start | stop | tick → Pipeline             (tick: of its cron inputs, now)
//  POST   /pipelines/{project}/{pipeline}/rerun?reprocess=true → Pipeline             (a job on the current heads)
//
//  GET    /job-sets/{id}                                      → Page<Job>
//  GET    /pipelines/{project}/{pipeline}/jobs/{id}           → Job
//  POST   /pipelines/{project}/{pipeline}/jobs/{id}/stop      → Job
//  POST   /pipelines/{project}/{pipeline}/jobs/{id}/retry     → Job, the new one
//  GET    /pipelines/{project}/{pipeline}/jobs/{id}/wait      → stream of Job at each change; ends when it is done, or served
//  GET    /pipelines/{project}/{pipeline}/jobs/{id}/datums?state=<state,…>&after=&limit= → Page<Datum>
//  GET    /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum} → Datum
//  GET    /logs?project=&pipeline=&job=&datum=&path=&since=&until=&text=&follow=true&tail= → stream of LogLine
//         datum: the beginning of an id; path: of datums that read it (a glob, perhaps after a repo and a colon); since, until: times

import type { HostView } from './wire-hosting.ts';
import type { CronTimes, PutTrigger, Trigger } from './wire-triggers.ts';

export const API_PREFIX = '/api/v1';
/** Response header with the version of the engine that answered. */
export const VERSION_HEADER = 'pfs-version';
/** Media type of file frames; see `frames.ts`. */
export const FRAMES_TYPE = 'application/vnd.pfs.frames';
/** Media type of the bytes of one file. */
export const BYTES_TYPE = 'application/octet-stream';

export interface Problem {
  /** `/problems/<code>`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The sentence for the user. */
  readonly detail: string;
  readonly code: string;
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Version {
  readonly engine: string;
  readonly api: number;
}

export interface EngineStatus {
  readonly version: string;
  /** Random id of this run of the engine. */
  readonly id: string;
  readonly pid: number;
  readonly store: string;
  readonly started: string;
  /** The newest journal entry. */
  readonly sequence: number;
  readonly executor: {
    readonly kind: string;
    readonly ok: boolean;
    readonly notes: readonly string[];
  };
  readonly runningJobs: number;
}

export interface JournalEntry {
  readonly sequence: number;
  readonly time: string;
  readonly engine: string;
  readonly transactions: readonly {
    readonly actor: string;
    readonly request: string | null;
    readonly operations: readonly Readonly<Record<string, unknown>>[];
  }[];
}

export interface RepoName {
  readonly project: string;
  readonly name: string;
}

export interface CreateRepo extends RepoName {
  readonly description?: string;
}

export interface Repo extends RepoName {
  readonly type: 'user' | 'spec' | 'meta';
  readonly description: string;
  readonly created: string;
  /** Size of the head of `master`. */
  readonly size: number;
  readonly branches: readonly string[];
  /** True where a pipeline writes this repo. */
  readonly output: boolean;
  /** Which commits stay; null: all. See `wire-upkeep.ts`. */
  readonly keep: { readonly last: number | null; readonly forMs: number | null } | null;
}

export interface BranchName {
  readonly repo: RepoName;
  readonly name: string;
}

export interface PutBranch {
  /** Any ref of the same repo; absent: an existing branch stays, a new one starts empty. */
  readonly head?: string;
  /** Absent: stays as it is; null: it follows no branch any more. */
  readonly trigger?: PutTrigger | null;
}

export interface Branch extends BranchName {
  readonly head: string | null;
  readonly provenance: readonly BranchName[];
  readonly created: string;
  readonly trigger: Trigger | null;
}

export interface CommitLink extends BranchName {
  readonly commit: string;
}

export interface StartCommit {
  readonly branch: string;
  /** Any ref of the same repo to start from instead of the branch's head. */
  readonly parent?: string;
  readonly description?: string;
}

export type CommitState = 'open' | 'finished' | 'error';

export interface Image {
  readonly reference: string;
  readonly digest: string;
}

export interface Commit {
  readonly repo: RepoName;
  readonly type: 'user' | 'spec' | 'meta';
  readonly id: string;
  readonly branch: string;
  readonly parent: string | null;
  /** Second parent of a merge. */
  readonly merged: string | null;
  readonly origin: 'user' | 'auto';
  readonly description: string;
  readonly state: CommitState;
  readonly error: string | null;
  readonly started: string;
  readonly finished: string | null;
  readonly size: number;
  readonly files: number;
  readonly provenance: readonly CommitLink[];
  /** What made an output commit. */
  readonly pipeline: {
    readonly project: string;
    readonly name: string;
    readonly version: number;
  } | null;
  readonly image: Image | null;
  /** Git object ids of the commit and its tree, once finished. */
  readonly git: { readonly commit: string | null; readonly tree: string | null };
  /** The job that makes it, while and after it runs. */
  readonly job: { readonly state: JobState; readonly datums: DatumCounts } | null;
}

export interface CommitSet {
  readonly id: string;
  readonly commits: number;
  readonly finished: number;
  readonly failed: number;
  readonly created: string;
  readonly modified: string;
}

export interface File {
  /** With a leading slash; a directory's ends in one. */
  readonly path: string;
  readonly type: 'file' | 'dir' | 'link';
  readonly size: number;
  /** Files below a directory; 1 for a file. */
  readonly files: number;
  readonly executable: boolean;
  /** Git object id. */
  readonly id: string;
}

export interface CopyFile {
  readonly source: { readonly repo: RepoName; readonly ref: string; readonly path: string };
  readonly path: string;
  readonly append?: boolean;
}

export interface FileChange {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly path: string;
  readonly old: File | null;
  readonly new: File | null;
}

export type PipelineState = 'starting' | 'running' | 'paused' | 'standby' | 'crashing' | 'failure';

export interface Pipeline {
  readonly project: string;
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly state: PipelineState;
  readonly reason: string;
  readonly stopped: boolean;
  readonly created: string;
  readonly updated: string;
  /** Shorthand of the input: `training:/`, `images:/* ⨯ edges:/`. */
  readonly input: string;
  readonly outputBranch: string;
  readonly lastJob: { readonly id: string; readonly state: JobState } | null;
  readonly jobs: Readonly<Partial<Record<JobState, number>>>;
  /** How it runs, of a service or spout. */
  readonly host: HostView | null;
  /** Its cron inputs. */
  readonly crons: readonly CronTimes[];
  /** The canonical spec. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** As the user wrote it. Empty in lists. */
  readonly userSpec: string;
  /** False of an earlier version, which has no jobs of its own here. */
  readonly current?: boolean;
}

export interface PipelineChange {
  readonly pipeline: Pipeline;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

export type JobState =
  | 'created'
  | 'starting'
  | 'running'
  | 'egressing'
  | 'finishing'
  | 'success'
  | 'failure'
  | 'killed'
  | 'unrunnable';

export interface DatumCounts {
  readonly total: number;
  readonly processed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly recovered: number;
}

export interface FailedDatum {
  readonly id: string;
  readonly reason: string;
  /** The last lines it printed. */
  readonly output: readonly string[];
}

export interface Job {
  readonly project: string;
  readonly pipeline: string;
  readonly id: string;
  readonly version: number;
  readonly state: JobState;
  /** Why it ended as it did; before that, what keeps it from running. */
  readonly reason: string;
  /** Whether it waits for room on the machine, which `reason` then says more about. */
  readonly waits: boolean;
  readonly created: string;
  readonly started: string | null;
  readonly finished: string | null;
  readonly restarts: number;
  /** The failed job that this one does again. */
  readonly retries: string | null;
  readonly datums: DatumCounts;
  readonly stats: {
    readonly downloadBytes: number;
    readonly uploadBytes: number;
    readonly downloadMs: number;
    readonly processMs: number;
    readonly uploadMs: number;
  };
  readonly image: Image | null;
  readonly provenance: readonly CommitLink[];
  readonly outputBranch: string;
  /** Only when one job is asked for. */
  readonly failed?: readonly FailedDatum[];
  /** Only when one job is asked for, while it runs. */
  readonly workers?: readonly {
    readonly id: string;
    readonly datum: string | null;
    /** Since when it has its datum, or waits. */
    readonly since: string | null;
    /** Why it does not work: there is no room for it on the machine now. Empty where that is not so. */
    readonly waitsFor: string;
  }[];
}

export type DatumState = 'waiting' | 'running' | 'success' | 'skipped' | 'failed' | 'recovered';

export interface Datum {
  readonly id: string;
  readonly hash: string;
  readonly job: string;
  readonly state: DatumState;
  /** The job that produced the stored result: another one where this job skipped the datum. */
  readonly producedBy: string | null;
  readonly inputs: readonly {
    readonly name: string;
    readonly repo: RepoName;
    readonly branch: string;
    readonly commit: string;
    readonly path: string;
    readonly size: number;
  }[];
  readonly reason: string;
  readonly exitCode: number | null;
  readonly tries: number;
  readonly started: string | null;
  readonly stats: Job['stats'] | null;
  readonly version: number | null;
  readonly image: Image | null;
  /** `name@version` of the secrets that its result was made with; absent for none. */
  readonly secrets?: readonly string[];
}

export interface LogLine {
  readonly time: string;
  readonly project: string;
  readonly pipeline: string;
  readonly job: string;
  readonly datum: string;
  readonly message: string;
}
