import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeRequested } from '../../../engine/jobs/changes.ts';
import { type DefaultsChange, tryDefaults } from '../../../engine/jobs/defaults.ts';
import { deleteProject } from '../../../engine/jobs/delete-project.ts';
import { readSpecCommit } from '../../../engine/jobs/spec-repo.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { ACTOR } from '../../support/pfs.ts';

interface Asked {
  readonly scope?: string;
  readonly create?: boolean;
  readonly regenerate?: boolean;
  readonly reprocess?: boolean;
}

function asked(value: object, options: Asked = {}) {
  const { scope = 'cluster', create = false, regenerate = false, reprocess = false } = options;
  const text = JSON.stringify(value);
  const fileName = 'defaults.json';
  return { kind: 'defaults.put', scope, text, fileName, create, regenerate, reprocess } as const;
}

function put(engine: TestEngine, value: object, options: Asked = {}): Promise<DefaultsChange> {
  return makeRequested(engine.pfs.context, asked(value, options), ACTOR);
}

it('defaults are for pipelines to come; those that are there differ until they are updated', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline({ name: 'old', input: 'data' });
  await engine.settled();
  const change = await put(engine, { datum_tries: 7 });
  assert.deepEqual([change.affected, change.isRegenerated], [['default/old'], false]);
  assert.deepEqual([engine.record('old').spec.datum_tries, engine.record('old').version], [3, 1]);
  await engine.pipeline({ name: 'new', input: 'data' });
  assert.equal(engine.record('new').spec.datum_tries, 7);
  await engine.pipeline({ name: 'own', input: 'data', datum_tries: 1 });
  assert.equal(engine.record('own').spec.datum_tries, 1);
  await engine.pipeline({ name: 'old', input: 'data' }, { update: true });
  assert.equal(engine.record('old').spec.datum_tries, 7);
  assert.deepEqual((await put(engine, { datum_tries: 7 })).affected, []);
});

it('regenerating gives those that differ a new version, the author’s text kept, and skips what is processed', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline([
    { name: 'one', input: 'data' },
    { name: 'two', input: 'one', datum_tries: 2 },
  ]);
  await engine.settled();
  const change = await put(engine, { datum_tries: 7 }, { regenerate: true });
  assert.deepEqual([change.affected, change.isRegenerated], [['default/one'], true]);
  const { version, spec, specCommit } = engine.record('one');
  assert.deepEqual([version, spec.datum_tries], [2, 7]);
  const { text } = await readSpecCommit(engine.pfs.context, 'default/one', specCommit);
  assert.equal(text.includes('datum_tries'), false);
  assert.equal(engine.record('two').version, 1);
  assert.equal(counts(await engine.done('one')), '0/1/0 of 1');
  await put(engine, { datum_tries: 8 }, { regenerate: true, reprocess: true });
  assert.equal(counts(await engine.done('one')), '1/0/0 of 1');
});

it('a trial says what would differ and changes nothing', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.pipeline({ name: 'old', input: 'data' });
  await engine.settled();
  const { state } = engine.pfs.context.journal;
  const options = asked({ datum_tries: 7 }, { regenerate: true });
  assert.deepEqual((await tryDefaults(engine.pfs.context, options)).affected, ['default/old']);
  assert.deepEqual([state.defaults.size, engine.record('old').version], [0, 1]);
});

it('the defaults of a project are for its pipelines alone, win over the cluster’s, and go with it', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  const input = { pfs: { repo: 'data', project: 'default', glob: '/*' } };
  const inTeam = (name: string) => ({ name, input, pipeline: { name, project: { name: 'team' } } });
  await engine.pipeline(inTeam('first'));
  await put(engine, { datum_tries: 7, job_timeout: '1h' });
  await put(engine, { datum_tries: 9, job_timeout: null }, { scope: 'project/team' });
  await engine.pipeline([inTeam('second'), { name: 'outside', input }]);
  const { pipelines, defaults } = context.journal.state;
  const specs = ['team/second', 'default/outside'].map((key) => pipelines.get(key)?.spec);
  assert.deepEqual(
    specs.map((spec) => [spec?.datum_tries, spec?.job_timeout]),
    [
      [9, undefined],
      [7, '1h'],
    ],
  );
  await deleteProject(context, { name: 'team', force: true }, ACTOR);
  assert.deepEqual([...defaults.keys()], ['cluster']);
  await assert.rejects(
    put(engine, {}, { scope: 'project/nowhere' }),
    /Cannot find project "nowhere"/,
  );
});

it('what cannot be is refused whole: defaults that are there, that are wrong, or that a pipeline cannot stand on', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  await engine.pipeline({ name: 'small', input: 'data', resource_requests: { memory: '2Gi' } });
  await put(engine, { datum_tries: 7 }, { create: true });
  await assert.rejects(put(engine, {}, { create: true }), /there are some already/);
  await assert.rejects(
    put(engine, { datum_tries: 'x' }),
    /Cannot use the defaults "defaults.json"/,
  );
  const limits = { resource_limits: { memory: '1Gi' } };
  await assert.rejects(
    put(engine, limits, { regenerate: true }),
    /pipeline "small" could not be what it says on top of them.*is more than resource_limits allows/s,
  );
  assert.deepEqual(context.journal.state.defaults.get('cluster')?.value, { datum_tries: 7 });
  assert.deepEqual((await put(engine, limits)).affected, ['default/small']);
  const gone = {
    kind: 'defaults.delete',
    scope: 'cluster',
    regenerate: false,
    reprocess: false,
  } as const;
  assert.deepEqual((await makeRequested(context, gone, ACTOR)).defaults, null);
  await assert.rejects(makeRequested(context, gone, ACTOR), /there are none/);
});
