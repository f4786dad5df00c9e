// What every executor must do. A factory gives an executor and what it needs to know of the world around it.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Executor, ResourceLimits } from '../../engine/executor/executor.ts';
import { type Bench, run, sh, stillUsableOrGone } from '../support/worker-bench.ts';
import { checksAttaching } from './executor-attach.ts';
import { batchingChecks } from './executor-batching.ts';

const MiB = 1024 * 1024;

export interface ExecutorUnderTest {
  readonly executor: Executor;
  /** An image with the usual commands of a Unix system; any name where the executor has no images. */
  readonly image: string;
  /** What this executor does not promise, each for a reason. */
  readonly lacks?: {
    readonly memoryLimits?: string;
    readonly readOnlyInputs?: string;
    readonly batching?: string;
  };
  /** Called when all is done; fails where the executor left something behind. */
  readonly close: () => Promise<void>;
}

/** Runs the suite on the executor that `open` gives, or says why not. */
export function conformsToExecutor(
  name: string,
  open: () => Promise<ExecutorUnderTest | { skip: string }>,
): void {
  describe(`${name} conforms to Executor`, () => {
    let under: ExecutorUnderTest | undefined;
    let skip: string | undefined;
    let root = '';
    let count = 0;
    let shared: Bench;

    before(async () => {
      const opened = await open();
      if ('skip' in opened) {
        skip = opened.skip;
        return;
      }
      under = opened;
      root = await mkdtemp(join(tmpdir(), 'pfs-executor-'));
      shared = await start();
    });

    after(async () => {
      await under?.close();
      await rm(root, { recursive: true, force: true });
    });

    async function start(limits: ResourceLimits = {}): Promise<Bench> {
      assert.ok(under);
      count += 1;
      const input = join(root, `w${count}`, 'in');
      const output = join(root, `w${count}`, 'out');
      await mkdir(input, { recursive: true });
      const image = await under.executor.resolveImage(under.image);
      const labels = { 'pfs.test': 'conformance' };
      const spec = { image, labels, name: `test-${count}`, limits };
      const worker = await under.executor.startWorker({
        ...spec,
        inputDirectory: input,
        outputDirectory: output,
      });
      return { worker, input, output };
    }

    function check(
      title: string,
      fn: () => Promise<void>,
      lacks?: keyof NonNullable<ExecutorUnderTest['lacks']>,
    ): void {
      it(title, { timeout: 60_000 }, async (t) => {
        const reason = skip ?? (lacks && under?.lacks?.[lacks]);
        if (reason !== undefined) {
          t.skip(reason);
          return;
        }
        await fn();
      });
    }

    async function withWorker(
      limits: ResourceLimits,
      fn: (bench: Bench) => Promise<void>,
    ): Promise<void> {
      const bench = await start(limits);
      try {
        await fn(bench);
      } finally {
        await bench.worker.stop();
      }
    }

    check('run() gives exit codes as they are', async () => {
      for (const code of [0, 1, 2, 42, 126, 255]) {
        assert.deepEqual((await sh(shared, `exit ${code}`)).result, { kind: 'exited', code });
      }
      assert.deepEqual((await sh(shared, 'kill -15 $$')).result, { kind: 'exited', code: 143 });
    });

    check('run() of a program that is not there exits with 127', async () => {
      const { result, text } = await run(shared, { command: ['no-such-program'] });
      assert.deepEqual(result, { kind: 'exited', code: 127 });
      assert.match(text, /no-such-program/);
    });

    check('run() passes arguments and variables unchanged, whatever is in them', async () => {
      const odd = ['', ' ', "it's", '"', '$HOME', '\\', 'a\nb', 'ü€𝄞', '*', '-n', '`id`', 'x=y'];
      const env = Object.fromEntries(odd.map((value, index) => [`V-${index}.x`, value]));
      const { text } = await run(shared, { command: ['printf', '<%s>', ...odd] });
      assert.equal(text, odd.map((value) => `<${value}>`).join(''));
      const listed = await run(shared, { command: ['env'], env: { ...env, 'my-repo': '/pfs/a' } });
      assert.match(listed.text, /^my-repo=\/pfs\/a$/m);
      for (const [name, value] of Object.entries(env)) {
        assert.ok(`\n${listed.text}`.includes(`\n${name}=${value}\n`), name);
      }
    });

    check('run() lets a program name hold an equals sign', async () => {
      await sh(
        shared,
        'mkdir -p /made; printf "#!/bin/sh\\necho ran\\n" >/made/a=b; chmod +x /made/a=b',
      );
      assert.equal((await run(shared, { command: ['/made/a=b'] })).text, 'ran\n');
    });

    check('run() takes a megabyte of arguments and variables', async () => {
      const words = Array.from({ length: 100 }, (_, i) => `${i}-${'x'.repeat(5000)}`);
      const env = Object.fromEntries(words.map((word, i) => [`BIG_${i}`, word]));
      const { result, text } = await run(shared, {
        command: ['sh', '-c', 'echo $# "$BIG_99" | wc -c; echo "$@" | wc -c', 'sh', ...words],
        env,
      });
      assert.deepEqual(result, { kind: 'exited', code: 0 });
      assert.deepEqual(text.trim().split('\n').map(Number), [5008, words.join(' ').length + 1]);
    });

    check('run() refuses a variable name with an equals sign and stays usable', async () => {
      await assert.rejects(run(shared, { command: ['true'], env: { 'a=b': 'c' } }), {
        code: 'invalid',
      });
      assert.equal((await sh(shared, 'echo on')).text, 'on\n');
    });

    check('run() feeds standard input, and an empty one where none is given', async () => {
      assert.equal((await run(shared, { command: ['cat'], stdin: 'one\ntwo' })).text, 'one\ntwo');
      assert.equal((await run(shared, { command: ['cat'] })).text, '');
      const large = 'line of input\n'.repeat(100_000);
      const { text } = await run(shared, { command: ['wc', '-c'], stdin: large });
      assert.equal(Number(text), large.length);
    });

    check('run() works in the directory that is asked for', async () => {
      assert.equal(
        (await run(shared, { command: ['pwd'], workingDirectory: '/tmp' })).text,
        '/tmp\n',
      );
      const made = await run(shared, { command: ['pwd'], workingDirectory: '/new/place' });
      assert.equal(made.text, '/new/place\n');
    });

    check('run() gives both outputs in the order they were printed', async () => {
      const { text } = await sh(shared, 'for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done');
      assert.equal(text, 'o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n');
    });

    check(
      'run() gives binary output, and output without a last newline, byte by byte',
      async () => {
        const { bytes } = await sh(shared, 'printf "\\000\\001\\377\\n\\n"; printf "no newline"');
        assert.deepEqual(
          bytes,
          Buffer.concat([Buffer.from([0, 1, 255, 10, 10]), Buffer.from('no newline')]),
        );
      },
    );

    check('run() streams 100 MB without holding them, and waits for a slow reader', async () => {
      let received = 0;
      let peak = 0;
      let waiting = 0;
      const result = await shared.worker.run({
        command: ['sh', '-c', 'head -c 104857600 /dev/zero'],
        env: {},
        onOutput: async (chunk) => {
          waiting += 1;
          assert.equal(waiting, 1, 'the next chunk came before this one was taken');
          received += chunk.length;
          peak = Math.max(peak, process.memoryUsage.rss());
          await new Promise((resolve) => setImmediate(resolve));
          waiting -= 1;
        },
      });
      assert.deepEqual(result, { kind: 'exited', code: 0 });
      assert.equal(received, 100 * MiB);
      assert.ok(peak < 500 * MiB, `peak was ${Math.round(peak / MiB)} MiB`);
    });

    check('run() rejects with the error of the reader, and the worker stays usable', async () => {
      const failure = new Error('the log is full');
      const failing = shared.worker.run({
        command: ['sh', '-c', 'while :; do echo line; done'],
        env: {},
        onOutput: () => {
          throw failure;
        },
      });
      await assert.rejects(failing, failure);
      assert.equal((await sh(shared, 'echo on')).text, 'on\n');
    });

    check('run() ends a command at its time-out, even one that ignores signals', async () => {
      const script = 'trap "" TERM INT HUP; while :; do sleep 1; done';
      const { result } = await sh(shared, script, { timeoutMs: 200 });
      assert.deepEqual(result, { kind: 'timed_out' });
      assert.equal((await sh(shared, 'echo on')).text, 'on\n');
    });

    check('run() leaves nothing of what the command started', async () => {
      const script = '(setsid sh -c "while :; do sleep 0.01; done" &) ; sleep 1000 & echo started';
      assert.equal((await sh(shared, script)).text, 'started\n');
      const { text } = await sh(shared, 'cat /proc/[0-9]*/comm | grep -c ^sleep; true');
      assert.equal(text.trim(), '0');
    });

    check('run() survives a fork bomb', async () => {
      await withWorker({ memoryBytes: 512 * MiB }, async (bench) => {
        const script = 'f() { f | f & }; f; while :; do :; done';
        const { result } = await sh(bench, script, { timeoutMs: 500 });
        // A shell that can't fork may also end by itself.
        assert.ok(result.kind !== 'exited' || result.code !== 0, result.kind);
        await stillUsableOrGone(bench);
      });
    });

    for (const script of [
      'kill -9 -1',
      'kill -9 $PPID; kill -9 1; kill 1; kill -STOP 1; exit 3',
      'exec 0<&- 1>&- 2>&-; exit 3',
      'kill -9 $$',
    ]) {
      check(`run() of a command that does "${script}" returns`, async () => {
        const { result } = await sh(shared, script);
        assert.equal(result.kind, 'exited');
        assert.equal((await sh(shared, 'echo on')).text, 'on\n');
      });
    }

    check(
      'run() reports a command that was killed for memory as lost',
      async () => {
        await withWorker({ memoryBytes: 32 * MiB }, async (bench) => {
          const { result } = await sh(bench, 'x=aaaaaaaa; while :; do x=$x$x; done');
          assert.equal(result.kind, 'lost');
          assert.ok(result.kind === 'lost' && result.outOfMemory);
          assert.match(result.reason, /memory.*32 MiB/);
          await assert.rejects(sh(bench, 'true'), { code: 'unavailable' });
        });
      },
      'memoryLimits',
    );

    check(
      'run() refuses writes to inputs',
      async () => {
        await mkdir(join(shared.input, 'repo'), { recursive: true });
        await writeFile(join(shared.input, 'repo', 'a'), 'data');
        const { result, text } = await sh(shared, 'cat /pfs/repo/a; echo x >/pfs/repo/a');
        assert.ok(result.kind === 'exited' && result.code !== 0);
        assert.match(text, /^data/);
        assert.ok((await sh(shared, 'chmod 777 /pfs/repo/a')).result.kind === 'exited');
        assert.equal(await readFile(join(shared.input, 'repo', 'a'), 'utf8'), 'data');
        await rm(join(shared.input, 'repo'), { recursive: true });
      },
      'readOnlyInputs',
    );

    check('run() sees inputs that were changed between commands', async () => {
      for (const content of ['first', 'second']) {
        await mkdir(join(shared.input, 'repo'), { recursive: true });
        await writeFile(join(shared.input, 'repo', content), content);
        assert.equal(
          (await sh(shared, 'ls /pfs/repo; cat /pfs/repo/*')).text,
          `${content}\n${content}`,
        );
        await rm(join(shared.input, 'repo'), { recursive: true });
      }
      assert.equal((await sh(shared, 'ls -A /pfs')).text, 'out\n');
    });

    check('run() finds /pfs/out and the temporary directories empty', async () => {
      const files = '/pfs/out/.hidden /pfs/out/a /tmp/b /tmp/..c /var/tmp/d';
      await sh(shared, `mkdir -p /pfs/out/deep/er; touch ${files}`);
      assert.deepEqual((await readdir(shared.output)).sort(), ['.hidden', 'a', 'deep']);
      const { text } = await sh(
        shared,
        'ls -A /pfs/out /tmp /var/tmp | grep -v : | grep -v "^$"; true',
      );
      assert.equal(text, '');
    });

    check('takeOver() makes readable and removable what a command closed off', async () => {
      const script = 'cd /pfs/out; mkdir -p a/b; echo x >a/b/c; chmod 0 a/b/c a/b a; ln -s / link';
      await sh(shared, script);
      await shared.worker.takeOver();
      assert.equal(await readFile(join(shared.output, 'a/b/c'), 'utf8'), 'x\n');
      await rm(join(shared.output, 'a'), { recursive: true });
      await rm(join(shared.output, 'link'));
    });

    batchingChecks(check, withWorker);

    check('workers run side by side', async () => {
      const benches = await Promise.all([start(), start()]);
      try {
        const lines = await Promise.all(
          benches.map(async (bench, index) => (await sh(bench, `sleep 0.2; echo ${index}`)).text),
        );
        assert.deepEqual(lines, ['0\n', '1\n']);
      } finally {
        await Promise.all(benches.map(({ worker }) => worker.stop()));
      }
    });

    check('a run that is cancelled rejects, and its command is gone', async () => {
      const abort = new AbortController();
      const running = sh(shared, 'echo started; exec sleep 1000', {
        signal: abort.signal,
        onText: () => abort.abort(),
      });
      await assert.rejects(running, { code: 'cancelled' });
      const { text } = await sh(shared, 'cat /proc/[0-9]*/comm | grep -c ^sleep; true');
      assert.equal(text.trim(), '0');
      const aborted = { signal: AbortSignal.abort() };
      await assert.rejects(sh(shared, 'true', aborted), { code: 'cancelled' });
    });

    checksAttaching(check, start);

    check('a worker that was stopped is unavailable, and can be stopped again', async () => {
      const bench = await start();
      await bench.worker.stop();
      await bench.worker.stop();
      await assert.rejects(sh(bench, 'true'), { code: 'unavailable' });
    });

    check('resolveImage() rejects when nobody has the image', async () => {
      assert.ok(under);
      if (under.executor.kind === 'docker') {
        await assert.rejects(under.executor.resolveImage('localhost:1/no/such:image'), {
          code: 'unavailable',
        });
      }
    });
  });
}
