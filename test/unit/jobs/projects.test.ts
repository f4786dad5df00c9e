import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deleteProject } from '../../../engine/jobs/delete-project.ts';
import {
  createProject,
  describeProject,
  listProjects,
  type Project,
  resolveProject,
} from '../../../engine/pfs/projects.ts';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { TestEngine } from '../../support/engine.ts';
import { ACTOR, openTestPfs } from '../../support/pfs.ts';

const shown = ({ name, description, repos, pipelines }: Project) =>
  `${name} (${description}) ${repos.length} ${pipelines.length}`;

it('knows the projects that were made and those that are only used', async (t) => {
  const engine = await TestEngine.start(t, { idle: true });
  const { context } = engine.pfs;
  const list = () => listProjects(context.journal.state).map(shown);
  assert.deepEqual(list(), ['default () 0 0']);
  await createProject(context, { name: 'made', description: 'for later' }, ACTOR);
  await createRepo(context, { key: 'used/data', description: '' }, ACTOR);
  await engine.repos('data');
  await engine.pipeline({ name: 'copy', input: 'data' });
  const expected = ['default () 1 1', 'made (for later) 0 0', 'used () 1 0'];
  assert.deepEqual(list(), expected);
  await context.journal.snapshot();
  const reopened = await openTestPfs({ t, store: engine.store });
  assert.deepEqual(listProjects(reopened.context.journal.state).map(shown), expected);
  const create = (name: string) => createProject(context, { name, description: '' }, ACTOR);
  for (const name of ['made', 'used', 'default']) {
    await assert.rejects(create(name), {
      code: 'already_exists',
      message: new RegExp(`^Cannot create project "${name}": it already exists`),
    });
  }
  await assert.rejects(create('a/b'), { code: 'invalid' });
  await describeProject(context, { name: 'used', description: 'described' }, ACTOR);
  await describeProject(context, { name: 'default', description: 'all else' }, ACTOR);
  assert.deepEqual(list(), [
    'default (all else) 1 1',
    'made (for later) 0 0',
    'used (described) 1 0',
  ]);
  await assert.rejects(describeProject(context, { name: 'none', description: '' }, ACTOR), {
    code: 'not_found',
  });
});

it('deletes a project that is empty, or by force all that is in it, and nothing else', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  const remove = (name: string, force = false) => deleteProject(context, { name, force }, ACTOR);
  await createProject(context, { name: 'empty', description: '' }, ACTOR);
  await remove('empty');
  assert.throws(() => resolveProject(context, 'empty'), { code: 'not_found' });
  await assert.rejects(remove('empty'), { code: 'not_found' });
  await createRepo(context, { key: 'team/data', description: '' }, ACTOR);
  await createRepo(context, { key: 'teams/data', description: '' }, ACTOR);
  await engine.pipeline({
    name: 'copy',
    pipeline: { name: 'copy', project: { name: 'team' } },
    input: { pfs: { project: 'team', repo: 'data', glob: '/*' } },
  });
  await engine.pipeline({
    name: 'hourly',
    pipeline: { name: 'hourly', project: { name: 'team' } },
    input: { cron: { name: 'tick', spec: '@every 1h' } },
  });
  await engine.pipeline({
    name: 'outside',
    input: { pfs: { project: 'team', repo: 'copy', glob: '/*' } },
  });
  await engine.settled();
  await assert.rejects(remove('team'), {
    code: 'failed_precondition',
    message:
      'Cannot delete project "team": 2 pipelines and 2 repos are in it; delete those first, or use --force',
  });
  await remove('team', true);
  const { state } = context.journal;
  assert.deepEqual(
    [...state.repos.keys()].filter((key) => key.startsWith('team')),
    ['teams/data'],
  );
  assert.deepEqual([...state.pipelines.keys()], ['default/outside']);
  const { provenance } = state.branches.get('default/outside@master') ?? { provenance: [] };
  assert.ok(
    !provenance.some(({ repo }) => repo.startsWith('team/')),
    'it is left without that source',
  );
  await assert.rejects(remove('default', true), { code: 'failed_precondition' });
});
