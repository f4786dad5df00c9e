import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Commit } from '../../engine/server/wire.ts';
import type { Lineage } from '../../engine/server/wire-lineage.ts';
import { image, images, PipelineHome } from './pipeline-home.ts';

describe('provenance', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());
  let input = '';
  before(async () => {
    await home.repo('training', { 'a.csv': '1', 'b.csv': '2' });
    await home.create(
      {
        name: 'clean',
        input: 'training',
        sh: 'sed s/^/c/ $training > /pfs/out/$(basename $training)',
      },
      { name: 'model', input: 'clean', glob: '/', sh: 'cat /pfs/clean/* > /pfs/out/model.pkl' },
    );
    input = (await home.commit('training')).id;
    assert.equal((await home.done('model')).state, 'success');
  });

  it('inspect-commit shows direct provenance, pipeline version and image digest', async () => {
    const commit = await home.commit('model');
    assert.deepEqual(commit.pipeline, { project: 'default', name: 'model', version: 1 });
    assert.equal(commit.image?.reference, image);
    assert.match(commit.image?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
    assert.ok(commit.provenance.some(({ repo }) => repo.name === 'clean'));
    const shown = await home.pfs('inspect-commit', 'model@master');
    assert.match(shown, /clean@master=[0-9a-f]{32}/);
    assert.match(shown, /model.*version 1|model@1|version\s+1/i);
    assert.ok(shown.includes(image) && /sha256:[0-9a-f]{7}/.test(shown), shown);
  });

  it('list-commit shows a commit set, with --all what belongs to pipelines', async () => {
    await home.put('training', { 'c.csv': '3' });
    input = (await home.commit('training')).id;
    await home.pfs('wait', 'commit', input);
    const names = async (...flags: string[]) =>
      ((await home.raw('list-commit', input, ...flags)) as unknown as Commit[])
        .map(({ repo }) => repo.name)
        .sort();
    assert.deepEqual(await names(), ['clean', 'model', 'training']);
    assert.deepEqual(await names('--all'), [
      'clean',
      'clean.meta',
      'model',
      'model.meta',
      'training',
    ]);
  });

  it('a file is traced through every datum, job, version and image to the commits of users', async () => {
    const drawn = await home.pfs('provenance', 'model@master:/model.pkl');
    const { id } = await home.commit('model');
    for (const part of [
      `model@master=${id}:/model.pkl`,
      `of job ${id}`,
      'model@1',
      'clean@1',
      image,
      `training@master=${input}`,
    ]) {
      assert.ok(drawn.includes(part), `${part} in\n${drawn}`);
    }
    const up = await home.inspect<Lineage>('provenance', 'model@master:/model.pkl');
    assert.equal(up.path, '/model.pkl');
    assert.equal(up.datums.length, 1);
    const [clean] = up.next;
    assert.equal(clean?.commit.repo.name, 'clean');
    assert.equal(clean?.datums.length, 3);
    assert.ok(clean?.datums.every(({ image: made }) => made?.digest.startsWith('sha256:')));
    assert.deepEqual(
      clean?.next.map(({ commit }) => [commit.repo.name, commit.id, commit.origin]),
      [['training', input, 'user']],
    );
  });

  it('one file of many names only the datum that wrote it, and the job that really did', async () => {
    const up = await home.inspect<Lineage>('provenance', 'clean@master:/a.csv');
    assert.deepEqual(
      up.datums.map(({ inputs }) => inputs.map(({ path }) => path)),
      [['/a.csv']],
    );
    const [first] = (await home.raw('list-job', '-p', 'clean')).slice(-1);
    assert.equal(up.datums[0]?.job, first?.id, 'it was made by the first job and taken over since');
    assert.equal(up.next[0]?.path, '/a.csv');
  });

  it('an update shows in the provenance of what it made, and not of what it kept', async () => {
    const sh = 'sed s/^/C/ $training > /pfs/out/$(basename $training)';
    await home.update({ name: 'clean', input: 'training', sh });
    await home.put('training', { 'd.csv': '4' });
    await home.done('clean');
    const version = async (file: string) =>
      (await home.inspect<Lineage>('provenance', `clean@master:/${file}`)).datums.map(
        (datum) => datum.version,
      );
    assert.deepEqual([await version('a.csv'), await version('d.csv')], [[1], [2]]);
  });

  it('downstream shows what was made from a commit, a file and all after it', async () => {
    const drawn = await home.pfs('provenance', '--downstream', 'training@master');
    for (const part of ['training@master=', 'clean@master=', 'model@master=']) {
      assert.ok(drawn.includes(part), `${part} in\n${drawn}`);
    }
    const down = await home.inspect<Lineage>('provenance', '--downstream', 'training@master');
    assert.deepEqual(
      down.next.map(({ commit }) => commit.repo.name),
      ['clean'],
    );
    assert.deepEqual(
      down.next[0]?.next.map(({ commit }) => commit.repo.name),
      ['model'],
    );
    const file = await home.inspect<Lineage>(
      'provenance',
      '--downstream',
      'training@master:/d.csv',
    );
    assert.deepEqual(
      file.next[0]?.datums.map(({ inputs }) => inputs[0]?.path),
      ['/d.csv'],
    );
  });

  it('a file that is not there is an error', async () => {
    assert.equal((await home.run(['provenance', 'model@master:/none'])).code, 3);
  });
});
