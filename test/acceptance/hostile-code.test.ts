// What a container can do to us: one table of user code that misbehaves, run datum by datum in one warm worker, each
// followed by a datum that looks for what the one before has left.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Datum, Job } from '../../engine/server/wire.ts';
import { dashImage } from '../support/docker.ts';
import { CASES, type Case, ENDLESS, LOOK } from '../support/hostile-cases.ts';
import { lacking } from '../support/leave-out.ts';
import { dockerLines, images, PipelineHome, workersOf } from './pipeline-home.ts';

const image = await dashImage();
const skip =
  images.skip ?? (image === undefined ? lacking('no image with dash and Python is here') : false);

describe('user code that misbehaves', { skip }, () => {
  const home = new PipelineHome();
  const innocents: Promise<Job>[] = [];
  before(async () => {
    for (const [pipeline, cases] of [
      ['hostile', CASES],
      ['endless', ENDLESS],
    ] as const) {
      const folder = home.path(pipeline);
      mkdirSync(folder);
      for (const [index, { name, sh }] of cases.entries()) {
        const file = join(folder, `${String(index).padStart(2, '0')}-${name}`);
        writeFileSync(file, `${sh}\n`);
        writeFileSync(`${file}.then`, LOOK);
      }
      await home.pfs('create-repo', pipeline === 'hostile' ? 'code' : 'code-endless');
      await home.pfs(
        'put-file',
        `${pipeline === 'hostile' ? 'code' : 'code-endless'}@master:/`,
        '-r',
        '-f',
        folder,
      );
    }
    writeFileSync(home.path('secret'), 'of the host');
    chmodSync(home.path('secret'), 0o600);
  });
  after(async () => {
    await home.close();
  });

  /** Runs a table in a pipeline of its own; then again without what fails, and checks every outcome. */
  async function check(
    pipeline: string,
    repo: string,
    table: readonly Case[],
    timeout: string,
  ): Promise<void> {
    await home.create({
      name: pipeline,
      input: { pfs: { name: 'code', repo, glob: '/*' } },
      transform: { image, cmd: ['sh', '-c', 'exec sh "$code"'] },
      datum_tries: 1,
      datum_timeout: timeout,
      resource_limits: { memory: '2Gi' },
    });
    const job = await home.done(pipeline);
    assert.equal(job.state, 'failure', job.reason);
    const datums = (await home.raw('list-datum', `${pipeline}@${job.id}`)) as unknown as Datum[];
    const byName = new Map(
      datums.map((datum) => [datum.inputs[0]?.path.replace(/^\/\d+-/, '') ?? '', datum]),
    );
    const problems: string[] = [];
    const expect = (ok: boolean, text: string) => ok || problems.push(text);
    const failed: string[] = [];
    for (const { name, fails } of table) {
      const [own, then] = [byName.get(name), byName.get(`${name}.then`)];
      assert.ok(own && then, name);
      if (fails) {
        expect(
          own.state === 'failed' && fails.test(own.reason),
          `${name}: ${own.state}, ${own.reason}`,
        );
      } else {
        expect(own.state === 'success', `${name}: ${own.state}, ${own.reason}`);
      }
      expect(then.state === 'success', `after ${name}: ${then.state}, ${then.reason}`);
      failed.push(
        ...[own, then]
          .filter(({ state }) => state === 'failed')
          .map((d) => d.inputs[0]?.path ?? ''),
      );
    }
    await home.pfs('start-commit', repo, 'master');
    for (const path of failed) {
      await home.pfs('delete-file', `${repo}@master:${path}`);
    }
    // What two datums write under one name would be a conflict, and is looked at one by one.
    await home.pfs('finish-commit', repo, 'master');
    const paths = await home.list(`${pipeline}.meta`);
    for (const { name, writes } of table.filter((each) => each.fails === undefined)) {
      const hash = byName.get(name)?.hash ?? '';
      const under = `/${hash.slice(0, 2)}/${hash}/out`;
      for (const [path, text] of Object.entries(writes ?? {})) {
        if (!paths.includes(`${under}/${path}`)) {
          problems.push(`${name}: wrote no ${path}`);
          continue;
        }
        const found = await home.read(`${pipeline}.meta@master:${under}/${path}`);
        const isRight = typeof text === 'string' ? found === text : text.test(found);
        expect(isRight, `${name}: ${path} is ${JSON.stringify(found)}`);
      }
    }
    for (const { name } of table) {
      const then = byName.get(`${name}.then`);
      if (then?.state === 'success') {
        const under = `/${then.hash.slice(0, 2)}/${then.hash}/out/look`;
        const file = paths.find((path) => path.startsWith(`${under}/`)) ?? '';
        const found = await home.read(`${pipeline}.meta@master:${file}`);
        expect(found.trim() === 'files:; processes:; inputs: code out', `after ${name}: ${found}`);
      }
    }
    assert.deepEqual(problems, []);
  }

  it('fails with a clear reason or works, and leaves nothing to the next datum', async () => {
    await home.repo('calm', { a: 'x', b: 'y' });
    await home.create({ name: 'innocent', input: 'calm', sh: 'cp $calm /pfs/out' });
    await check('hostile', 'code', CASES, '120s');
    innocents.push(home.done('innocent'));
  });

  it('is ended when its time is up, whatever it does', async () => {
    await check('endless', 'code-endless', ENDLESS, '8s');
    const size = Buffer.byteLength(await home.pfs('logs', '--pipeline', 'endless'));
    assert.ok(size < 200e6, `the logs are ${size} bytes`);
  });

  it('leaves engine, host, store and other pipelines as they were', async () => {
    for (const innocent of innocents) {
      assert.equal((await innocent).state, 'success');
    }
    assert.equal(await home.read('innocent@master:/a'), 'x');
    assert.equal(readFileSync(home.path('secret'), 'utf8'), 'of the host');
    await home.pfs('fsck');
    await home.pfs('delete-pipeline', 'hostile');
    await home.pfs('delete-pipeline', 'endless');
    assert.deepEqual([...workersOf('hostile'), ...workersOf('endless')], []);
  });

  it('reaches a network only where its pipeline has one', async () => {
    const sh =
      'cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d " " | sort | tr "\\n" " " >/pfs/out/devices';
    await home.create(
      { name: 'connected', input: 'calm', glob: '/', sh },
      { name: 'alone', input: 'calm', glob: '/', sh, transform: { network: 'none' } },
    );
    assert.equal((await home.done('connected')).state, 'success');
    assert.match(await home.read('connected@master:/devices'), /eth0/);
    assert.equal((await home.done('alone')).state, 'success');
    assert.doesNotMatch(await home.read('alone@master:/devices'), /eth/);
    const [id = ''] = workersOf('alone');
    assert.deepEqual(dockerLines('inspect', '--format', '{{.HostConfig.NetworkMode}}', id), [
      'none',
    ]);
  });
});
