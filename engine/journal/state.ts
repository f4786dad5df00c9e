// The state of a store: the fold of its journal. It holds what is alive (heads, open commits, unfinished jobs,
// pipelines, packs); finished commits and jobs move on to history pages.

import type { GrantRecord, TokenRecord, UserRecord } from './auth-records.ts';
import type { EgressRecord } from './egress-records.ts';
import { JournalState } from './journal-state.ts';
import {
  type BranchRecord,
  branchKey,
  type CommitRecord,
  type DefaultsRecord,
  isTerminal,
  type JobRecord,
  type PackRecord,
  type PipelineRecord,
  type ProjectRecord,
  type RemovedPackRecord,
  type RepoRecord,
  type TagRecord,
  type TrashRecord,
} from './records.ts';
import type { TransactionRecord } from './requests.ts';
import type { SecretRecord } from './secret-records.ts';
import type { UpkeepRecord } from './upkeep-record.ts';

/** All tables of the state. Records are immutable; only `apply` replaces them. */
export class State extends JournalState {
  /** By repo key. */
  readonly repos = this.table<RepoRecord>('repos');
  /** By name; only those that were made or described. */
  readonly projects = this.table<ProjectRecord>('projects');
  /** By scope. */
  readonly defaults = this.table<DefaultsRecord>('defaults');
  /** By tag key; index `repo`. */
  readonly tags = this.table<TagRecord>('tags');
  /**
   * By branch key; indexes `repo`, `source` (by the branches that they are made from), `trigger` (by the branch that is followed) and `cron`
   * (those that move at set times).
   */
  readonly branches = this.table<BranchRecord>('branches');
  /** By commit key; indexes `repo` and `set`. Open commits, and finished ones that have not been retired. */
  readonly commits = this.table<CommitRecord>('commits');
  /**
   * By pipeline key; indexes `cron` (those with inputs that come at set times), `git` (those that follow Git servers), `fills` (by
   * the repos of such inputs) and `hosted` (services and spouts).
   */
  readonly pipelines = this.table<PipelineRecord>('pipelines');
  /** By job key; indexes `pipeline`, `set` and `active` (the unfinished ones, by pipeline). */
  readonly jobs = this.table<JobRecord>('jobs');
  /** By pack id. */
  readonly packs = this.table<PackRecord>('packs');
  /** Open transactions of users, by id. */
  readonly transactions = this.table<TransactionRecord>('transactions');
  /** By pipeline id. */
  readonly egress = this.table<EgressRecord>('egress');
  /** By name. */
  readonly secrets = this.table<SecretRecord>('secrets');
  /** By name. */
  readonly users = this.table<UserRecord>('users');
  /** By id; indexes `user` and `hash`. */
  readonly tokens = this.table<TokenRecord>('tokens');
  /** By grant key; indexes `user` and `scope`. */
  readonly grants = this.table<GrantRecord>('grants');
  /** By pack id. */
  readonly removedPacks = this.table<RemovedPackRecord>('removed-packs');
  /** What was deleted, by trash key. */
  readonly trash = this.table<TrashRecord>('trash');
  /** Commits of repos in the trash, by buried key. As of any other, finished ones may have gone to history. */
  readonly buried = this.table<CommitRecord>('buried');
  /** One record, under `UPKEEP_KEY`. */
  readonly upkeep = this.table<UpkeepRecord>('upkeep');

  constructor() {
    super();
    this.branches.index('repo', (_key, branch) => branch.repo);
    this.branches.index('source', (_key, { provenance }) =>
      provenance.map(({ repo, branch }) => branchKey(repo, branch)),
    );
    this.branches.index('trigger', (_key, { repo, trigger }) =>
      trigger ? branchKey(repo, trigger.branch) : undefined,
    );
    this.branches.index('cron', (_key, { trigger }) => (trigger?.cron ? 'cron' : undefined));
    this.tags.index('repo', (_key, tag) => tag.repo);
    this.commits.index('repo', (_key, commit) => commit.repo);
    this.commits.index('set', (_key, commit) => commit.id);
    this.commits.index('open', (_key, commit) => (commit.finished === null ? 'open' : undefined));
    this.pipelines.index('cron', (_key, { crons }) => (crons?.length ? 'cron' : undefined));
    this.pipelines.index('hosted', (_key, { spec }) =>
      spec.service || spec.spout ? 'hosted' : undefined,
    );
    this.pipelines.index('fills', (_key, { crons = [], gits = [] }) =>
      [...crons, ...gits].map(({ repo }) => repo),
    );
    this.pipelines.index('git', (_key, { gits }) => (gits?.length ? 'git' : undefined));
    this.tokens.index('user', (_key, token) => token.user);
    this.tokens.index('hash', (_key, token) => token.hash ?? undefined);
    this.grants.index('user', (_key, grant) => grant.user);
    this.grants.index('scope', (_key, grant) => grant.scope);
    this.jobs.index('pipeline', (_key, job) => job.pipeline);
    this.jobs.index('set', (_key, job) => job.id);
    this.jobs.index('active', (_key, job) => (isTerminal(job.state) ? undefined : 'active'));
  }
}
