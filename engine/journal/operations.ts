// The typed changes that transactions are made of. Adding a kind raises what an older engine must understand:
// one that meets a kind it does not know stops.

import type { GrantRecord, TokenRecord, UserRecord } from './auth-records.ts';
import type { EgressRecord } from './egress-records.ts';
import type { HostRecord } from './host-record.ts';
import type {
  BranchRecord,
  CommitRecord,
  DatumCounts,
  DefaultsRecord,
  Edit,
  ImageRecord,
  JobRecord,
  JobStats,
  PipelineRecord,
  ProjectRecord,
  RepoRecord,
  RetentionRecord,
  TagRecord,
} from './records.ts';
import type { ChangeRequest, TransactionRecord } from './requests.ts';
import type { SecretRecord } from './secret-records.ts';
import type { JobState, PipelineState } from './states.ts';

/** A pack as a transaction adds it. */
export interface AddedPack {
  readonly id: string;
  readonly kind: 'git' | 'chunk';
  readonly bytes: number;
  readonly objects: number;
}

export type Operation =
  | { readonly kind: 'repo.created'; readonly repo: RepoRecord }
  | { readonly kind: 'repo.described'; readonly repo: string; readonly description: string }
  /** Says which commits of the repo stay; null: all. */
  | {
      readonly kind: 'repo.retention';
      readonly repo: string;
      readonly keep: RetentionRecord | null;
    }
  | { readonly kind: 'repo.deleted'; readonly repo: string }
  | { readonly kind: 'branch.put'; readonly branch: BranchRecord }
  | {
      readonly kind: 'branch.moved';
      readonly repo: string;
      readonly branch: string;
      readonly head: string | null;
    }
  | { readonly kind: 'branch.deleted'; readonly repo: string; readonly branch: string }
  | { readonly kind: 'commit.started'; readonly commit: CommitRecord }
  | {
      readonly kind: 'commit.edited';
      readonly repo: string;
      readonly commit: string;
      readonly edits: readonly Edit[];
    }
  | {
      readonly kind: 'commit.finished';
      readonly repo: string;
      readonly commit: string;
      readonly time: number;
      readonly tree: string | null;
      readonly git: string | null;
      readonly size: number;
      readonly files: number;
      readonly error: string | null;
      readonly description?: string;
      readonly image?: ImageRecord | null;
    }
  /** Brings a finished commit that history holds back into the tables: a branch points at it again. */
  | { readonly kind: 'commit.recalled'; readonly commit: CommitRecord }
  /** A finished commit as the removal of an ancestor left it: with other parents, or another Git commit. */
  | { readonly kind: 'commit.rewritten'; readonly commit: CommitRecord }
  /**
   * Takes a commit out of the tables and out of history. What points at it was dealt with before. With `was`, its record,
   * it can be had back.
   */
  | {
      readonly kind: 'commit.removed';
      readonly repo: string;
      readonly commit: string;
      readonly was?: CommitRecord;
    }
  /** Brings a repo back out of the trash, with its branches and commits. */
  | { readonly kind: 'repo.undeleted'; readonly repoId: string }
  /** Brings a branch back out of the trash. Its head was recalled before. */
  | { readonly kind: 'branch.undeleted'; readonly repo: string; readonly branch: string }
  /** Brings a commit back out of the trash; its parent is `parent` from here on. */
  | {
      readonly kind: 'commit.undeleted';
      readonly repo: string;
      readonly commit: string;
      readonly parent: string | null;
    }
  /** What these trash keys name can't be had back any more, and its bytes are not needed for it. */
  | { readonly kind: 'trash.emptied'; readonly keys: readonly string[] }
  | { readonly kind: 'tag.put'; readonly tag: TagRecord }
  | { readonly kind: 'tag.deleted'; readonly repo: string; readonly tag: string }
  | { readonly kind: 'project.put'; readonly project: ProjectRecord }
  | { readonly kind: 'project.deleted'; readonly project: string }
  | { readonly kind: 'defaults.put'; readonly defaults: DefaultsRecord }
  | { readonly kind: 'defaults.deleted'; readonly scope: string }
  /** Packs a write brought (`added`) and live ones it leans on (`relied`), all now of this repo. */
  | {
      readonly kind: 'packs.added';
      readonly repo: string;
      readonly added: readonly AddedPack[];
      readonly relied: readonly string[];
    }
  /** Packs written anew, `added`, hold all that the `removed` ones did. */
  | {
      readonly kind: 'packs.compacted';
      readonly added: readonly AddedPack[];
      readonly removed: readonly string[];
    }
  /**
   * Packs of which `added` hold what was reached after entry `since`; the rest is let go. Refused where a transaction
   * has used one of them in a later entry.
   */
  | {
      readonly kind: 'packs.collected';
      readonly added: readonly AddedPack[];
      readonly removed: readonly string[];
      readonly since: number;
    }
  /** What was in a pack that was removed, or that came too late to be added, has been stored again whole. */
  | { readonly kind: 'packs.restored'; readonly pack: string; readonly added: AddedPack }
  /** The objects of removed packs are about to be deleted. */
  | { readonly kind: 'packs.deleted'; readonly packs: readonly string[] }
  /** From here on no pack with an id below `before` is added: what nobody has named by now is garbage. */
  | { readonly kind: 'packs.horizon'; readonly before: string }
  /** From here on the store has this format: engines that do not know it stop. */
  | { readonly kind: 'format.raised'; readonly format: number }
  /** Pages of history go that no snapshot has named since the one after entry `since`; engines that may need them stop here. */
  | { readonly kind: 'history.collected'; readonly since: number }
  | { readonly kind: 'upkeep.claimed'; readonly owner: string; readonly time: number }
  | { readonly kind: 'upkeep.finished'; readonly owner: string; readonly time: number }
  | { readonly kind: 'pipeline.put'; readonly pipeline: PipelineRecord }
  | {
      readonly kind: 'pipeline.state';
      readonly pipeline: string;
      readonly state: PipelineState;
      readonly reason: string;
    }
  | {
      readonly kind: 'pipeline.pinned';
      readonly pipeline: string;
      readonly version: number;
      readonly image: ImageRecord;
    }
  /** A time of the schedule of an input was taken: nobody takes it again. */
  | {
      readonly kind: 'pipeline.ticked';
      readonly pipeline: string;
      readonly input: string;
      readonly time: number;
    }
  /**
   * How a service or spout runs. Refused unless `from` is its owner so far (null: none), and the pipeline is the one with
   * that id.
   */
  | {
      readonly kind: 'pipeline.hosted';
      readonly pipeline: string;
      readonly pipelineId: string;
      readonly from: string | null;
      readonly host: HostRecord;
    }
  /** A commit of a Git server was taken: nobody takes it again. */
  | {
      readonly kind: 'pipeline.pulled';
      readonly pipeline: string;
      readonly input: string;
      /** Its id on the server. */
      readonly taken: string;
      readonly takenTime: number;
    }
  | { readonly kind: 'pipeline.deleted'; readonly pipeline: string }
  | { readonly kind: 'job.created'; readonly job: JobRecord }
  | {
      readonly kind: 'job.claimed';
      readonly pipeline: string;
      readonly job: string;
      readonly owner: string;
      readonly time: number;
      /** What a job becomes by it that nobody had claimed before. */
      readonly state?: JobState;
    }
  /** What its owner has done so far. Refused from anyone who does not hold the claim. */
  | {
      readonly kind: 'job.progressed';
      readonly pipeline: string;
      readonly job: string;
      readonly owner: string;
      readonly state: JobState;
      readonly datums: DatumCounts;
      readonly stats: JobStats;
      readonly results: string | null;
      readonly image: ImageRecord | null;
    }
  | {
      readonly kind: 'job.finished';
      readonly pipeline: string;
      readonly job: string;
      readonly state: JobState;
      readonly reason: string;
      readonly time: number;
      readonly datums?: DatumCounts;
      readonly stats?: JobStats;
      readonly results?: string | null;
    }
  /** Takes a job, in whatever state it is, out of the tables and out of history; `lastJob` is the one before. */
  | {
      readonly kind: 'job.removed';
      readonly pipeline: string;
      readonly job: string;
      readonly state: JobState;
      readonly lastJob: PipelineRecord['lastJob'];
    }
  /** What a job of a pipeline is about to send, or has sent. Refused from anyone who does not hold the claim. */
  | {
      readonly kind: 'egress.noted';
      readonly egress: EgressRecord;
      readonly owner: string;
    }
  /** Puts the next version of a secret, or its first. */
  | { readonly kind: 'secret.put'; readonly secret: SecretRecord }
  | { readonly kind: 'secret.deleted'; readonly secret: string }
  | { readonly kind: 'user.put'; readonly user: UserRecord }
  /** With all tokens and roles of the user. */
  | { readonly kind: 'user.deleted'; readonly user: string }
  | { readonly kind: 'token.put'; readonly token: TokenRecord }
  | { readonly kind: 'token.revoked'; readonly token: string; readonly time: number }
  | { readonly kind: 'role.put'; readonly grant: GrantRecord }
  | { readonly kind: 'role.deleted'; readonly user: string; readonly scope: string }
  | { readonly kind: 'transaction.started'; readonly transaction: TransactionRecord }
  /** Refused unless exactly `index` requests are there: a request is validated on those before it. */
  | {
      readonly kind: 'transaction.appended';
      readonly transaction: string;
      readonly index: number;
      readonly request: ChangeRequest;
    }
  /** Carried out, in the same transaction of the journal, or deleted. */
  | { readonly kind: 'transaction.ended'; readonly transaction: string };

