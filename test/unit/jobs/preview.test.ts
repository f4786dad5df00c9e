import assert from 'node:assert/strict';
import { it } from 'node:test';
import { previewPipelines } from '../../../engine/jobs/preview.ts';
import { TestEngine } from '../../support/engine.ts';
import { ACTOR } from '../../support/pfs.ts';

const spec = (name: string, input: object, more: object = {}) =>
  JSON.stringify({
    pipeline: { name },
    transform: { image: 'busybox:1', cmd: ['run'] },
    input,
    ...more,
  });
const pfs = (repo: string, glob = '/*') => ({ pfs: { repo, glob } });

/** Returns what a spec would do, its datums as `path state`. */
async function preview(
  engine: TestEngine,
  text: string,
  options: { readonly update?: boolean; readonly reprocess?: boolean } = {},
) {
  const { update = true, reprocess = false } = options;
  const asked = {
    text,
    fileName: 'spec.json',
    project: 'default',
    update,
    reprocess,
    asker: ACTOR,
  };
  const pipelines = await previewPipelines(engine.pfs.context, asked);
  const shown = [];
  for (const { created, version, notes, spec: full, datums } of pipelines) {
    const list: string[] = [];
    for await (const { inputs, isDone } of datums()) {
      list.push(`${inputs.map(({ path }) => path).join(' ')} ${isDone ? 'skipped' : 'waiting'}`);
    }
    shown.push({ name: full.pipeline.name, created, version, notes, datums: list });
  }
  return shown;
}

it('a spec that is not made yet has the datums of the current heads, and nothing is changed', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data', 'side');
  await engine.put('data', { a: '1', b: '1' });
  const before = engine.pfs.context.journal.seq;
  const cross = { cross: [pfs('data'), pfs('side', '/')] };
  assert.deepEqual(await preview(engine, spec('new', pfs('data'))), [
    { name: 'new', created: true, version: 1, notes: [], datums: ['/a waiting', '/b waiting'] },
  ]);
  assert.deepEqual(await preview(engine, spec('new', cross)), [
    {
      name: 'new',
      created: true,
      version: 1,
      notes: ['side@master has no commits yet'],
      datums: [],
    },
  ]);
  assert.equal(engine.pfs.context.journal.seq, before);
});

it('an update skips what was processed, unless all is to be processed again', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  await engine.pipeline({ name: 'copy', input: 'data', glob: '/a' }, { update: true });
  await engine.settled();
  await engine.put('data', { c: '1' });
  await engine.settled();
  const text = spec('copy', pfs('data'));
  const datums = ['/a skipped', '/b skipped', '/c waiting'];
  const [found] = await preview(engine, text);
  assert.deepEqual(found, { name: 'copy', created: false, version: 3, notes: [], datums });
  const [all] = await preview(engine, text, { reprocess: true });
  assert.deepEqual(all?.datums, ['/a waiting', '/b waiting', '/c waiting']);
  const [every] = await preview(engine, spec('copy', pfs('data'), { reprocess_spec: 'every_job' }));
  assert.deepEqual(every?.datums, all.datums);
});

it('the datums told are those that the pipeline then has', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data', 'more');
  await engine.put('data', { 'a-1': '1', 'b-1': '1', 'b-2': '2' });
  await engine.put('more', { a: '1', b: '1', c: '1' });
  const leaf = (repo: string, glob: string) => ({ pfs: { repo, glob, join_on: '$1' } });
  const join = { join: [leaf('data', '/(*)-*'), leaf('more', '/(*)')] };
  const ids: string[] = [];
  const asked = { text: spec('joined', join), fileName: 's', project: 'default' };
  for (const { datums } of await previewPipelines(engine.pfs.context, {
    ...asked,
    update: false,
    reprocess: false,
    asker: ACTOR,
  })) {
    for await (const { datum } of datums()) {
      ids.push(datum.id);
    }
  }
  await engine.pipeline({ name: 'joined', input: join });
  await engine.settled();
  assert.deepEqual(engine.executor.runs.map(({ datum }) => datum).sort(), ids.sort());
});

it('a pipeline that reads another of the same text says that its datums will differ', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const text = [spec('second', pfs('first')), spec('first', pfs('data'))].join('\n');
  const [first, second] = await preview(engine, text);
  assert.deepEqual([first?.name, first?.datums], ['first', ['/a waiting']]);
  assert.deepEqual([second?.name, second?.datums], ['second', []]);
  assert.match(second?.notes.join() ?? '', /first@master is made by a pipeline of this spec/);
});

it('what reads a commit that failed or is being made has the datums of the good one before', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline({ name: 'copy', input: 'data', datum_tries: 1 });
  await engine.settled();
  engine.executor.setCode('copy', () => 1);
  await engine.put('data', { b: '1' });
  await engine.settled();
  const [failed] = await preview(engine, spec('next', pfs('copy')));
  assert.deepEqual(failed?.datums, ['/a waiting']);
  assert.match(failed?.notes.join() ?? '', /the newest commit of copy@master failed/);
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  engine.executor.setCode('copy', () => held);
  await engine.put('data', { c: '1' });
  const [running] = await preview(engine, spec('next', pfs('copy')));
  assert.match(running?.notes.join() ?? '', /copy@master is being made right now/);
  go();
});

it('what would be refused is refused with the same words', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.pipeline({ name: 'copy', input: 'data' });
  await assert.rejects(
    preview(engine, spec('copy', pfs('data')), { update: false }),
    /Cannot create pipeline "copy": it already exists/,
  );
  await assert.rejects(
    preview(engine, spec('x', pfs('dara'))),
    /spec\.json:1:\d+: input\.pfs\.repo: there is no repo "dara".*did you mean "data"/,
  );
});
