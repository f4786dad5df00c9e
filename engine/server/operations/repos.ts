// The operations of repos and branches.

import { Type } from '@sinclair/typebox';
import { FRAMES_TYPE } from '../wire.ts';
import { Branch, CreateRepo, PutBranch, Repo } from '../wire-repos.ts';
import { page } from '../wire-schema.ts';
import { MergeBranch, MergeResult } from '../wire-versions.ts';
import { flag, operations, PAGED, query, text } from './operation.ts';

/** The text by which people know what they made. */
export const Describe = Type.Object({
  description: Type.Optional(Type.String({ description: 'Empty where it is not said.' })),
});

export const REPO_OPERATIONS = operations({
  'GET /repos': {
    id: 'listRepos',
    tag: 'repos',
    summary: 'Lists repos.',
    query: query({
      project: text('Only of this project.'),
      all: flag('Also the repos that hold the specs and results of pipelines.'),
      ...PAGED,
    }),
    answer: page(Repo),
    example: { query: { project: 'default' } },
  },
  'POST /repos': {
    id: 'createRepo',
    tag: 'repos',
    summary: 'Makes a repo, and its project where there is none of that name.',
    inTransaction: true,
    body: CreateRepo,
    answer: Repo,
    example: { body: { project: 'default', name: 'photos', description: 'As they come in' } },
  },
  'GET /repos/{project}/{repo}': {
    id: 'getRepo',
    tag: 'repos',
    summary:
      'Returns a repo; that with the specs or results of a pipeline is {pipeline}.spec or .meta.',
    answer: Repo,
    example: {},
  },
  'PATCH /repos/{project}/{repo}': {
    id: 'describeRepo',
    tag: 'repos',
    summary: 'Describes a repo anew.',
    inTransaction: true,
    body: Describe,
    answer: Repo,
    example: { body: { description: 'From the camera at the gate' } },
  },
  'DELETE /repos/{project}/{repo}': {
    id: 'deleteRepo',
    tag: 'repos',
    summary: 'Deletes a repo. It can be had back for a while.',
    inTransaction: true,
    query: query({ force: flag('Also where other branches were made from its data.') }),
    status: 204,
    example: { params: { repo: 'spare' } },
  },
  'GET /repos/{project}/{repo}/export': {
    id: 'exportRepo',
    tag: 'repos',
    summary: 'Sends a bare Git repository with its LFS objects.',
    description: 'The receiver makes the empty folders `objects` and `refs`.',
    bytes: FRAMES_TYPE,
    example: {},
  },
  'GET /repos/{project}/{repo}/branches': {
    id: 'listBranches',
    tag: 'repos',
    summary: 'Lists the branches of a repo.',
    query: query(PAGED),
    answer: page(Branch),
    example: {},
  },
  'PUT /repos/{project}/{repo}/branches/{branch}': {
    id: 'putBranch',
    tag: 'repos',
    summary: 'Makes a branch, or moves its head.',
    inTransaction: true,
    body: PutBranch,
    answer: Branch,
    example: { params: { branch: 'release' }, body: { head: 'master' } },
  },
  'GET /repos/{project}/{repo}/branches/{branch}': {
    id: 'getBranch',
    tag: 'repos',
    summary: 'Returns a branch.',
    answer: Branch,
    example: {},
  },
  'DELETE /repos/{project}/{repo}/branches/{branch}': {
    id: 'deleteBranch',
    tag: 'repos',
    summary: 'Deletes a branch. It can be had back for a while.',
    inTransaction: true,
    query: query({ force: flag('Also where other branches were made from it.') }),
    status: 204,
    example: { params: { branch: 'staging' } },
  },
  'POST /repos/{project}/{repo}/branches/{branch}/merge': {
    id: 'mergeBranch',
    tag: 'repos',
    summary: 'Brings what another ref has into the branch.',
    inTransaction: true,
    body: MergeBranch,
    answer: MergeResult,
    example: { body: { source: 'staging' } },
  },
});
