import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Pipeline } from '../../engine/server/wire.ts';
import type { DefaultsChange } from '../../engine/server/wire-defaults.ts';
import { image, images, PipelineHome } from './pipeline-home.ts';

describe('defaults, from the command line', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());
  const spec = (name: string, more: object = {}, project?: string) =>
    JSON.stringify({
      pipeline: { name, ...(project === undefined ? {} : { project: { name: project } }) },
      input: { pfs: { repo: 'data', project: 'default', glob: '/*' } },
      transform: { cmd: ['sh', '-c', 'echo $GREETING > /pfs/out/said'] },
      ...more,
    });
  const pipeline = (name: string) => home.inspect<Pipeline>('inspect-pipeline', name);

  it('a spec stands on its project, the project on the cluster; null erases; the spec as written and as it came out are both kept', async () => {
    await home.repo('data', { a: '1' });
    await home.pfs('create-project', 'team');
    const cluster = {
      createPipelineRequest: {
        datumTries: 2,
        jobTimeout: '1h',
        transform: { image, env: { GREETING: 'hello' } },
      },
    };
    const file = home.file(JSON.stringify(cluster, null, 2));
    await home.pfs('create-defaults', '--cluster', '-f', file);
    await home.pfs(
      'create',
      'defaults',
      '--project',
      'team',
      '-f',
      home.file('transform: {env: {GREETING: hi}}\njob_timeout: null\n', 'team.yaml'),
    );
    const again = await home.run(['create-defaults', '--cluster', '-f', file]);
    assert.deepEqual([again.code, /pfs update-defaults replaces/.test(again.stderr)], [4, true]);
    assert.equal(
      await home.pfs('inspect-defaults', '--cluster'),
      `${JSON.stringify(cluster, null, 2)}\n`,
    );
    assert.equal(await home.pfs('inspect-defaults', '--project', 'default'), '{}\n');

    await home.pfs('create-pipeline', home.file(spec('plain')));
    await home.pfs('create-pipeline', home.file(spec('plain', {}, 'team')));
    await home.pfs(
      'create-pipeline',
      home.file(spec('own', { datum_tries: null, job_timeout: '5m' })),
    );
    assert.equal((await home.done('plain')).state, 'success');
    assert.equal((await home.done('team/plain')).state, 'success');
    assert.equal(await home.read('plain@master:/said'), 'hello\n');
    assert.equal(await home.read('team/plain@master:/said'), 'hi\n');
    const [plain, team, own] = [
      await pipeline('plain'),
      await pipeline('team/plain'),
      await pipeline('own'),
    ];
    assert.deepEqual(
      [plain, team, own].map(({ spec: { datum_tries, job_timeout } }) => [
        datum_tries,
        job_timeout,
      ]),
      [
        [2, '1h'],
        [2, undefined],
        [3, '5m'],
      ],
    );
    assert.equal(plain.userSpec.trim(), spec('plain'));
  });

  it('new defaults leave pipelines as they are until --regenerate, which --dry-run foretells', async () => {
    const file = home.file(
      JSON.stringify({ datum_tries: 5, transform: { image, env: { GREETING: 'good day' } } }),
    );
    const dry = await home.inspect<DefaultsChange>(
      'update-defaults',
      '--cluster',
      '-f',
      file,
      '--regenerate',
      '--dry-run',
    );
    assert.deepEqual(
      dry.affected.map(({ project, name }) => `${project}/${name}`),
      ['default/own', 'default/plain', 'team/plain'],
    );
    const { code, stderr } = await home.run(['update-defaults', '--cluster', '-f', file]);
    assert.deepEqual(
      [code, /differ from their defaults.*own, plain, team\/plain/.test(stderr)],
      [0, true],
      stderr,
    );
    assert.equal((await pipeline('plain')).version, 1);
    await home.pfs('rerun-pipeline', 'plain', '--reprocess');
    await home.done('plain');
    assert.equal(
      await home.read('plain@master:/said'),
      'hello\n',
      'a rerun is of the same version',
    );

    const printed = await home.pfs(
      'update-defaults',
      '--cluster',
      '-f',
      file,
      '--regenerate',
      '--reprocess',
    );
    assert.equal(printed, 'Updated: own, plain, team/plain\n');
    assert.equal((await home.done('plain')).version, 2);
    assert.equal(await home.read('plain@master:/said'), 'good day\n');
    await home.done('team/plain');
    assert.equal(await home.read('team/plain@master:/said'), 'hi\n');
    assert.equal(await home.pfs('update-defaults', '--cluster', '-f', file, '--regenerate'), '');
  });

  it('defaults that are wrong are refused with file, line, field and remedy, and deleting says what then differs', async () => {
    const wrong = await home.run([
      'update-defaults',
      '--cluster',
      '-f',
      home.file('{\n "datumTrys": 4\n}', 'wrong.json'),
    ]);
    assert.deepEqual(
      [wrong.code, /wrong\.json:2:2: datumTrys: .*datum_tries/.test(wrong.stderr)],
      [2, true],
      wrong.stderr,
    );
    const whose = await home.run(['inspect-defaults']);
    assert.deepEqual([whose.code, /--cluster, or --project/.test(whose.stderr)], [2, true]);
    const gone = await home.run(['delete-defaults', '--project', 'team']);
    assert.match(gone.stderr, /differ from their defaults.*: team\/plain/);
    assert.equal(await home.pfs('inspect-defaults', '--project', 'team'), '{}\n');
    const refused = await home.run(['delete-defaults', '--cluster', '--regenerate']);
    assert.match(
      refused.stderr,
      /pipeline "own" could not be what it says/,
      'they have their image from there',
    );
  });
});
