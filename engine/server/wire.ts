// What travels between the engine and its clients: constants, and the types that most of them need. The command line and the page
// know the engine by these types alone; the schemas that they are the types of stand in `wire-<subject>.ts`, and what can be
// asked for in `operations/`. Clients import types only from there, which costs them nothing at run time.

export type { Commit, CommitLink, CommitSet, StartCommit } from './wire-commits.ts';
export type { EngineStatus, JournalEntry, Version } from './wire-engine.ts';
export type { CopyFile, File, FileChange } from './wire-files.ts';
export type { Datum, FailedDatum, Job, LogLine } from './wire-jobs.ts';
export type { Pipeline, PipelineChange } from './wire-pipelines.ts';
export type { Problem } from './wire-problem.ts';
export type { Branch, BranchName, CreateRepo, PutBranch, Repo, RepoName } from './wire-repos.ts';
export type {
  CommitState,
  DatumCounts,
  DatumState,
  Image,
  JobState,
  PipelineState,
} from './wire-states.ts';

export const API_PREFIX = '/api/v1';
/** Response header with the version of the engine that answered. */
export const VERSION_HEADER = 'pfs-version';
/** Request header that names the transaction to add to. */
export const TRANSACTION_HEADER = 'pfs-transaction';
/** Media type of file frames; see `frames.ts`. */
export const FRAMES_TYPE = 'application/vnd.pfs.frames';
/** Media type of the bytes of one file. */
export const BYTES_TYPE = 'application/octet-stream';
/** Media type of problems (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';
/** Media type of streams of documents, one on each line. */
export const LINES_TYPE = 'application/x-ndjson';

/** A part of a list. The next one is asked for with `after` = `next`, until that is null. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** What directories can be had as. */
export const ARCHIVE_FORMATS = ['tar', 'tar.gz', 'zip'] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];
