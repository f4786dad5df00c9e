// What every executor must do for commands that take one datum after the other, and against those that talk to its loop.

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResourceLimits } from '../../engine/executor/executor.ts';
import { type Bench, sh } from '../support/worker-bench.ts';

/** Adds the checks. */
export function batchingChecks(
  check: (title: string, fn: () => Promise<void>, lacks?: 'batching') => void,
  withWorker: (limits: ResourceLimits, fn: (bench: Bench) => Promise<void>) => Promise<void>,
): void {
  check(
    'a command that takes datums gets one after the other, each with its own data',
    async () => {
      await withWorker({}, async (bench) => {
        const script =
          'echo up; while pfs next-datum; do . "$PFS_DATUM_ENV"; cat /pfs/in/* >/pfs/out/copy; echo "did $N"; done; echo down';
        const texts: string[] = [];
        const pids = new Set<string>();
        for (const n of [1, 2, 3]) {
          await mkdir(join(bench.input, 'in'), { recursive: true });
          await writeFile(join(bench.input, 'in', `f${n}`), `data ${n}`);
          const env = { N: `it's ${n}`, 'my-repo': 'x' };
          const { result, text } = await sh(bench, script, { env, takesDatums: true });
          assert.ok(result.kind === 'asked' || result.kind === 'exited', JSON.stringify(result));
          texts.push(text);
          pids.add(result.kind);
          assert.equal(await readFile(join(bench.output, 'copy'), 'utf8'), `data ${n}`);
          await rm(join(bench.output, 'copy'));
          await rm(join(bench.input, 'in'), { recursive: true });
        }
        assert.deepEqual([...pids].length, 1);
        assert.match(texts[0] ?? '', /^up\ndid it's 1\n/);
        assert.match(texts[2] ?? '', /did it's 3\n/);
        await bench.worker.settle?.();
        const { text } = await sh(bench, 'cat /proc/[0-9]*/comm | grep -c . ; ls -A /tmp');
        assert.match(text, /^[34]\n$/);
      });
    },
  );

  check(
    'a command that takes datums may fail one, end, or never ask, and the worker goes on',
    async () => {
      await withWorker({}, async (bench) => {
        const serve = (script: string, more = {}) =>
          sh(bench, script, { takesDatums: true, ...more });
        const failing = 'pfs next-datum && pfs next datum --error "no   luck\tat all"; sleep 1000';
        const failed = await serve(failing);
        const said = failed.result.kind === 'asked' ? failed.result.error : failed.text;
        assert.match(said, /no luck at all/);
        await bench.worker.settle?.();
        const ended = await serve('pfs next-datum; echo x >/pfs/out/x; exit 7');
        assert.deepEqual(ended.result, { kind: 'exited', code: 7 });
        assert.equal(await readFile(join(bench.output, 'x'), 'utf8'), 'x\n');
        const one = await serve('pfs next-datum; exit 0');
        assert.deepEqual(one.result, { kind: 'exited', code: 0 });
        const never = await serve('exit 0');
        assert.ok(never.result.kind === 'never_asked' || never.result.kind === 'exited');
        assert.ok(never.result.code !== 0 || never.result.kind === 'never_asked');
        const killed = await serve('pfs next-datum; kill -9 -1');
        assert.deepEqual(killed.result, { kind: 'exited', code: 137 });
        const late = await serve('pfs next-datum; sleep 1000', { timeoutMs: 500 });
        assert.deepEqual(late.result, { kind: 'timed_out' });
        const early = await serve('sleep 1000', { timeoutMs: 500 });
        assert.deepEqual(early.result, { kind: 'timed_out' });
        const abort = new AbortController();
        const cut = serve('pfs next-datum; echo on; sleep 1000', {
          signal: abort.signal,
          onText: () => abort.abort(),
        });
        await assert.rejects(cut, { code: 'cancelled' });
        assert.equal((await sh(bench, 'echo on')).text, 'on\n');
      });
    },
  );

  check(
    'a command that waits for its next datum stands still, with all that it has started',
    async () => {
      await withWorker({}, async (bench) => {
        const script = `(while :; do echo x >>/pfs/out/late; done) &
(trap '' TERM; while :; do (mkdir /pfs/out/d; rmdir /pfs/out/d); done 2>/dev/null) &
while :; do pfs next-datum; echo x >/pfs/out/own; done`;
        for (const round of [1, 2, 3]) {
          const { result } = await sh(bench, script, { takesDatums: true });
          assert.deepEqual(result, { kind: 'asked', error: '' }, `round ${round}`);
          const size = (await readFile(join(bench.output, 'late')).catch(() => '')).length;
          await bench.worker.takeOver();
          await new Promise((resolve) => setTimeout(resolve, 50));
          assert.equal((await readFile(join(bench.output, 'late')).catch(() => '')).length, size);
          for (const name of await readdir(bench.output)) {
            await rm(join(bench.output, name), { recursive: true });
          }
        }
        // A command for itself ends one that waits.
        const { text } = await sh(bench, 'cat /proc/[0-9]*/comm | grep -c . ; ls -A /pfs/out');
        assert.match(text, /^[34]\n$/);
      });
    },
    'batching',
  );

  check(
    'what user code writes to where the loop reads is passed over, and no output is taken for a result',
    async () => {
      await withWorker({}, async (shared) => {
        for (const text of ['x\\nsleep 1000\\n', 'half', '\\n\\n\\n', '0 pfs_end\\n']) {
          const script = `for f in /proc/1/fd/0 /dev/pfs/commands; do [ -w $f ] && printf '${text}' >$f; done; echo on`;
          assert.match((await sh(shared, script)).text, /on\n$/);
          assert.equal((await sh(shared, 'echo still')).text, 'still\n');
        }
        const fake = '0123456789abcdef01234567 0 0';
        const { result, text } = await sh(shared, `echo "${fake}"; exit 7`);
        assert.deepEqual(result, { kind: 'exited', code: 7 });
        assert.equal(text, `${fake}\n`);
      });
    },
  );
}
