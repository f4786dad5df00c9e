// The operations of commits and commit sets.

import { Commit, CommitSet, StartCommit } from '../wire-commits.ts';
import { page } from '../wire-schema.ts';
import { MergeResult, RemovedSet, RevertCommit } from '../wire-versions.ts';
import { flag, operations, PAGED, query, text } from './operation.ts';
import { Describe } from './repos.ts';

const all = flag('Also commits of the repos that hold the specs and results of pipelines.');

export const COMMIT_OPERATIONS = operations({
  'POST /repos/{project}/{repo}/commits': {
    id: 'startCommit',
    tag: 'commits',
    summary: 'Starts a commit, which files are then put into until it is finished.',
    inTransaction: true,
    body: StartCommit,
    answer: Commit,
    example: { body: { branch: 'drafts', description: 'A day of work' } },
  },
  'GET /repos/{project}/{repo}/commits': {
    id: 'listCommits',
    tag: 'commits',
    summary: 'Lists commits, newest first: all of the repo, or those that lead to a ref.',
    query: query({
      branch: text('The ref to begin at: that commit and those before it.'),
      from: text('The ref to end at, with `branch`.'),
      all,
      ...PAGED,
    }),
    answer: page(Commit),
    example: { query: { branch: 'master', limit: 5 } },
  },
  'GET /repos/{project}/{repo}/commits/{ref}': {
    id: 'getCommit',
    tag: 'commits',
    summary: 'Returns a commit.',
    answer: Commit,
    example: { params: { ref: 'master^' } },
  },
  'POST /repos/{project}/{repo}/commits/{ref}/finish': {
    id: 'finishCommit',
    tag: 'commits',
    summary: 'Finishes a commit: what is in it stays as it is, and pipelines begin.',
    inTransaction: true,
    body: Describe,
    answer: Commit,
    example: { params: { ref: 'open' }, body: { description: 'Complete' } },
  },
  'GET /repos/{project}/{repo}/commits/{ref}/wait': {
    id: 'waitCommit',
    tag: 'commits',
    summary: 'Returns a commit once it has finished.',
    answer: Commit,
    example: {},
  },
  'POST /repos/{project}/{repo}/commits/{ref}/revert': {
    id: 'revertCommit',
    tag: 'commits',
    summary: 'Undoes what a commit changed, in a commit of its own.',
    inTransaction: true,
    body: RevertCommit,
    answer: MergeResult,
    example: { body: {} },
  },
  'GET /repos/{project}/{repo}/branches/{branch}/subscribe': {
    id: 'subscribeCommits',
    tag: 'commits',
    summary: 'Sends commits of a branch as they finish. It does not end.',
    query: query({
      from: text('The ref after which to begin; without it, at the branch as it is.'),
      all,
    }),
    lines: Commit,
    example: {},
  },
  'GET /commit-sets': {
    id: 'listCommitSets',
    tag: 'commits',
    summary: 'Lists commit sets, newest first.',
    query: query(PAGED),
    answer: page(CommitSet),
    example: { query: { limit: 2 } },
  },
  'GET /commit-sets/{id}': {
    id: 'listCommitSet',
    tag: 'commits',
    summary: 'Lists the commits of a set: each after those that caused it.',
    query: query({ all, ...PAGED }),
    answer: page(Commit),
    example: {},
  },
  'GET /commit-sets/{id}/wait': {
    id: 'waitCommitSet',
    tag: 'commits',
    summary: 'Sends the commits of a set as each has finished, and ends with the last.',
    query: query({ all }),
    lines: Commit,
    example: {},
  },
  'DELETE /commit-sets/{id}': {
    id: 'dropCommitSet',
    tag: 'commits',
    summary: 'Deletes a commit set whose commits have no children.',
    inTransaction: true,
    query: query({ recursive: flag('Sets that were made from it go first.') }),
    answer: RemovedSet,
    example: { params: { id: 'the spare commit' } },
  },
  'POST /commit-sets/{id}/squash': {
    id: 'squashCommitSet',
    tag: 'commits',
    summary: 'Deletes a commit set; the children of its commits keep what it changed.',
    inTransaction: true,
    query: query({ recursive: flag('Sets that were made from it go first.') }),
    answer: RemovedSet,
    example: { params: { id: 'the first commit' } },
  },
});