const KINDS: ReadonlySet<string> = new Set<Operation['kind']>([
  'repo.created',
  'repo.described',
  'repo.retention',
  'repo.deleted',
  'branch.put',
  'branch.moved',
  'branch.deleted',
  'commit.started',
  'commit.edited',
  'commit.finished',
  'commit.recalled',
  'commit.rewritten',
  'commit.removed',
  'repo.undeleted',
  'branch.undeleted',
  'commit.undeleted',
  'trash.emptied',
  'tag.put',
  'tag.deleted',
  'project.put',
  'project.deleted',
  'defaults.put',
  'defaults.deleted',
  'packs.added',
  'packs.compacted',
  'packs.collected',
  'packs.restored',
  'packs.deleted',
  'packs.horizon',
  'history.collected',
  'format.raised',
  'upkeep.claimed',
  'upkeep.finished',
  'pipeline.put',
  'pipeline.state',
  'pipeline.pinned',
  'pipeline.ticked',
  'pipeline.hosted',
  'pipeline.pulled',
  'pipeline.deleted',
  'job.created',
  'job.claimed',
  'job.progressed',
  'job.finished',
  'job.removed',
  'egress.noted',
  'secret.put',
  'secret.deleted',
  'user.put',
  'user.deleted',
  'token.put',
  'token.revoked',
  'role.put',
  'role.deleted',
  'transaction.started',
  'transaction.appended',
  'transaction.ended',
]);

/** Returns whether this version can apply `operation`. */
export function isKnownOperation(operation: unknown): operation is Operation {
  return KINDS.has(String((operation as { kind?: unknown } | null)?.kind));
}
