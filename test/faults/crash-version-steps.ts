// The steps that change which versions there are: tags, removals and what brings them back, reverts, projects, transactions,
// and the upkeep that lets go.

import {
  addRequest,
  deleteTransaction,
  finishTransaction,
  startTransaction,
} from '../../engine/jobs/transactions.ts';
import type { ChangeRequest } from '../../engine/journal/requests.ts';
import { deleteBranch, putBranch } from '../../engine/pfs/branches.ts';
import { listCommits, walkCommits } from '../../engine/pfs/commit-list.ts';
import { resolveCommit } from '../../engine/pfs/commit-lookup.ts';
import { dropSet } from '../../engine/pfs/drop.ts';
import { mergeBranch, revertCommit } from '../../engine/pfs/merge.ts';
import { createProject, describeProject } from '../../engine/pfs/projects.ts';
import { createRepo, deleteRepo, keepCommits } from '../../engine/pfs/repos.ts';
import { squashSet } from '../../engine/pfs/squash.ts';
import { deleteTag, putTag } from '../../engine/pfs/tags.ts';
import { undeleteBranch, undeleteCommit, undeleteRepo } from '../../engine/pfs/undelete.ts';
import { putFiles } from '../../engine/pfs/upload.ts';
import { collect } from '../../engine/upkeep/collector.ts';
import { Compactor } from '../../engine/upkeep/compactor.ts';
import { Pace } from '../../engine/upkeep/pace.ts';
import { ACTOR, batches, createRepos, type Pfs, put } from '../support/pfs.ts';

/** Steps by name, in their order. */
export type Steps = Readonly<Record<string, (pfs: Pfs) => Promise<unknown>>>;

const DATA = 'default/data';
const WARES = 'shop/wares';
const HOUR = 3_600_000;

const idOf = async ({ context }: Pfs, ref: string) => (await resolveCommit(context, DATA, ref)).id;

const tag = ({ context }: Pfs, head: string) =>
  putTag(context, { repo: DATA, name: 'v1', head, description: '', force: true }, ACTOR);

const collectAfter = ({ context }: Pfs, graceMs: number) =>
  collect(context, { graceMs, dryRun: false, pace: new Pace({ clock: context.clock }) });

/** The open transaction; there is one at a time. */
const transaction = ({ context }: Pfs) => [...context.journal.state.transactions.keys()][0] ?? '';

const ask = (pfs: Pfs, request: ChangeRequest) =>
  addRequest(pfs.context, { transaction: transaction(pfs), request }, ACTOR);

/** Makes few packs of many. */
export const mergePacks = ({ context }: Pfs) =>
  new Compactor(context, {
    onProblem: (error) => {
      throw error;
    },
  }).compact({ minPacks: 2, pace: new Pace({ clock: context.clock }) });

/** Returns the id of the commit that is on no branch. */
async function stray({ context }: Pfs): Promise<string> {
  const onMaster = new Set<string>();
  for await (const { id } of walkCommits(context, DATA, 'master')) {
    onMaster.add(id);
  }
  for await (const { id } of listCommits(context, DATA)) {
    if (!onMaster.has(id)) {
      return id;
    }
  }
  throw new Error('every commit is on the branch');
}

