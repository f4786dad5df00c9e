import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Job } from '../../engine/server/wire.ts';
import { containersOf } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { dockerLines, image, images, PipelineHome, workersOf } from './pipeline-home.ts';

const IDLE_MS = 1500;

/** Makes a datum wait until {@link release}: what tests look at then is there however slow the machine is. */
const WAIT = 'until [ -e /root/go ]; do sleep 0.05; done';

/**
 * Lets the datums of a pipeline's workers go on, those to come too: what is in a container's home stays there. Returns
 * whether all were reached; one that starts or ends just now is not.
 */
function release(pipeline: string): boolean {
  const containers = workersOf(pipeline);
  try {
    for (const container of containers) {
      dockerLines('exec', container, 'touch', '/root/go');
    }
  } catch {
    return false;
  }
  return containers.length > 0;
}

describe('workers of real containers', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome({ PFS_WORKER_IDLE_MS: String(IDLE_MS) });
  after(() => home.close());
  const scratch = () => {
    const workers = join(home.folder, 'home/scratch/workers');
    return existsSync(workers) ? readdirSync(workers) : [];
  };

  it('three workers are three labelled containers that share the datums, and stop when idle', async () => {
    const files = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`f${n}`, '']));
    await home.repo('nine', files);
    const sh = `hostname > /pfs/out/$(basename $nine); [ -s $nine ] || ${WAIT}`;
    await home.create({ name: 'three', input: 'nine', sh, parallelism_spec: { constant: 3 } });
    await eventually('three workers run', () => workersOf('three').length === 3);
    const { id } = await home.commit('three');
    // A container runs before its worker has got its first datum.
    await eventually('each of three workers has a datum', async () => {
      const { workers = [] } = await home.inspect<Job>('inspect-job', `three@${id}`);
      return (
        workers.length === 3 && workers.every((one) => one.datum !== null && one.since !== null)
      );
    });
    const labels = dockerLines(
      'inspect',
      '--format',
      '{{json .Config.Labels}}',
      ...workersOf('three'),
    );
    for (const line of labels) {
      const label = JSON.parse(line) as Record<string, string>;
      assert.deepEqual(
        [label['pfs.pipeline'], label['pfs.version'], label['pfs.project']],
        ['three', '1', 'default'],
      );
      assert.ok(label['pfs.instance'] && label['pfs.engine']);
    }
    await eventually('its datums go on', () => release('three'));
    const job = await home.done('three');
    assert.deepEqual([job.state, job.datums.processed, job.workers], ['success', 9, undefined]);
    const hosts = await Promise.all(
      Object.keys(files).map((name) => home.read(`three@master:/${name}`)),
    );
    assert.equal(new Set(hosts).size, 3);
    await eventually('idle workers are stopped', () => workersOf('three').length === 0);
    await home.put('nine', { more: 'waits for nothing' });
    assert.equal((await home.done('three')).state, 'success');
  });

  it('limits are those of the container, and a command that takes too much memory says so', async () => {
    await home.repo('one', { a: '' });
    const limits = { resource_limits: { memory: '32Mi', cpu: 0.5 } };
    const read =
      'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null';
    await home.create({
      name: 'small',
      input: 'one',
      sh: `${read} > /pfs/out/limit; ${WAIT}`,
      ...limits,
    });
    await eventually('its worker runs', () => workersOf('small').length === 1);
    const [container] = workersOf('small');
    const [asked] = dockerLines(
      'inspect',
      '--format',
      '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}',
      String(container),
    );
    assert.equal(asked, `${32 * 1024 * 1024} 500000000`);
    await eventually('its datum goes on', () => release('small'));
    assert.equal((await home.done('small')).state, 'success');
    assert.equal((await home.read('small@master:/limit')).trim(), String(32 * 1024 * 1024));
    const hungry = 'x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; while true; do x=$x$x; done';
    await home.create({ name: 'hungry', input: 'one', sh: hungry, datum_tries: 1, ...limits });
    const job = await home.done('hungry');
    assert.equal(job.state, 'failure');
    assert.match(job.reason, /memory/);
  });

  it('nothing is left of a deleted pipeline', async () => {
    await home.create({ name: 'gone', input: 'one', sh: 'sleep 30' });
    await eventually('its worker runs', () => workersOf('gone').length === 1);
    const before = scratch();
    await home.pfs('delete-pipeline', 'gone');
    assert.deepEqual(workersOf('gone'), []);
    assert.equal(scratch().length, before.length - 1);
    const repos = (await home.raw('list-repo', '--all')).map(({ name }) => String(name));
    assert.deepEqual(
      repos.filter((name) => name.startsWith('gone')),
      [],
    );
  });

  it('what a killed engine left is removed by the next, which finishes the job', async () => {
    await home.create({
      name: 'orphan',
      input: 'nine',
      sh: `basename $nine > /pfs/out/$(basename $nine); [ $nine != /pfs/nine/f8 ] || ${WAIT}`,
    });
    await eventually('its worker runs', () => workersOf('orphan').length === 1);
    const [container] = workersOf('orphan');
    const { pid } = JSON.parse(readFileSync(join(home.folder, 'home/engine.json'), 'utf8')) as {
      pid: number;
    };
    process.kill(pid, 'SIGKILL');
    const left = join(home.folder, 'home/scratch/workers/left-1-0');
    mkdirSync(join(left, 'pfs/data'), { recursive: true });
    const done = home.done('orphan');
    await eventually(
      'another worker goes on',
      () => workersOf('orphan').some((id) => id !== container) && release('orphan'),
    );
    const job = await done;
    assert.deepEqual([job.state, job.datums.processed + job.datums.skipped], ['success', 10]);
    assert.ok(!existsSync(left), 'directories of workers are removed, too');
    assert.ok(!containersOf(home.folder).includes(String(container)));
    assert.deepEqual(dockerLines('ps', '-aq', '--filter', `id=${container}`), []);
  });

  it('a missing image makes the pipeline crash with the reason, and it heals when the image is there', async () => {
    const tag = `pfs-test/late-${process.pid}:1`;
    await home.create({
      name: 'late',
      input: 'one',
      sh: 'true',
      transform: { image: tag, cmd: ['true'] },
    });
    await eventually(
      'it crashes',
      async () =>
        (await home.inspect<{ state: string }>('inspect-pipeline', 'late')).state === 'crashing',
    );
    const shown = await home.pfs('inspect-pipeline', 'late');
    assert.ok(shown.includes(tag), shown);
    dockerLines('tag', image, tag);
    try {
      assert.equal((await home.done('late')).state, 'success');
      assert.equal(
        (await home.inspect<{ state: string }>('inspect-pipeline', 'late')).state,
        'running',
      );
    } finally {
      dockerLines('rmi', tag);
    }
  });

  it('a user that the image does not have is a reason that names the field, and another one heals it', async () => {
    const stranger = { name: 'stranger', input: 'one', sh: 'id -u > /pfs/out/who' };
    await home.create({ ...stranger, transform: { user: 'nosuch' } });
    await eventually('it says why', async () => {
      const { reason } = await home.inspect<Job>('inspect-job', 'stranger');
      return /the image has no user "nosuch"; name one .* transform\.user/.test(reason);
    });
    await home.update({ ...stranger, transform: { user: '1000:1000' } });
    assert.equal((await home.done('stranger')).state, 'success');
    assert.equal(await home.read('stranger@master:/who'), '1000\n');
  });
});
