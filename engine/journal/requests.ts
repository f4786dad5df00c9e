// What users ask to be changed, as data: a normal request is decided at once, one of a transaction is kept in the state
// until the transaction finishes. Both are decided by the same functions.

import type { PipelineKey, RepoKey, TriggerRecord } from './records.ts';

/** One change that a user asks for. Adding a kind takes one line in the table of `engine/jobs/changes.ts`. */
export type ChangeRequest =
  | { readonly kind: 'repo.create'; readonly repo: RepoKey; readonly description: string }
  | { readonly kind: 'repo.describe'; readonly repo: RepoKey; readonly description: string }
  | { readonly kind: 'repo.delete'; readonly repo: RepoKey; readonly force: boolean }
  | {
      readonly kind: 'branch.put';
      readonly repo: RepoKey;
      readonly branch: string;
      readonly head?: string;
      /** Null takes the trigger away. */
      readonly trigger?: Omit<TriggerRecord, 'ticked'> | null;
    }
  | {
      readonly kind: 'branch.delete';
      readonly repo: RepoKey;
      readonly branch: string;
      readonly force: boolean;
    }
  | {
      readonly kind: 'commit.start';
      readonly repo: RepoKey;
      readonly branch: string;
      readonly parent?: string;
      readonly description: string;
    }
  | {
      readonly kind: 'commit.finish';
      readonly repo: RepoKey;
      readonly ref: string;
      readonly description?: string;
    }
  | {
      readonly kind: 'branch.merge';
      readonly repo: RepoKey;
      readonly into: string;
      /** Any ref of the repo. */
      readonly from: string;
      readonly favour?: 'ours' | 'theirs';
      readonly fastForward: boolean;
      readonly description: string;
    }
  | {
      readonly kind: 'commit.revert';
      readonly repo: RepoKey;
      readonly ref: string;
      readonly branch: string;
      readonly description: string;
    }
  | {
      readonly kind: 'tag.put';
      readonly repo: RepoKey;
      readonly name: string;
      readonly head: string;
      readonly description: string;
      readonly force: boolean;
    }
  | { readonly kind: 'tag.delete'; readonly repo: RepoKey; readonly name: string }
  | { readonly kind: 'set.squash'; readonly set: string }
  | { readonly kind: 'set.drop'; readonly set: string }
  | {
      readonly kind: 'pipeline.put';
      /** Of the spec file. */
      readonly text: string;
      /** For messages. */
      readonly fileName: string;
      readonly project: string;
      readonly update: boolean;
      readonly reprocess: boolean;
      /** What the pipelines must be at; else somebody has changed them meanwhile. */
      readonly ifVersion?: number;
    }
  | {
      readonly kind: 'defaults.put';
      readonly scope: string;
      readonly text: string;
      /** For messages. */
      readonly fileName: string;
      /** Defaults that are there already are an error. */
      readonly create: boolean;
      readonly regenerate: boolean;
      readonly reprocess: boolean;
    }
  | {
      readonly kind: 'defaults.delete';
      readonly scope: string;
      readonly regenerate: boolean;
      readonly reprocess: boolean;
    }
  | { readonly kind: 'pipeline.start'; readonly pipeline: PipelineKey }
  | { readonly kind: 'pipeline.stop'; readonly pipeline: PipelineKey }
  | { readonly kind: 'pipeline.tick'; readonly pipeline: PipelineKey }
  | { readonly kind: 'pipeline.rerun'; readonly pipeline: PipelineKey; readonly reprocess: boolean }
  | {
      readonly kind: 'pipeline.delete';
      readonly pipeline: PipelineKey;
      readonly force: boolean;
      readonly keepRepo: boolean;
    }
  | { readonly kind: 'job.stop'; readonly pipeline: PipelineKey; readonly job: string }
  | { readonly kind: 'job.retry'; readonly pipeline: PipelineKey; readonly job: string };

/** An open transaction of a user: requests that will be carried out together. */
export interface TransactionRecord {
  /** Also the id of the commit set of all commits that it will make. */
  readonly id: string;
  readonly actor: string;
  /** The id of the user who started it; null: who may do everything. Those of older versions lack it, and are nobody's. */
  readonly user?: string | null;
  readonly started: number;
  readonly requests: readonly ChangeRequest[];
}
