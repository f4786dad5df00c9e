import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Datum } from '../../engine/server/wire.ts';
import { checkout, containersOf, runProgram } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { images, PipelineHome } from './pipeline-home.ts';

describe('working on one datum by hand', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome({ PFS_COMPACT: '0', PFS_COLLECT_EVERY_MS: '0' });
  after(() => home.close());

  const state = async () => ({
    sequence: (await home.inspect<{ sequence: number }>('engine', 'status')).sequence,
    repos: (await home.raw('list-repo', '--all')).length,
  });
  let datum = '';

  it('debug datum runs a command where the datum ran, and records nothing', async () => {
    await home.repo('words', { a: 'alpha', b: 'beta' });
    await home.create({
      name: 'shout',
      input: 'words',
      sh: 'tr a-z A-Z < $words > /pfs/out/$(basename $words)',
      transform: { env: { TONE: "it's loud" }, user: '1234', working_dir: '/usr/bin' },
      resource_limits: { memory: '64Mi' },
    });
    const job = await home.done('shout');
    assert.equal(job.state, 'success', job.reason);
    const datums = (await home.raw('list-datum', 'shout')) as unknown as Datum[];
    datum = String(datums.find(({ inputs }) => inputs[0]?.path === '/b')?.id).slice(0, 12);
    const before = await state();
    const sh = [
      'echo "$TONE|$(id -u)|$(pwd)|$words|$PFS_DATUM_ID|$PFS_JOB_ID"; cat $words; echo; ls -A /pfs /pfs/out',
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null',
      'echo x >/pfs/words/b; echo gone >/pfs/out/gone; echo aside >&2; cat; exit 7',
    ].join('\n');
    const end = await home.run(['debug', 'datum', 'shout@master', datum, '--', 'sh', '-c', sh], {
      input: 'from the pipe\n',
    });
    assert.equal(end.code, 7, end.stderr);
    const lines = end.stdout.split('\n');
    const [first = ''] = lines;
    assert.match(
      first,
      new RegExp(`^it's loud\\|1234\\|/usr/bin\\|/pfs/words/b\\|${datum}\\w+\\|${job.id}$`),
    );
    assert.deepEqual(lines.slice(1, 2), ['beta']);
    assert.ok(lines.includes('67108864'), 'the limit of the spec');
    assert.ok(lines.includes('from the pipe'), 'standard input');
    assert.match(end.stderr, /Read-only file system/);
    assert.match(end.stderr, /^aside$/m);
    assert.deepEqual(await state(), before);
    const piped = await home.run(['debug-datum', 'shout', datum], { input: 'echo $((6 * 7))\n' });
    assert.deepEqual([piped.code, piped.stdout], [0, '42\n']);
    const none = await home.run(['debug-datum', 'shout', 'ffff', '--', 'true']);
    assert.match(none.stderr, /^Cannot find datum "ffff"/);
  });

  it('debug datum gives a terminal where there is one, and ends with it', async () => {
    const line = `'${process.execPath}' '${join(checkout, 'bin/pfs')}' debug datum shout ${datum}`;
    const shell = await runProgram(
      'script',
      ['--quiet', '--return', '--command', `stty rows 31 cols 97; ${line}`, '/dev/null'],
      {
        env: { ...home.environment, TERM: 'xterm' },
        input: 'test -t 0 && test -t 1 && echo on $TERM; stty size; cat $words; exit 5\n',
        timeoutMs: 60_000,
      },
    );
    assert.match(shell.stdout, /Its command is: sh -c/);
    assert.match(shell.stdout, /on xterm\r\n31 97\r\nbeta/);
    assert.equal(shell.code, 5, shell.stdout);
  });

  it('debug datum leaves nothing behind when the command line or the engine is killed', async () => {
    const start = async () => {
      const child = spawn(
        process.execPath,
        [
          join(checkout, 'bin/pfs'),
          'debug',
          'datum',
          'shout',
          datum,
          '--',
          'sh',
          '-c',
          'echo up; sleep 1000',
        ],
        { env: { ...process.env, ...home.environment }, stdio: ['pipe', 'pipe', 'ignore'] },
      );
      await once(child.stdout, 'data');
      return child;
    };
    const scratch = home.path('home/scratch');
    const bench = () =>
      ['workers', 'bench'].flatMap((name) => {
        try {
          return readdirSync(join(scratch, name)).filter((one) => !/-\d+-\d+$/.test(one));
        } catch {
          return [];
        }
      });
    const running = async () =>
      (await runProgram('docker', ['ps', '-q', '--filter', 'name=shout-v1-bench'])).stdout.trim();
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      const child = await start();
      assert.notEqual(await running(), '');
      child.kill(signal);
      await once(child, 'close');
      await eventually(
        `nothing is left after ${signal}`,
        async () => (await running()) === '' && bench().length === 0,
      );
    }
    const child = await start();
    const { pid } = await home.inspect<{ pid: number }>('engine', 'status');
    process.kill(pid, 'SIGKILL');
    await once(child, 'close');
    await eventually('the container ends', async () => (await running()) === '');
    await home.pfs('list-repo');
    await eventually('its directory is removed', () => bench().length === 0);
    assert.equal(containersOf(home.folder).length, 0);
  });

  it('run-local runs a datum of a new spec on real data, with the code of a folder, and records nothing', async () => {
    const code = home.path('code');
    mkdirSync(join(code, '.git'), { recursive: true });
    writeFileSync(join(code, '.git', 'large'), 'not sent');
    writeFileSync(join(code, 'main.sh'), 'echo "first draft on $words"; exit 3\n');
    const spec = home.file(
      home.spec({ name: 'draft', input: 'words', transform: { cmd: ['sh', '/code/main.sh'] } }),
      'draft.json',
    );
    const before = await state();
    const run = (...more: string[]) =>
      home.run(['run-local', spec, '-m', `${code}:/code`, ...more]);
    const failed = await run();
    assert.deepEqual([failed.code, failed.stdout], [3, 'first draft on /pfs/words/a\n']);
    assert.match(failed.stderr, /^Datum \w{12} \(words:\/a\) in /m);
    assert.match(failed.stderr, /It failed after .*exit(ed with)? code 3/);

    const better =
      'ls -A /code; rev $words > /pfs/out/r; mkdir /pfs/out/d; cp $words /pfs/out/d/c; chmod +x /pfs/out/d/c\n';
    writeFileSync(join(code, 'main.sh'), better);
    const out = home.path('out');
    const done = await run('--datum', '/b', '-o', out);
    assert.deepEqual([done.code, done.stdout], [0, 'main.sh\n'], done.stderr);
    assert.match(done.stderr, /It succeeded after .* and wrote 2 files, now in /);
    assert.equal(readFileSync(join(out, 'r'), 'utf8'), 'ateb');
    assert.equal(readFileSync(join(out, 'd/c'), 'utf8'), 'beta');
    const second = await run('--datum', '1');
    assert.match(second.stderr, /\/r \(4 B\)/);
    assert.deepEqual(await state(), before);
  });

  it('run-local says what is wrong with the spec, the datum or the mount', async () => {
    const spec = home.file(home.spec({ name: 'draft', input: 'words', sh: 'true' }));
    for (const [args, message] of [
      [[spec, '--datum', '9'], /^Cannot find a datum of "draft" number 9: it has 2, from 0/m],
      [[spec, '-m', '/nowhere:/code'], /Cannot mount "\/nowhere"/],
      [[spec, '-m', `${home.folder}:code`], /write <your folder>:<absolute path in the image>/],
      [[spec, '-m', `${home.path('code')}:/pfs/x`], /Cannot mount over "\/pfs\/x"/],
      [[home.file('{"pipeline": {}}')], /name/],
    ] as const) {
      const end = await home.run(['run-local', ...args]);
      assert.match(end.stderr, message);
      assert.notEqual(end.code, 0);
    }
    assert.deepEqual(readdirSync(home.path('home/scratch/bench')), []);
  });
});
