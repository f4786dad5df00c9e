import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Commit, Job, Pipeline } from '../../engine/server/wire.ts';
import { image, images, PipelineHome } from './pipeline-home.ts';

describe('pipelines, from the command line', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());

  it('a spec from the field is accepted to the letter, trailing comma and atom included', async () => {
    await home.repo('training', { 'iris.csv': '1,2,3\n' });
    const spec = `{
      "pipeline": { "name": "model" },
      "transform": {
        "image": "${image}",
        "cmd": ["cp", "/pfs/training/iris.csv", "/pfs/out/model",]
      },
      "input": { "atom": { "repo": "training", "glob": "/" } }
    }`;
    await home.pfs('create-pipeline', home.file(spec, 'spec.json'));
    assert.equal((await home.done('model')).state, 'success');
    assert.equal(await home.read('model@master:/model'), '1,2,3\n');
    const { userSpec } = await home.inspect<Pipeline>('inspect-pipeline', 'model');
    assert.equal(userSpec.trim(), spec.trim(), 'as its author wrote it');
  });

  it('a spec is YAML or JSON, from a file, standard input or several in one', async () => {
    const yaml = (name: string) =>
      `pipeline: {name: ${name}}\ninput: {pfs: {repo: training, glob: "/*"}}\ntransform: {image: "${image}", cmd: ["true"]}\n`;
    const put = await home.run(['create', 'pipeline', '-f', '-'], {
      input: `${yaml('yaml-a')}---\n${yaml('yaml-b')}`,
    });
    assert.equal(put.code, 0, put.stderr);
    const states = [await home.done('yaml-a'), await home.done('yaml-b')].map(({ state }) => state);
    assert.deepEqual(states, ['success', 'success']);
  });

  it('what does not yet take effect is accepted with a warning that names it', async () => {
    const spec = home.spec({
      name: 'warned',
      input: 'training',
      sh: 'true',
      tolerations: [{ key: 'a', operator: 'EXISTS' }],
    });
    const put = await home.run(['create-pipeline', '-f', home.file(spec)]);
    assert.equal(put.code, 0, put.stderr);
    assert.match(put.stderr, /tolerations/);
    await home.done('warned');
  });

  const good = () => home.spec({ name: 'never', input: 'training', sh: 'true' });
  const wrong: readonly { title: string; text: () => string; exit: number; says: RegExp }[] = [
    {
      title: 'a missing repo',
      text: () => good().replace('"training"', '"trainign"'),
      exit: 2,
      says: /wrong\.json:\d+.*repo.*trainign.*training/s,
    },
    {
      title: 'an unknown field',
      text: () => good().replace('"glob"', '"globb"'),
      exit: 2,
      says: /wrong\.json:\d+.*globb.*glob/s,
    },
    {
      title: 'a wrong type',
      text: () => good().replace('"name": "never"', '"name": 5'),
      exit: 2,
      says: /wrong\.json:\d+.*name.*(text|string)/s,
    },
    {
      title: 'a bad glob',
      text: () => good().replace('"/*"', '"/[a"'),
      exit: 2,
      says: /wrong\.json:\d+.*glob/s,
    },
    {
      title: 'a pipeline that reads itself',
      text: () => good().replace('"training"', '"never"'),
      exit: 2,
      says: /wrong\.json:\d+.*own output/s,
    },
    {
      title: 'a cycle through two pipelines',
      text: () =>
        [
          home.spec({ name: 'never', input: 'other', sh: 'true' }),
          home.spec({ name: 'other', input: 'never', sh: 'true' }),
        ].join('\n'),
      exit: 2,
      says: /wrong\.json:\d+:\d+: input\.pfs\.repo: .*cycle.*; break it by/,
    },
    {
      title: 'a name that is taken',
      text: () => good().replace('"never"', '"model"'),
      exit: 4,
      says: /"model".*already exists.*update-pipeline.*wrong\.json:\d+:\d+: pipeline\.name/,
    },
    {
      title: 'a syntax error',
      text: () => good().replace('"input":', '"input"'),
      exit: 2,
      says: /wrong\.json:\d+/,
    },
  ];
  for (const { title, text, exit, says } of wrong) {
    it(`${title} is an error that says file, line, field and remedy, and leaves nothing behind`, async () => {
      const before = await home.pfs('list-repo', '--all', '--raw');
      const { code, stderr } = await home.refused(text(), 'wrong.json');
      assert.equal(code, exit, stderr);
      assert.match(stderr, says);
      assert.equal(await home.pfs('list-repo', '--all', '--raw'), before);
      assert.equal((await home.run(['inspect-pipeline', 'never'])).code, 3);
    });
  }

  it('a commit causes one job and one output commit in every pipeline downstream, under its id', async () => {
    await home.repo('source', { a: '1' });
    await home.create(
      { name: 'left', input: 'source', sh: 'sed s/^/l/ $source > /pfs/out/left' },
      { name: 'right', input: 'source', sh: 'sed s/^/r/ $source > /pfs/out/right' },
      {
        name: 'joined',
        input: { cross: ['left', 'right'].map((repo) => ({ pfs: { repo, glob: '/' } })) },
        sh: 'cat /pfs/left/left /pfs/right/right > /pfs/out/both',
      },
    );
    await home.done('joined');
    const { id } = await home.commit('source');
    await home.pfs('put-file', 'source@master:/a', '-f', home.file('2'));
    const newer = await home.commit('source');
    assert.notEqual(newer.id, id);
    await home.pfs('wait', 'commit', newer.id);
    const set = (await home.raw('list-commit', newer.id)) as unknown as Commit[];
    assert.deepEqual(set.map(({ repo }) => repo.name).sort(), [
      'joined',
      'left',
      'right',
      'source',
    ]);
    const jobs = (await home.raw('list-job', newer.id)) as unknown as Job[];
    assert.deepEqual(jobs.map(({ pipeline, state }) => `${pipeline} ${state}`).sort(), [
      'joined success',
      'left success',
      'right success',
    ]);
    assert.equal(await home.read('joined@master:/both'), 'l2r2');
  });

  it('an update keeps results, and --reprocess makes them anew', async () => {
    const spec = { name: 'left', input: 'source', sh: 'sed s/^/L/ $source > /pfs/out/left' };
    const put = await home.run(['update-pipeline', '-f', home.file(home.spec(spec))]);
    assert.equal(put.code, 0, put.stderr);
    const kept = await home.done('left');
    assert.deepEqual([kept.version, kept.datums.skipped, kept.datums.processed], [2, 1, 0]);
    assert.equal(await home.read('left@master:/left'), 'l2');
    await home.update(spec, '--reprocess');
    const anew = await home.done('left');
    assert.deepEqual([anew.version, anew.datums.processed], [3, 1]);
    assert.equal(await home.read('left@master:/left'), 'L2');
    await home.done('joined');
    assert.equal(await home.read('joined@master:/both'), 'L2r2');
    const old = await home.inspect<Pipeline>('inspect-pipeline', 'left', '--version', '1');
    assert.match(JSON.stringify(old.spec), /s\/\^\/l\//);
  });

  it('a stopped pipeline makes nothing, and starting it is one job on the current heads', async () => {
    await home.repo('inbox', { a: '1' });
    await home.create({ name: 'sorted', input: 'inbox', sh: 'cp $inbox /pfs/out' });
    const first = await home.done('sorted');
    await home.pfs('stop-pipeline', 'sorted');
    assert.equal((await home.inspect<Pipeline>('inspect-pipeline', 'sorted')).state, 'paused');
    await home.put('inbox', { b: '1' });
    await home.put('inbox', { c: '1' });
    assert.equal((await home.commit('sorted')).id, first.id);
    await home.pfs('start-pipeline', 'sorted');
    const job = await home.done('sorted');
    assert.deepEqual([job.datums.processed, job.datums.skipped], [2, 1]);
    const jobs = await home.raw('list-job', '-p', 'sorted');
    assert.equal(jobs.length, 2);
  });

  it('a stopped job is killed, and the next goes on', async () => {
    await home.repo('queue', { slow: '60' });
    await home.create({ name: 'sleeper', input: 'queue', sh: 'sleep $(cat $queue)' });
    const { id } = await home.commit('sleeper');
    await home.put('queue', { fast: '0' });
    await home.pfs('delete-file', 'queue@master:/slow');
    await home.pfs('stop-job', `sleeper@${id}`);
    const killed = await home.inspect<Job>('inspect-job', `sleeper@${id}`);
    assert.equal(killed.state, 'killed');
    const middle = (await home.raw('list-job', '-p', 'sleeper')) as unknown as Job[];
    await home.pfs('stop-job', `sleeper@${middle[1]?.id}`);
    assert.equal((await home.done('sleeper')).state, 'success');
    assert.equal((await home.run(['stop-job', `sleeper@${id}`])).code, 4);
  });

  it('a pipeline that others read is deleted only by force', async () => {
    const refused = await home.run(['delete-pipeline', 'left']);
    assert.deepEqual([refused.code, /joined.*--force/.test(refused.stderr)], [4, true]);
    await home.pfs('delete-pipeline', 'left', '--force');
    await home.pfs('delete-pipeline', 'right', '--keep-repo', '--force');
    assert.equal(await home.read('right@master:/right'), 'r2');
    assert.equal((await home.run(['inspect-repo', 'left'])).code, 3);
    await home.put('right', { mine: 'now a plain repo' });
  });

  it('files over a mebibyte come in and go out, and a datum may be a directory', async () => {
    await home.repo('big');
    const bytes = 'x'.repeat(3_000_000);
    await home.pfs('put-file', 'big@master:/d/large', '-f', home.file(bytes, 'large'));
    await home.create({
      name: 'twice',
      input: 'big',
      sh: 'cat $big/large $big/large > /pfs/out/two',
    });
    const job = await home.done('twice');
    assert.equal(job.state, 'success', job.reason);
    await home.pfs('get-file', 'twice@master:/two', '-o', home.path('two'));
    assert.equal(
      (await home.inspect<{ size: number }>('inspect-file', 'twice@master:/two')).size,
      6_000_000,
    );
  });

  it('a symlink to an input is stored as what it points at, one that leaves /pfs fails the datum', async () => {
    await home.repo('files', { a: 'content' });
    await home.create(
      { name: 'links', input: 'files', sh: 'ln -s $files /pfs/out/link' },
      { name: 'escapes', input: 'files', sh: 'ln -s /etc/passwd /pfs/out/link', datum_tries: 1 },
    );
    assert.equal((await home.done('links')).state, 'success');
    assert.equal(await home.read('links@master:/link'), 'content');
    const job = await home.done('escapes');
    assert.deepEqual([job.state, /link/.test(job.reason)], ['failure', true]);
  });

  it('an image without a shell runs its entrypoint', async () => {
    const scratch = images.skip === undefined ? images.scratch : '';
    const transform = { image: scratch, cmd: ['/busybox', 'cp', '/pfs/files/a', '/pfs/out/copy'] };
    await home.create({ name: 'bare', input: 'files', transform });
    const job = await home.done('bare');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('bare@master:/copy'), 'content');
  });
});
