// The operations of the growth of a store: collection, the trash, retention, usage.

import { Type } from '@sinclair/typebox';
import { Commit } from '../wire-commits.ts';
import { Branch, Repo } from '../wire-repos.ts';
import { page, whole } from '../wire-schema.ts';
import { Collection, RepoUsage, Retention, Trashed, Usage } from '../wire-upkeep.ts';
import { flag, operations, PAGED, query, text } from './operation.ts';

export const UPKEEP_OPERATIONS = operations({
  'POST /collection': {
    id: 'collect',
    tag: 'upkeep',
    summary: 'Deletes what nothing reaches any more, and answers once that is done.',
    isOnce: false,
    query: query({
      dryRun: flag('Only tells what it would do.'),
      grace: Type.Optional(whole(0, { description: 'Milliseconds for which everything stays.' })),
    }),
    answer: Collection,
    example: { query: { dryRun: true } },
  },
  'GET /trash': {
    id: 'listTrash',
    tag: 'upkeep',
    summary: 'Lists what was deleted and can be had back.',
    query: query(PAGED),
    answer: page(Trashed),
    example: {},
  },
  'POST /trash/repos/{project}/{repo}': {
    id: 'undeleteRepo',
    tag: 'upkeep',
    summary: 'Brings a repo back.',
    answer: Repo,
    example: { params: { repo: 'lost' } },
  },
  'POST /trash/repos/{project}/{repo}/branches/{branch}': {
    id: 'undeleteBranch',
    tag: 'upkeep',
    summary: 'Brings a branch back.',
    answer: Branch,
    example: { params: { branch: 'lost' } },
  },
  'POST /trash/repos/{project}/{repo}/commits/{id}': {
    id: 'undeleteCommit',
    tag: 'upkeep',
    summary: 'Brings a commit of one repo back.',
    answer: Type.Array(Commit),
    example: { params: { id: 'the lost commit' } },
  },
  'POST /trash/commit-sets/{id}': {
    id: 'undeleteCommitSet',
    tag: 'upkeep',
    summary: 'Brings a commit set back.',
    answer: Type.Array(Commit),
    example: { params: { id: 'the lost commit' } },
  },
  'PUT /repos/{project}/{repo}/retention': {
    id: 'putRetention',
    tag: 'upkeep',
    summary: 'Says which commits of a repo stay; with neither of the two, all.',
    body: Type.Partial(Retention),
    answer: Repo,
    example: { body: { last: 100, forMs: null } },
  },
  'GET /repos/{project}/{repo}/usage': {
    id: 'getUsage',
    tag: 'upkeep',
    summary: 'Tells what a repo, or a commit of it, takes up.',
    query: query({ ref: text('Only this commit.') }),
    answer: Usage,
    example: { query: { ref: 'master' } },
  },
  'GET /usage': {
    id: 'listUsage',
    tag: 'upkeep',
    summary: 'Tells what each repo of users takes up, all on one page.',
    query: query(PAGED),
    answer: page(RepoUsage),
    example: {},
  },
});
