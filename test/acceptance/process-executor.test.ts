import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Commit, Datum } from '../../engine/server/wire.ts';
import { CliHome, checkout } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { withoutNamespaces } from '../support/leave-out.ts';
import { PipelineHome } from './pipeline-home.ts';

/** Nobody else on this machine sleeps for so long. */
const [OUTLIVING, STUCK] = [String(100_000 + process.pid), String(200_000 + process.pid)];

describe('pipelines without Docker', { skip: withoutNamespaces() }, () => {
  // A Docker that is not there: nothing may ask for it.
  const home = new PipelineHome({ DOCKER_HOST: 'unix:///nowhere.sock' });
  before(async () => {
    const started = await home.run(['engine', 'start', '--executor', 'process']);
    assert.equal(started.code, 0, started.stderr);
    assert.match(started.stderr, /Commands run as processes of this machine/);
    assert.match(started.stderr, /Images are ignored/);
  });
  after(() => home.close());

  it('engine start --executor process runs a pipeline with the host’s programs; provenance says so', async () => {
    await home.repo('words', { a: 'alpha', b: 'beta' });
    const sh = 'test "$(id -u)" = 0 && rev $words > /pfs/out/$(basename $words); pwd; echo $words';
    const file = home.file(
      home.spec({ name: 'turn', input: 'words', sh, transform: { image: 'no/such:image' } }),
    );
    const created = await home.run(['create-pipeline', '-f', file]);
    assert.match(created.stderr, /image "no\/such:image" is ignored/);
    const job = await home.done('turn');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('turn@master:/b'), 'ateb');
    assert.match(await home.pfs('logs', 'turn'), /^pfs: image "no\/such:image" is ignored/);
    const commit = await home.inspect<Commit>('inspect-commit', 'turn@master');
    assert.deepEqual(commit.image, { reference: 'no/such:image', digest: 'host:image-ignored' });
    assert.match(
      await home.pfs('provenance', 'turn@master:/b'),
      /image no\/such:image host:image-ignored/,
    );
    await home.put('words', { b: 'gamma' });
    const second = await home.done('turn');
    assert.deepEqual([second.datums.processed, second.datums.skipped], [1, 1]);
  });

  it('user code sees its inputs and the host read-only, its processes alone, and nothing of the engine', async () => {
    const mark = join(homedir(), '.pfs-process-executor-test');
    const sh = [
      'cd /pfs/out; ls -A /pfs >seen; (echo x >$words) 2>>seen; (echo x >/usr/x) 2>>seen',
      `(echo x >${mark}) 2>>seen; ls -A ${home.path('home')} >>seen 2>&1; env >env`,
      'ls -d /proc/[0-9]* | wc -l >processes',
      `(setsid sleep ${OUTLIVING} &) ; sleep ${OUTLIVING} & true`,
    ].join('\n');
    await home.create({ name: 'look', input: 'words', glob: '/a', sh });
    const job = await home.done('look');
    assert.equal(job.state, 'success', job.reason);
    const seen = await home.read('look@master:/seen');
    assert.match(seen, /^out\nwords\n/);
    assert.equal(seen.match(/Read-only file system/g)?.length, 2, seen);
    assert.equal(existsSync(mark), false, 'what is written at home is seen by the worker alone');
    assert.doesNotMatch(seen, /token|engine\.json/);
    assert.doesNotMatch(await home.read('look@master:/env'), /^(PFS_HOME|DOCKER_HOST)=/m);
    assert.ok(Number(await home.read('look@master:/processes')) < 8, 'its own processes alone');
    assert.equal(sleepers(OUTLIVING), 0, 'nothing outlives the datum');
  });

  it('a time-out, a failure and debug datum are as with Docker', async () => {
    const sh = 'echo begun; trap "" TERM; sleep 1000';
    await home.create({
      name: 'slow',
      input: 'words',
      glob: '/a',
      sh,
      datum_timeout: '500ms',
      datum_tries: 1,
    });
    const job = await home.done('slow');
    assert.deepEqual([job.state, /time-out/.test(job.reason)], ['failure', true]);
    const [datum] = (await home.raw('list-datum', 'slow')) as unknown as Datum[];
    const end = await home.run([
      'debug-datum',
      'slow',
      String(datum?.id),
      '--',
      'sh',
      '-c',
      'cat $words; exit 4',
    ]);
    assert.deepEqual([end.code, end.stdout], [4, 'alpha'], end.stderr);
    const local = await home.run([
      'run-local',
      home.file(home.spec({ name: 'draft', input: 'words', sh: 'cat $words; ls /code' })),
      '-m',
      `${join(checkout, 'pipelines/iris')}:/code`,
    ]);
    assert.match(local.stdout, /^alpha.*model\.json/s, local.stderr);
  });

  it('an engine that is killed leaves no process once the next has started', async () => {
    await home.create({ name: 'stuck', input: 'words', glob: '/a', sh: `echo up; sleep ${STUCK}` });
    for await (const line of home.lines('logs', 'stuck', '-f')) {
      if (line === 'up') {
        break;
      }
    }
    const { pid } = await home.inspect<{ pid: number }>('engine', 'status');
    process.kill(pid, 'SIGKILL');
    await home.pfs('stop-pipeline', 'stuck').catch(() => undefined);
    assert.equal((await home.run(['engine', 'stop'])).code, 0);
    await home.pfs('engine', 'start', '--executor', 'process');
    await home.pfs('stop-pipeline', 'stuck');
    await eventually('nothing of it runs', () => sleepers(STUCK) === 0);
    const wrong = await home.run(['engine', 'start', '--executor', 'docker']);
    assert.match(wrong.stderr, /it runs already, with process/);
  });
});

it('where the kernel allows no namespaces, engine start says so, and what to do', async () => {
  const home = new CliHome();
  try {
    const bin = home.path('bin');
    mkdirSync(bin);
    const refusal =
      '#!/bin/sh\necho "unshare: unshare failed: Operation not permitted" >&2; exit 1\n';
    writeFileSync(join(bin, 'unshare'), refusal, { mode: 0o755 });
    const started = await home.run(['engine', 'start', '--executor', 'process'], {
      env: { PATH: `${bin}:${process.env.PATH}` },
    });
    assert.equal(started.code, 5);
    assert.match(
      started.stderr,
      /Cannot run commands as processes of this machine: .*not permitted; the kernel must allow user namespaces: .*sysctl.*or use Docker/,
    );
    const wrong = await home.run(['engine', 'start', '--executor', 'podman']);
    assert.match(wrong.stderr, /There is no executor "podman"/);
  } finally {
    rmSync(home.folder, { recursive: true, force: true });
  }
});

/** Counts the processes of this machine that sleep for so long. */
function sleepers(time: string): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${time}\0`
      );
    } catch {
      return false;
    }
  }).length;
}
