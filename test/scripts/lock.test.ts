// Two set-ups at once take turns, and one that died stands in nobody's way.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { it, type TestContext } from 'node:test';
import { FakeMachine, finish } from './fake-machine.ts';

const lockOf = (machine: FakeMachine) => join(machine.checkout, '.cache/locks/x.lock');

/** Puts a lock there as its owner would have left it. */
function leaveLock(machine: FakeMachine, owner: string): void {
  mkdirSync(join(machine.checkout, '.cache/locks'), { recursive: true });
  writeFileSync(lockOf(machine), owner);
}

/** Statements that take the lock, append `name begins` to the log, wait for a line on stdin where asked to, and end. */
function holding(name: string, waits: boolean): string {
  const wait = `await new Promise((go) => process.stdin.once('data', go)); process.stdin.unref();`;
  return `const { withLock } = await import('./scripts/setup/lock.mjs');
    const { appendFileSync } = await import('node:fs');
    await withLock('x', async () => {
      appendFileSync('log', '${name} begins\\n');
      console.log('holds it');
      ${waits ? wait : ''}
      appendFileSync('log', '${name} ends\\n');
    });`;
}

/** Starts a set-up that holds the lock until something is written to its stdin. */
async function holder(t: TestContext, machine: FakeMachine) {
  const child = machine.start([machine.script(holding('first', true))]);
  t.after(() => child.kill('SIGKILL'));
  await saying(child.stdout, 'holds it');
  return child;
}

/** Waits until a stream has said this. */
async function saying(stream: Readable | null, text: string): Promise<void> {
  let seen = '';
  while (!seen.includes(text)) {
    assert.ok(stream);
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    seen += String(chunk);
  }
}

it('the second waits, says for whom, and goes on when the first has ended', async (t) => {
  const machine = FakeMachine.debian(t);
  const first = await holder(t, machine);
  const second = machine.start([machine.script(holding('second', false))]);
  const ended = finish(second);
  await saying(second.stdout, `waiting for process ${first.pid}, which is setting up "x"`);
  first.stdin?.write('go\n');
  assert.equal((await ended).code, 0);
  const log = readFileSync(join(machine.checkout, 'log'), 'utf8');
  assert.equal(log, 'first begins\nfirst ends\nsecond begins\nsecond ends\n');
  assert.deepEqual(readdirSync(join(machine.checkout, '.cache/locks')), []);
});

it('the lock of a process that was killed is taken over at once', async (t) => {
  const machine = FakeMachine.debian(t);
  const first = await holder(t, machine);
  first.kill('SIGKILL');
  await once(first, 'close');
  assert.equal(readFileSync(lockOf(machine), 'utf8'), String(first.pid));
  const { code, stdout } = await machine.evaluate(holding('second', false));
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'holds it\n' });
  assert.deepEqual(readdirSync(join(machine.checkout, '.cache/locks')), []);
});

it('many that find a dead owner take turns all the same', async (t) => {
  const machine = FakeMachine.debian(t);
  leaveLock(machine, String(spawnSync('true').pid));
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(names.map((name) => machine.evaluate(holding(name, false))));
  const lines = readFileSync(join(machine.checkout, 'log'), 'utf8').trim().split('\n');
  assert.equal(lines.length, 8);
  for (let i = 0; i < lines.length; i += 2) {
    assert.equal(lines[i + 1], lines[i]?.replace('begins', 'ends'));
  }
});

it('a lock that a crash of the machine left empty is nobody’s', async (t) => {
  const machine = FakeMachine.debian(t);
  leaveLock(machine, '');
  assert.equal((await machine.evaluate(holding('second', false))).stdout, 'holds it\n');
});

it('whoever held it for too long does not take it from the next one', async (t) => {
  const machine = FakeMachine.debian(t);
  const first = await holder(t, machine);
  const ended = finish(first);
  const anHourAgo = Date.now() / 1000 - 3600;
  utimesSync(lockOf(machine), anHourAgo, anHourAgo);
  const second = machine.start([machine.script(holding('second', true))]);
  t.after(() => second.kill('SIGKILL'));
  await saying(second.stdout, 'holds it');
  first.stdin?.write('go\n');
  assert.equal((await ended).code, 0);
  assert.ok(existsSync(lockOf(machine)), 'the second has lost its lock');
  const done = finish(second);
  second.stdin?.write('go\n');
  assert.equal((await done).code, 0);
  assert.ok(!existsSync(lockOf(machine)));
});

it('a failing set-up gives the lock back', async (t) => {
  const machine = FakeMachine.debian(t);
  const { code } = await machine.evaluate(
    `const { withLock } = await import('./scripts/setup/lock.mjs');
     await withLock('x', async () => { throw new Error('no'); });`,
  );
  assert.equal(code, 1);
  assert.ok(!existsSync(lockOf(machine)));
});