export const VERSION_STEPS: Steps = {
  'create a project': ({ context }) =>
    createProject(context, { name: 'shop', description: '' }, ACTOR),
  'describe a project': ({ context }) =>
    describeProject(context, { name: 'shop', description: 'of wares' }, ACTOR),
  'create a repo in a project': ({ context }) =>
    createRepo(context, { key: WARES, description: '' }, ACTOR),
  'create a repo': (pfs) => createRepos(pfs, 'data'),
  'put a first commit': (pfs) => put(pfs, 'data@master', { a: 'one', 'd/e': 'one' }),
  'put a second commit': (pfs) => put(pfs, 'data@master', { a: 'two', f: 'two' }),
  'put a third commit': (pfs) =>
    put(pfs, 'data@master', { large: Buffer.alloc(1_100_000, 'large'), g: 'three' }),
  'put a fourth commit': (pfs) => put(pfs, 'data@master', { a: 'four' }),
  'create a tag': (pfs) => tag(pfs, 'master'),
  'move a tag': (pfs) => tag(pfs, 'master^'),
  'delete a tag': ({ context }) => deleteTag(context, { repo: DATA, name: 'v1' }, ACTOR),
  'revert a commit': ({ context }) =>
    revertCommit(context, { repo: DATA, ref: 'master', branch: 'master', description: '' }, ACTOR),
  'squash a commit': async (pfs) => squashSet(pfs.context, await idOf(pfs, 'master^^^'), ACTOR),
  'branch off': ({ context }) =>
    putBranch(context, { repo: DATA, branch: 'dev', head: 'master^' }, ACTOR),
  'put on that branch': (pfs) => put(pfs, 'data@dev', { h: 'of dev' }),
  'merge it': ({ context }) =>
    mergeBranch(
      context,
      { repo: DATA, into: 'master', from: 'dev', fastForward: true, description: '' },
      ACTOR,
    ),
  'delete a branch': ({ context }) =>
    deleteBranch(context, { repo: DATA, branch: 'dev', force: false }, ACTOR),
  'undelete a branch': ({ context }) =>
    undeleteBranch(context, { repo: DATA, branch: 'dev' }, ACTOR),
  'delete it again': ({ context }) =>
    deleteBranch(context, { repo: DATA, branch: 'dev', force: false }, ACTOR),
  'put what will be dropped': (pfs) => put(pfs, 'data@master', { dropped: 'dropped' }),
  'drop a commit': async (pfs) => dropSet(pfs.context, await idOf(pfs, 'master'), ACTOR),
  'undelete a commit': async (pfs) => {
    const { trash } = pfs.context.journal.state;
    const commits = [...trash.values()].flatMap((record) =>
      record.kind === 'commit' ? record.commit : [],
    );
    const id =
      commits
        .map((commit) => commit.id)
        .sort()
        .at(-1) ?? '';
    return await undeleteCommit(pfs.context, { id }, ACTOR);
  },
  'go back to it': async (pfs) =>
    putBranch(pfs.context, { repo: DATA, branch: 'back', head: await stray(pfs) }, ACTOR),
  'put into the other repo': (pfs) =>
    putFiles(pfs.context, pfs.queue, {
      target: { repo: WARES, ref: 'master', own: false, description: '' },
      append: false,
      parts: batches([
        { path: 'w', executable: false, data: Buffer.from('ware'), first: true, last: true },
      ]),
      request: ACTOR,
    }),
  'delete the other repo': ({ context }) =>
    deleteRepo(context, { key: WARES, force: false }, ACTOR),
  'undelete a repo': ({ context }) => undeleteRepo(context, WARES, ACTOR),
  'delete that repo again': ({ context }) =>
    deleteRepo(context, { key: WARES, force: false }, ACTOR),
  'start a transaction': ({ context }) => startTransaction(context, ACTOR),
  'add to it': (pfs) =>
    ask(pfs, { kind: 'repo.create', repo: 'default/together', description: '' }),
  'add a start of a commit': (pfs) =>
    ask(pfs, { kind: 'commit.start', repo: DATA, branch: 'master', description: '' }),
  'add its finish': (pfs) => ask(pfs, { kind: 'commit.finish', repo: DATA, ref: 'master' }),
  'add a tag': (pfs) =>
    ask(pfs, {
      kind: 'tag.put',
      repo: DATA,
      name: 'v2',
      head: 'back',
      description: '',
      force: false,
    }),
  'finish the transaction': (pfs) => finishTransaction(pfs.context, transaction(pfs), ACTOR),
  'start another transaction': ({ context }) => startTransaction(context, ACTOR),
  'add to that one': (pfs) => ask(pfs, { kind: 'repo.delete', repo: DATA, force: true }),
  'delete the transaction': (pfs) => deleteTransaction(pfs.context, transaction(pfs), ACTOR),
  'merge packs': mergePacks,
  'collect what is in the trash': (pfs) => collectAfter(pfs, 0),
  'keep the last commit only': ({ context }) =>
    keepCommits(context, { key: DATA, keep: { last: 1, forMs: null } }, ACTOR),
  'let old commits expire': (pfs) => collectAfter(pfs, HOUR),
  'collect them': (pfs) => collectAfter(pfs, 0),
  'delete what was collected': (pfs) => collectAfter(pfs, 0),
  'put after that': (pfs) => put(pfs, 'data@master', { last: 'of all' }),
};
