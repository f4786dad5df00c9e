import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Lineage, lineageDown, lineageUp } from '../../../engine/jobs/lineage.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { TestEngine } from '../../support/engine.ts';
import type { FakeRun } from '../../support/fake-executor.ts';
import { ACTOR } from '../../support/pfs.ts';

type Test = Parameters<typeof TestEngine.start>[0];

const input = (repo: string, glob: string) => ({ pfs: { repo, glob } });

/** Writes each file of an input as `<base name>` under a prefix of its own. */
const copyAs = (prefix: string, repo: string) => (run: FakeRun) => {
  for (const [path, text] of Object.entries(run.input(repo))) {
    run.write(`${prefix}${path}`, text);
  }
};

/** `data` → `left`, `right` → `joined`, which crosses all of the one with each file of the other. */
async function diamond(t: Test): Promise<TestEngine> {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '2', 'd/c': '3' });
  engine.executor.setCode('left', copyAs('l-', 'data'));
  engine.executor.setCode('right', copyAs('r-', 'data'));
  engine.executor.setCode('joined', (run) => {
    const [name = ''] = Object.keys(run.input('right'));
    run.write(`with-${name}`, Object.keys(run.input('left')).join());
  });
  await engine.pipeline([
    { name: 'left', input: 'data' },
    { name: 'right', input: 'data', glob: '/{a,b}' },
    { name: 'joined', input: { cross: [input('left', '/'), input('right', '/*')] } },
  ]);
  await engine.settled();
  return engine;
}

async function up(engine: TestEngine, from: string, path: string | null): Promise<Lineage> {
  return await lineageUp(engine.pfs.context, await engine.commit(from), path);
}

async function down(engine: TestEngine, from: string, path: string | null): Promise<Lineage> {
  return await lineageDown(engine.pfs.context, await engine.commit(from), path);
}

/** Returns a lineage as lines: `  repo paths`, with what each datum read. */
function lines({ commit, paths, datums, next, isRepeated }: Lineage, indent = ''): string[] {
  const reads = datums.map(({ inputs }) => inputs.map(({ name, path }) => name + path).join('+'));
  const read = reads.length > 0 ? ` < ${reads.sort().join(' ')}` : '';
  const name = commit.repo.replace('default/', '');
  const again = isRepeated ? ' again' : '';
  return [
    `${indent}${name} ${paths?.join() ?? '*'}${read}${again}`,
    ...next.flatMap((one) => lines(one, `${indent}  `)),
  ];
}

it('a file of a cross in a diamond is traced through both sides to what each read', async (t) => {
  const engine = await diamond(t);
  assert.deepEqual(lines(await up(engine, 'joined', 'with-r-a')), [
    'joined with-r-a < left/+right/r-a',
    '  left * < data/a data/b data/d',
    '    data a,b,d',
    '  right r-a < data/a',
    '    data a',
  ]);
});

it('a directory is traced through all datums that wrote into it, and only those', async (t) => {
  const engine = await diamond(t);
  assert.deepEqual(lines(await up(engine, 'left', 'l-d')), ['left l-d < data/d', '  data d']);
  assert.deepEqual(lines(await up(engine, 'left', 'l-d/c')), ['left l-d/c < data/d', '  data d']);
});

it('what came of a file are the files that its datums wrote, and what came of those', async (t) => {
  const engine = await diamond(t);
  assert.deepEqual(lines(await down(engine, 'data', 'a')), [
    'data a',
    '  left l-a < data/a',
    '    joined with-r-a,with-r-b < left/+right/r-a left/+right/r-b',
    '  right r-a < data/a',
    '    joined with-r-a < left/+right/r-a',
  ]);
  assert.deepEqual(lines(await down(engine, 'data', 'd/c')), [
    'data d/c',
    '  left l-d/c < data/d',
    '    joined with-r-a,with-r-b < left/+right/r-a left/+right/r-b',
  ]);
});

it('several datums that wrote one directory name the paths that each read, and no others', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '2', c: '3' });
  engine.executor.setCode('sorted', (run) => {
    const [[name = '', text = ''] = []] = Object.entries(run.input('data'));
    run.write(`${text === '3' ? 'odd' : 'low'}/${name}`, text);
  });
  await engine.pipeline({ name: 'sorted', input: 'data' });
  await engine.settled();
  assert.deepEqual(lines(await up(engine, 'sorted', 'low')), [
    'sorted low < data/a data/b',
    '  data a,b',
  ]);
});

it('a union names only the member that took part', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('one', 'two');
  await engine.put('one', { a: '1' });
  await engine.put('two', { b: '2' });
  await engine.pipeline({
    name: 'both',
    input: { union: [input('one', '/*'), input('two', '/*')] },
  });
  await engine.settled();
  assert.deepEqual(lines(await up(engine, 'both', 'b')), ['both b < two/b', '  two b']);
});

it('a chain of diamonds is walked once, not once for each way through it', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('p0');
  await engine.put('p0', { a: '1' });
  const stages = 12;
  const specs = Array.from({ length: stages }, (_, n) => [
    { name: `l${n + 1}`, input: `p${n}`, glob: '/' },
    { name: `r${n + 1}`, input: `p${n}`, glob: '/' },
    { name: `p${n + 1}`, input: { cross: [input(`l${n + 1}`, '/'), input(`r${n + 1}`, '/')] } },
  ]);
  for (let n = 1; n <= stages; n++) {
    engine.executor.setCode(`p${n}`, (run) => run.write('a', '1'));
  }
  await engine.pipeline(specs.flat());
  await engine.settled();
  const trace = lines(await up(engine, `p${stages}`, null));
  assert.ok(trace.length < 5 * stages, `${trace.length} lines`);
  assert.equal(trace.filter((line) => line.endsWith('again')).length, stages);
  const forth = lines(await down(engine, 'p0', null));
  assert.ok(forth.length < 5 * stages, `${forth.length} lines`);
});

it('downstream of a commit is found where an older commit, long open, caused it', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('one', 'two');
  const { context } = engine.pfs;
  const where = { repo: 'default/two', branch: 'master' };
  const old = await startCommit(context, { ...where, description: '' }, ACTOR);
  await engine.put('one', { a: '1' });
  await engine.pipeline({
    name: 'both',
    input: { union: [input('one', '/*'), input('two', '/*')] },
  });
  const newer = await engine.put('one', { a: '2' });
  await finishCommit(context, { repo: where.repo, ref: old.id }, ACTOR);
  await engine.settled();
  const found = await lineageDown(context, newer, null);
  assert.deepEqual(found.next.map(({ commit }) => commit.id).sort(), [old.id, newer.id].sort());
});

it('what a datum kept through an update and a reprocess came of is told apart', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const spec = { name: 'copy', input: 'data' };
  await engine.pipeline(spec);
  await engine.settled();
  const first = await engine.commit('copy');
  await engine.pipeline({ ...spec, description: 'new' }, { update: true });
  await engine.put('data', { b: '1' });
  await engine.settled();
  const made = async (path: string) => {
    const [datum] = (await up(engine, 'copy', path)).datums;
    return [datum?.version, datum?.job === first.id];
  };
  assert.deepEqual(
    [await made('a'), await made('b')],
    [
      [1, true],
      [2, false],
    ],
  );
  await engine.pipeline(spec, { update: true, reprocess: true });
  await engine.settled();
  assert.deepEqual(
    [await made('a'), await made('b')],
    [
      [3, false],
      [3, false],
    ],
  );
  const old = await lineageUp(engine.pfs.context, first, 'a');
  assert.deepEqual(
    old.datums.map(({ version }) => version),
    [1],
    'what was stays as it was',
  );
});
