import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import type { Commit, Pipeline } from '../../engine/server/wire.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/hammer.ts';
import { dockerLines, images, PipelineHome, type ShellSpec, workersOf } from './pipeline-home.ts';

/** Makes batches from 1, or on from the marker, as fast as they are taken: each names the one before in `prior`. */
const COUNT = [
  'n=$(cat /pfs/at 2>/dev/null || echo 0)',
  'while :; do',
  '  n=$((n + 1))',
  '  mkdir /pfs/out/next',
  '  echo $n > /pfs/out/next/at',
  '  echo $n > /pfs/out/next/file-$n',
  '  echo half > /pfs/out/next/half; sleep 0.02; echo whole > /pfs/out/next/half',
  '  mv /pfs/out/next /pfs/out/$n.batch',
  '  while [ -e /pfs/out/$n.batch ]; do sleep 0.02; done',
  'done',
].join('\n');

function spout(name: string, more: Partial<ShellSpec> = {}): ShellSpec {
  return { name, input: {}, sh: COUNT, spout: { marker: 'at' }, ...more };
}

/** As {@link PipelineHome}, with specs that have no input. */
class SpoutHome extends PipelineHome {
  override spec(spec: ShellSpec): string {
    const { input, ...rest } = JSON.parse(super.spec(spec)) as Record<string, unknown>;
    return JSON.stringify(rest.spout ? rest : { input, ...rest });
  }
}

