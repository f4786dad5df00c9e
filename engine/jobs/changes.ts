// Every change that users may ask for as data: who decides it, and how it reads. The one table for requests made by
// themselves and for those of a transaction.

import { repoScope } from '../journal/auth-records.ts';
import type {
  BranchRecord,
  CommitRecord,
  JobRecord,
  PipelineRecord,
  RepoRecord,
  TagRecord,
} from '../journal/records.ts';
import type { ChangeRequest } from '../journal/requests.ts';
import { deleteBranchIn, putBranchIn } from '../pfs/branches.ts';
import { type Change, makeChange } from '../pfs/change.ts';
import { finishCommitIn, startCommitIn } from '../pfs/commits.ts';
import type { PfsContext, Request } from '../pfs/context.ts';
import { dropSetIn } from '../pfs/drop.ts';
import { type MergeOutcome, mergeBranchIn, revertCommitIn } from '../pfs/merge.ts';
import { shortRepo } from '../pfs/names.ts';
import { createRepoIn, deleteRepoIn, describeRepoIn } from '../pfs/repos.ts';
import { squashSetIn } from '../pfs/squash.ts';
import { deleteTagIn, putTagIn } from '../pfs/tags.ts';
import { runCronIn } from './cron.ts';
import { type DefaultsChange, deleteDefaultsIn, putDefaultsIn, scopeOption } from './defaults.ts';
import {
  deletePipelineIn,
  type PutPipeline,
  putPipelinesIn,
  startPipelineIn,
  stopPipelineIn,
} from './pipelines.ts';
import { rerunPipelineIn } from './rerun-pipeline.ts';
import { retryJobIn } from './retry-job.ts';
import { stopJobIn } from './stop-job.ts';

type Kind = ChangeRequest['kind'];
type Of<K extends Kind> = Extract<ChangeRequest, { kind: K }>;

/** What each change gives. */
interface Results {
  'repo.create': RepoRecord;
  'repo.describe': RepoRecord;
  'repo.delete': null;
  'branch.put': BranchRecord;
  'branch.delete': null;
  'commit.start': CommitRecord;
  'commit.finish': CommitRecord;
  'branch.merge': MergeOutcome;
  'commit.revert': MergeOutcome;
  'tag.put': TagRecord;
  'tag.delete': null;
  'set.squash': CommitRecord[];
  'set.drop': CommitRecord[];
  'pipeline.put': PutPipeline[];
  'defaults.put': DefaultsChange;
  'defaults.delete': DefaultsChange;
  'pipeline.start': PipelineRecord;
  'pipeline.stop': PipelineRecord;
  'pipeline.tick': PipelineRecord;
  'pipeline.rerun': PipelineRecord;
  'pipeline.delete': null;
  'job.stop': JobRecord;
  'job.retry': JobRecord;
}

/** What the change that a request asks for gives. */
export type ResultOf<R extends ChangeRequest> = Results[R['kind']];

type Entry<K extends Kind> = {
  decide(change: Change, request: Of<K>): Results[K];
  /** As a command line has it. */
  text(request: Of<K>): string;
};

