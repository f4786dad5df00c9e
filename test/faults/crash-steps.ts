// What a process does until it is killed: every kind of write, one after the other, and what a store looks like between
// two of them, without anything that differs from run to run.

import { deleteBranch, putBranch } from '../../engine/pfs/branches.ts';
import { copyFile, deleteFiles } from '../../engine/pfs/change-files.ts';
import { walkCommits } from '../../engine/pfs/commit-list.ts';
import { finishCommit, openTree, startCommit } from '../../engine/pfs/commits.ts';
import { walkFiles } from '../../engine/pfs/files.ts';
import { mergeBranch } from '../../engine/pfs/merge.ts';
import { deleteRepo, describeRepo } from '../../engine/pfs/repos.ts';
import { putTag } from '../../engine/pfs/tags.ts';
import { Compactor } from '../../engine/upkeep/compactor.ts';
import { Pace } from '../../engine/upkeep/pace.ts';
import type { Pfs } from '../support/pfs.ts';
import { ACTOR, createRepos, gather, put, target } from '../support/pfs.ts';

const DATA = 'default/data';
const ON_MASTER = { repo: DATA, branch: 'master', description: '' };

/** The steps, each of which is acknowledged before the next begins. */
export const STEPS: Readonly<Record<string, (pfs: Pfs) => Promise<unknown>>> = {
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
  'merge packs': ({ context }) =>
    new Compactor(context, {
      onProblem: (error) => {
        throw error;
      },
    }).compact({
      minPacks: 2,
      pace: new Pace({ clock: context.clock }),
    }),
  'delete the other repo': ({ context }) =>
    deleteRepo(context, { key: 'default/other', force: false }, ACTOR),
  'take another snapshot': ({ context }) => context.journal.snapshot(),
};

/** Everything that users see of a store, as text: equal for equal stores. */
export async function describeStore(pfs: Pfs): Promise<string> {
  const { state } = pfs.context.journal;
  const lines: string[] = [];
  for (const { key, description } of state.repos.values()) {
    lines.push(`repo ${key} "${description}"`);
  }
  for (const tag of state.tags.values()) {
    lines.push(`tag ${tag.repo} ${tag.name}`);
  }
  for (const { repo, name } of state.branches.values()) {
    const short = repo.replace('default/', '');
    for await (const { id, finished, edits } of walkCommits(pfs.context, repo, name)) {
      lines.push(`${short}@${name} ${finished === null ? `open ${edits.length}` : 'finished'}`);
      const tree = await openTree(pfs.context, repo, id);
      try {
        const root = { path: '', mode: '40000' as const, id: tree.tree ?? '' };
        for await (const file of tree.tree ? walkFiles(tree.objects, root) : []) {
          const { size } = await tree.objects.stat(file.id);
          // A check compares all bytes with their hashes.
          const text = size < 100 ? (await gather(tree.readFile(file.id))).toString() : size;
          lines.push(`  ${file.mode} ${file.path} ${text}`);
        }
      } finally {
        tree.close();
      }
    }
  }
  return lines.join('\n');
}