describe('spouts', { skip: images.skip ?? false, timeout: 300_000 }, () => {
  const home = new SpoutHome();
  after(() => home.close());
  const pipeline = (name: string) => home.inspect<Pipeline>('inspect-pipeline', name);
  const count = async (repo: string) => {
    const branch = await home.run(['list-file', `${repo}@master`, '--raw']);
    return branch.code === 0 ? branch.stdout.split('file-').length - 1 : 0;
  };

  /** Fails unless the commits of a counting spout are the numbers from 1, each once, whole and in order. */
  async function checkCounted(repo: string): Promise<number> {
    const commits = (await home.raw('list-commit', repo)) as unknown as Commit[];
    const oldestFirst = [...commits].reverse();
    for (const [index, { id }] of oldestFirst.entries()) {
      const files = await home.raw('list-file', `${repo}@${id}`);
      const names = files.map(({ path }) => String(path)).filter((path) => path !== '/half');
      assert.equal(names.length, index + 1, `commit ${index + 1} adds one file`);
      assert.ok(names.includes(`/file-${index + 1}`), `commit ${index + 1} is number ${index + 1}`);
    }
    assert.equal(await home.read(`${repo}@master:/half`), 'whole\n');
    return commits.length;
  }

  it('each batch is one commit, read by what is downstream, and the marker is no output', async () => {
    await home.create(
      spout('ticks', {
        sh: `echo begun at $(cat /pfs/at); ${COUNT.replace('n=$((n', 'sleep 0.5; n=$((n')}`,
      }),
    );
    await eventually('there are commits', async () => (await count('ticks')) >= 2);
    const down = {
      name: 'sums',
      input: 'ticks',
      glob: '/',
      sh: 'cat /pfs/ticks/file-* > /pfs/out/all',
    };
    await home.create(down as ShellSpec);
    // It may fall behind what a spout makes all the time.
    await eventually('downstream follows', async () => {
      const sums = (await home.raw('list-commit', 'sums')) as unknown as Commit[];
      const made = sums.find(({ state, size }) => state === 'finished' && size > 0);
      return made !== undefined && (await home.read(`sums@${made.id}:/all`)).startsWith('1\n2\n');
    });
    const commit = await home.commit('ticks');
    assert.deepEqual([commit.origin, commit.pipeline?.name], ['auto', 'ticks']);
    assert.deepEqual(commit.provenance, [], 'it comes from its spec alone');
    assert.ok(!(await home.list('ticks')).includes('/at'));
    const refused = await home.run(['put-file', 'ticks@master:/mine', '-f', '-'], { input: '' });
    assert.match(refused.stderr, /pipeline "ticks" writes it/);
    await home.pfs('stop-pipeline', 'ticks');
    assert.deepEqual(workersOf('ticks'), []);
    const before = await checkCounted('ticks');
    await home.pfs('start-pipeline', 'ticks');
    await eventually('it goes on', async () => (await count('ticks')) > before);
    await checkCounted('ticks');
    assert.match(
      await home.pfs('logs', 'ticks'),
      new RegExp(`begun at\n[\\s\\S]*begun at ${before}\n`),
    );
    assert.match(await home.pfs('list-pipeline'), /ticks +1 +- .* running/);
    await home.pfs('delete-pipeline', 'sums');
    await home.pfs('delete-pipeline', 'ticks');
    assert.deepEqual(workersOf('ticks'), []);
  });

  it('killed engines and containers make no half batch, lose none and make none twice', async () => {
    await home.create(spout('hardy'));
    for (let round = 0; round < 4; round++) {
      const before = await count('hardy');
      await eventually('some batches come', async () => (await count('hardy')) > before + 2);
      if (round % 2 === 0) {
        dockerLines('kill', workersOf('hardy')[0] ?? '');
      } else {
        const { pid } = JSON.parse(readFileSync(home.path('home/engine.json'), 'utf8'));
        process.kill(pid, 'SIGKILL');
        await home.pfs('list-pipeline');
      }
    }
    await eventually('it runs again', async () => (await pipeline('hardy')).state === 'running');
    await home.pfs('stop-pipeline', 'hardy');
    assert.ok((await checkCounted('hardy')) > 8);
    const { host } = await pipeline('hardy');
    assert.ok((host?.restarts ?? 0) >= 2);
    assert.match(host?.lastRestart?.reason ?? '', /the command ended: exit code 137/);
  });

  it('what cannot be stored is refused as a whole, and the state says why', async () => {
    const sh =
      'mkdir /pfs/out/x; mkfifo /pfs/out/x/pipe; mv /pfs/out/x /pfs/out/x.batch; sleep 1000';
    await home.create(spout('wrong', { sh, spout: {} }));
    await eventually('it is crashing', async () => (await pipeline('wrong')).state === 'crashing');
    assert.match((await pipeline('wrong')).reason, /a batch was refused: .*pipe/);
    await home.update(spout('wrong', { sh: 'echo x > /pfs/out/y.batch; sleep 1000', spout: {} }));
    await eventually('it says so', async () =>
      /is no directory/.test((await pipeline('wrong')).reason),
    );
    await home.update(spout('wrong', { sh: 'echo x > /pfs/out/loose; exit 4', spout: {} }));
    await eventually('it says so', async () =>
      /exit code 4/.test((await pipeline('wrong')).reason),
    );
    await eventually('the log says what was dropped', async () =>
      /dropped from \/pfs\/out what was no batch .*: loose/.test(await home.pfs('logs', 'wrong')),
    );
    assert.equal(await count('wrong'), 0);
  });

  it('a spout with a port takes what it commits from requests', async () => {
    const got = [
      'mkdir -p /tmp/www/cgi-bin',
      `printf '#!/bin/sh\\nmkdir /pfs/out/$QUERY_STRING; touch /pfs/out/$QUERY_STRING/file-$QUERY_STRING\\nmv /pfs/out/$QUERY_STRING /pfs/out/$QUERY_STRING.batch\\necho Content-type: text/plain\\necho\\necho taken\\n' > /tmp/www/cgi-bin/put`,
      'chmod +x /tmp/www/cgi-bin/put',
      'exec httpd -f -p 80 -h /tmp/www',
    ].join('\n');
    await home.create(spout('door', { sh: got, spout: { service: { internal_port: 80 } } }));
    await eventually(
      'it is reached',
      async () => (await pipeline('door')).host?.readySince != null,
    );
    const { host } = await pipeline('door');
    const url = `http://127.0.0.1:${host?.address?.port}/cgi-bin/put`;
    assert.equal((await ask(`${url}?one`)).text.trim(), 'taken');
    assert.equal((await ask(`${url}?two`)).text.trim(), 'taken');
    await eventually('both are committed', async () => (await count('door')) === 2);
    assert.match(await home.pfs('list-pipeline'), /door .*at 127\.0\.0\.1:\d+/);
    const rerun = await home.run(['rerun-pipeline', 'door']);
    assert.match(rerun.stderr, /a spout has no jobs/);
  });
});