const CHANGES: { readonly [K in Kind]: Entry<K> } = {
  'repo.create': {
    decide: (change, { repo: key, description }) => createRepoIn(change, { key, description }),
    text: ({ repo }) => `create repo ${shortRepo(repo)}`,
  },
  'repo.describe': {
    decide: (change, { repo: key, description }) => describeRepoIn(change, { key, description }),
    text: ({ repo }) => `update repo ${shortRepo(repo)}`,
  },
  'repo.delete': {
    decide: (change, { repo: key, force }) => deleteRepoIn(change, { key, force }),
    text: ({ repo, force }) => `delete repo ${shortRepo(repo)}${force ? ' --force' : ''}`,
  },
  'branch.put': {
    decide: putBranchIn,
    text: ({ repo, branch, head, trigger }) =>
      [
        `create branch ${shortRepo(repo)}@${branch}`,
        head === undefined ? '' : ` --head ${head}`,
        trigger ? ` --trigger ${trigger.branch}` : '',
      ].join(''),
  },
  'branch.delete': {
    decide: deleteBranchIn,
    text: ({ repo, branch, force }) =>
      `delete branch ${shortRepo(repo)}@${branch}${force ? ' --force' : ''}`,
  },
  'commit.start': {
    decide: startCommitIn,
    text: ({ repo, branch, parent }) =>
      `start commit ${shortRepo(repo)}@${branch}${parent === undefined ? '' : ` --parent ${parent}`}`,
  },
  'commit.finish': {
    decide: finishCommitIn,
    text: ({ repo, ref }) => `finish commit ${shortRepo(repo)}@${ref}`,
  },
  'branch.merge': {
    decide: mergeBranchIn,
    text: ({ repo, from, into }) => `merge branch ${shortRepo(repo)}@${from} --into ${into}`,
  },
  'commit.revert': {
    decide: revertCommitIn,
    text: ({ repo, ref, branch }) => `revert commit ${shortRepo(repo)}@${ref} --branch ${branch}`,
  },
  'tag.put': {
    decide: putTagIn,
    text: ({ repo, name, head, force }) =>
      `create tag ${shortRepo(repo)}@${name} --head ${head}${force ? ' --force' : ''}`,
  },
  'tag.delete': {
    decide: deleteTagIn,
    text: ({ repo, name }) => `delete tag ${shortRepo(repo)}@${name}`,
  },
  'set.squash': {
    decide: (change, { set }) => squashSetIn(change, set),
    text: ({ set }) => `squash commit ${set}`,
  },
  'set.drop': {
    decide: (change, { set }) => dropSetIn(change, set),
    text: ({ set }) => `delete commit ${set}`,
  },
  'pipeline.put': {
    decide: putPipelinesIn,
    text: ({ fileName, update, reprocess }) =>
      `${update ? 'update' : 'create'} pipeline ${fileName}${reprocess ? ' --reprocess' : ''}`,
  },
  'defaults.put': {
    decide: putDefaultsIn,
    text: ({ scope, create }) => `${create ? 'create' : 'update'} defaults ${scopeOption(scope)}`,
  },
  'defaults.delete': {
    decide: deleteDefaultsIn,
    text: ({ scope }) => `delete defaults ${scopeOption(scope)}`,
  },
  'pipeline.start': {
    decide: (change, { pipeline }) => startPipelineIn(change, pipeline),
    text: ({ pipeline }) => `start pipeline ${shortRepo(pipeline)}`,
  },
  'pipeline.stop': {
    decide: (change, { pipeline }) => stopPipelineIn(change, pipeline),
    text: ({ pipeline }) => `stop pipeline ${shortRepo(pipeline)}`,
  },
  'pipeline.tick': {
    decide: (change, { pipeline }) => runCronIn(change, pipeline),
    text: ({ pipeline }) => `run cron ${shortRepo(pipeline)}`,
  },
  'pipeline.rerun': {
    decide: rerunPipelineIn,
    text: ({ pipeline, reprocess }) =>
      `rerun pipeline ${shortRepo(pipeline)}${reprocess ? ' --reprocess' : ''}`,
  },
  'pipeline.delete': {
    decide: (change, { pipeline: key, force, keepRepo }) =>
      deletePipelineIn(change, { key, force, keepRepo }),
    text: ({ pipeline, force }) =>
      `delete pipeline ${shortRepo(pipeline)}${force ? ' --force' : ''}`,
  },
  'job.stop': {
    decide: stopJobIn,
    text: ({ pipeline, job }) => `stop job ${shortRepo(pipeline)}@${job}`,
  },
  'job.retry': {
    decide: retryJobIn,
    text: ({ pipeline, job }) => `retry job ${shortRepo(pipeline)}@${job}`,
  },
};

/** Decides a change within one that may hold others. */
export function decideRequest<R extends ChangeRequest>(change: Change, request: R): ResultOf<R> {
  if ('pipeline' in request) {
    // What jobs do is the engine's: their operations tell of no wish of anybody's.
    change.demand({ role: 'writer', scope: repoScope(request.pipeline) });
  }
  // The table gives each kind its own entry, which the type of a looked-up entry can't say.
  const { decide } = CHANGES[request.kind] as unknown as {
    decide(change: Change, request: R): ResultOf<R>;
  };
  return decide(change, request);
}

/** Returns a request as one would type it. */
export function requestText(request: ChangeRequest): string {
  const { text } = CHANGES[request.kind] as { text(request: ChangeRequest): string };
  return text(request);
}

/** Makes a change by itself. */
export function makeRequested<R extends ChangeRequest>(
  context: PfsContext,
  request: R,
  asked: Request,
): Promise<ResultOf<R>> {
  return makeChange(context, asked, (change) => decideRequest(change, request));
}
