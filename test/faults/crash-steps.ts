// What a process does until it is killed, in chapters that each begin with an empty store: here the kinds of writes of
// files, one after the other.

import { deleteBranch, putBranch } from '../../engine/pfs/branches.ts';
import { copyFile, deleteFiles } from '../../engine/pfs/change-files.ts';
import { finishCommit, startCommit } from '../../engine/pfs/commits.ts';
import { mergeBranch } from '../../engine/pfs/merge.ts';
import { deleteRepo, describeRepo } from '../../engine/pfs/repos.ts';
import { putTag } from '../../engine/pfs/tags.ts';
import { ACTOR, createRepos, put, target } from '../support/pfs.ts';
import { JOB_STEPS } from './crash-job-steps.ts';
import { mergePacks, type Steps, VERSION_STEPS } from './crash-version-steps.ts';

const DATA = 'default/data';
const ON_MASTER = { repo: DATA, branch: 'master', description: '' };

const FILE_STEPS: Steps = {
  'create a repo': (pfs) => createRepos(pfs, 'data'),
  'put a file': (pfs) => put(pfs, 'data@master', { a: 'one' }),
  'put small and large files': (pfs) =>
    put(pfs, 'data@master', {
      'd/e': 'two',
      'd/executable': '#!/bin/sh',
      large: Buffer.alloc(1_100_000, 'large'),
      pointer: 'git-lfs',
    }),
  'describe a repo': ({ context }) =>
    describeRepo(context, { key: DATA, description: 'described' }, ACTOR),
  'start a commit': ({ context }) => startCommit(context, ON_MASTER, ACTOR),
  'put into an open commit': (pfs) => put(pfs, 'data@master', { a: 'three', f: 'four' }),
  'delete from an open commit': ({ context, queue }) =>
    deleteFiles(context, queue, { target: target('data@master'), paths: ['d'], request: ACTOR }),
  'finish a commit': ({ context }) => finishCommit(context, { repo: DATA, ref: 'master' }, ACTOR),
  'take a snapshot': ({ context }) => context.journal.snapshot(),
  'make a branch': ({ context }) =>
    putBranch(context, { repo: DATA, branch: 'dev', head: 'master^' }, ACTOR),
  'append to a file': (pfs) => put(pfs, 'data@dev', { a: ' and more' }, { append: true }),
  'copy a file': ({ context, queue }) =>
    copyFile(context, queue, {
      target: target('data@dev'),
      source: { repo: DATA, ref: 'master', path: 'large' },
      path: 'copied',
      append: false,
      request: ACTOR,
    }),
  'merge a branch': ({ context }) =>
    mergeBranch(
      context,
      {
        repo: DATA,
        into: 'master',
        from: 'dev',
        favour: 'ours',
        fastForward: true,
        description: '',
      },
      ACTOR,
    ),
  'tag a commit': ({ context }) =>
    putTag(
      context,
      { repo: DATA, name: 'v1', head: 'master', description: '', force: false },
      ACTOR,
    ),
  'delete a branch': ({ context }) =>
    deleteBranch(context, { repo: DATA, branch: 'dev', force: false }, ACTOR),
  'create another repo': (pfs) => createRepos(pfs, 'other'),
  'put into it': (pfs) => put(pfs, 'other@master', { x: 'y' }),
  'merge packs': mergePacks,
  'delete the other repo': ({ context }) =>
    deleteRepo(context, { key: 'default/other', force: false }, ACTOR),
  'take another snapshot': ({ context }) => context.journal.snapshot(),
};

/** The chapters, of steps each of which is acknowledged before the next begins. */
export const CHAPTERS = { files: FILE_STEPS, versions: VERSION_STEPS, jobs: JOB_STEPS } as const;
export type Chapter = keyof typeof CHAPTERS;
