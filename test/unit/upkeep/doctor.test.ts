// What is wrong with a machine is told, each with a remedy, and nothing else is called wrong.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { SystemRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { type DoctorOptions, examine } from '../../../engine/upkeep/doctor.ts';
import { InstantClock } from '../../support/instant-clock.ts';
import { scratchDirectory } from '../../support/scratch.ts';

/** Returns what is not well, as `state name: detail; remedy`. */
async function troubles(options: Partial<DoctorOptions>): Promise<string[]> {
  const checks = await examine({
    store: new MemoryObjectStore(),
    clock: new SystemClock(),
    random: new SystemRandom(),
    directories: {},
    node: 'v20.19.0',
    executorHealth: async () => ({ ok: true, notes: ['Docker 27'] }),
    ...options,
  });
  assert.ok(checks.length >= 7, `${checks.length} checks`);
  for (const { name, state, remedy } of checks) {
    assert.equal(remedy === '', state === 'ok', name);
  }
  return checks
    .filter(({ state }) => state !== 'ok')
    .map(({ state, name, detail, remedy }) => `${state} ${name}: ${detail}; ${remedy}`);
}

it('a machine that is well has nothing wrong', async () => {
  assert.deepEqual(await troubles({}), []);
});

it('a Node that is too old', async () => {
  for (const node of ['v18.20.0', 'v20.18.9']) {
    assert.deepEqual(await troubles({ node }), [
      `problem Node of the engine: ${node}; install Node 20.19 or newer`,
    ]);
  }
});

it('a clock that is wrong by minutes', async () => {
  const [trouble = '', ...more] = await troubles({ clock: new InstantClock(Date.now() + 300_000) });
  assert.match(trouble, /^warning clock: .*(299|300|301) s behind this machine's; .*NTP/);
  assert.deepEqual(more, []);
});

it('a store that would lose commits', async () => {
  const store = new MemoryObjectStore();
  const put = store.put.bind(store);
  store.put = (key, bytes) => put(key, bytes);
  const found = await troubles({ store });
  assert.ok(
    found.some((one) => /^problem store: .*; commits could be lost on this store/.test(one)),
  );
});

it('a store that is away', async () => {
  const store = new MemoryObjectStore();
  store.put = () => Promise.reject(new EngineError('unavailable', 'Cannot write: it is away'));
  const checks = await examine({
    store,
    clock: new SystemClock(),
    random: new SystemRandom(),
    directories: {},
    node: 'v24.0.0',
    executorHealth: async () => ({ ok: true, notes: [] }),
  });
  const found = checks.find(({ name }) => name === 'store');
  assert.deepEqual([found?.state, found?.detail], ['problem', 'Cannot write: it is away']);
});

it('Docker that does not answer', async () => {
  const [trouble = '', ...more] = await troubles({
    executorHealth: async () => ({ ok: false, notes: ['no Docker socket at /run/docker.sock'] }),
  });
  assert.match(trouble, /^problem Docker: no Docker socket.*; repos work without Docker/);
  assert.deepEqual(more, []);
});

it('a directory that cannot be looked at', async (t) => {
  const gone = join(scratchDirectory(t), 'gone');
  const [trouble = '', ...more] = await troubles({ directories: { 'the store': gone } });
  assert.match(trouble, /^problem room for the store: .*gone.*; make the directory accessible/);
  assert.deepEqual(more, []);
});
