// An engine that is frozen for minutes, or for an hour, at each of its writes in turn, on a clock that is simulated: before the
// write has left it, or when it has landed and nobody was there for the answer. Others go on, take its job over and finish it;
// then it wakes up and goes on in the middle of what it did. Nothing is lost, and nothing is there twice. PFS_FROZEN=all takes
// every write, in both ways.

import './loop.ts';

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isEngineError } from '../../engine/base/errors.ts';
import { SeededRandom } from '../../engine/base/random.ts';
import { putPipelines } from '../../engine/jobs/pipelines.ts';
import type { Operation } from '../../engine/journal/operations.ts';
import { openFormat } from '../../engine/object/format.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import type { PutOptions } from '../../engine/object/object-store.ts';
import { listCommits } from '../../engine/pfs/commit-list.ts';
import { checkStore } from '../../engine/upkeep/check.ts';
import { ACTOR, createRepos, put, readAll } from '../support/pfs.ts';
import { SimulatedEngine } from './engine.ts';
import { Loop, type Owner, SimulatedClock } from './loop.ts';
import { FAIR } from './network.ts';
import { processed } from './workers.ts';

const MINUTE = 60_000;
const FREEZES = [3 * MINUTE, 17 * MINUTE, 61 * MINUTE];
const SETTINGS = {
  tries: 3,
  budgetBytes: 8 * 1024 * 1024,
  snapshots: { entries: 8 },
  followMs: 5000,
  staleMs: MINUTE,
};
const SPEC = {
  pipeline: { name: 'out' },
  input: { pfs: { repo: 'b', glob: '/*' } },
  transform: { image: 'copy', cmd: ['copy'] },
};

/** When the first engine is frozen, for how long, and whether the write of that moment has left it. */
interface Freeze {
  readonly at: number;
  readonly ms: number;
  readonly isSent: boolean;
}

/** The bucket as the first engine sees it: at one of its writes the engine is frozen. */
class FreezingStore extends MemoryObjectStore {
  readonly #bucket: MemoryObjectStore;
  readonly #loop: Loop;
  readonly #freeze: Freeze;
  owner: Owner | undefined;
  puts = 0;
  onFreeze: () => void = () => undefined;

  constructor(bucket: MemoryObjectStore, loop: Loop, freeze: Freeze) {
    super();
    this.#bucket = bucket;
    this.#loop = loop;
    this.#freeze = freeze;
    this.get = (...args) => bucket.get(...args);
    this.head = (...args) => bucket.head(...args);
    this.list = (...args) => bucket.list(...args);
    this.delete = (...args) => bucket.delete(...args);
  }

  override async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<void> {
    if (this.owner) {
      this.puts += 1;
    }
    const { at, ms, isSent } = this.#freeze;
    if (this.owner && this.puts === at) {
      this.#loop.note(`frozen for ${ms} ms at put ${key}, ${isSent ? 'sent' : 'not sent'}`);
      this.owner.frozenUntil = this.#loop.time + ms;
      this.onFreeze();
      if (!isSent) {
        await this.#loop.sleep(ms + 1);
      }
    }
    await this.#bucket.put(key, bytes, options);
  }
}

/** Runs one world; returns how many writes the first engine made. */
async function run(freeze: Freeze): Promise<number> {
  const loop = new Loop();
  const bucket = new MemoryObjectStore({ clock: new SimulatedClock(loop) });
  const freezing = new FreezingStore(bucket, loop, freeze);
  const start = (slot: number, store: MemoryObjectStore) =>
    SimulatedEngine.start({
      loop,
      bucket: store,
      seed: 7 + slot,
      weather: FAIR,
      name: `e${slot}`,
      home: String(slot).padStart(16, '0'),
      offset: slot * 1000,
      settings: SETTINGS,
    });
  const live = async () => {
    await openFormat(bucket, { newId: () => '0'.repeat(32) });
    const first = await start(1, freezing);
    const second = await start(2, bucket);
    await createRepos(first, 'a', 'b');
    await putPipelines(
      first.context,
      {
        text: JSON.stringify(SPEC),
        fileName: 'spec.json',
        project: 'default',
        update: false,
        reprocess: false,
      },
      ACTOR,
    );
    const frozen = new Promise<void>((resolve) => {
      freezing.onFreeze = resolve;
    });
    await second.context.journal.sync();
    freezing.owner = first.owner;

    const made = new Map<string, string>();
    /** Puts a file, with one id until it is answered. */
    const putOn = async (engine: SimulatedEngine, name: string, to: string) => {
      const id = Buffer.from(name.padEnd(16)).toString('hex');
      for (;;) {
        try {
          const commit = await put(engine, `${to}@master`, { [name]: name }, { own: true, id });
          made.set(name, commit.id);
          return commit;
        } catch (error) {
          if (!isEngineError(error, 'unavailable')) {
            throw error;
          }
          await loop.sleep(1000);
        }
      }
    };
    const writing = (async () => {
      const input = await putOn(first, 'input', 'b');
      for (let i = 0; i < 3; i++) {
        await putOn(first, `first-${i}`, 'a');
      }
      return input;
    })();
    const others = (async () => {
      await Promise.race([frozen, loop.sleep(MINUTE)]);
      for (let i = 0; i < 3; i++) {
        await putOn(second, `second-${i}`, 'a');
        await loop.sleep(20_000);
      }
    })();
    const [input] = await Promise.all([writing, others]);
    await loop.sleep(10 * MINUTE);

    const fresh = await start(3, bucket);
    await loop.sleep(5 * MINUTE);
    for (const engine of [first, second, fresh]) {
      await engine.context.journal.sync();
      const commits: string[] = [];
      for await (const { id } of listCommits(engine.context, 'default/a')) {
        commits.push(id);
      }
      const wanted = [...made].flatMap(([name, id]) => (name === 'input' ? [] : [id]));
      assert.equal(wanted.length, 6);
      assert.deepEqual(commits.sort(), wanted.sort());
      const names = [...made.keys()].filter((name) => name !== 'input').sort();
      const files = await readAll(engine, 'a@master');
      assert.deepEqual(Object.keys(files).sort(), names);
      const output = await readAll(engine, `out@${input.id}`);
      assert.deepEqual(output, { input: processed('input') });
    }
    let ends = 0;
    for await (const { transactions } of fresh.context.journal.entries(1)) {
      for (const operation of transactions.flatMap((one) => one.operations as Operation[])) {
        ends += operation.kind === 'job.finished' && operation.job === input.id ? 1 : 0;
      }
    }
    assert.equal(ends, 1, 'the job ended once');
    const { clock } = fresh.context;
    for await (const one of checkStore(bucket, {
      data: true,
      clock,
      random: new SeededRandom(1),
    })) {
      assert.ok(!('level' in one && one.level === 'damage'), JSON.stringify(one));
    }
    return freezing.puts;
  };
  try {
    return await loop.run(live, async () => undefined);
  } catch (error) {
    const { at, isSent } = freeze;
    const last = loop.trace.slice(-40).join('\n');
    const { message } = error as Error;
    throw new Error(`${message}\nfrozen at write ${at}, ${isSent ? '' : 'not '}sent\n${last}`, {
      cause: error,
    });
  }
}

it('an engine that is frozen at any of its writes, for minutes or an hour, loses and doubles nothing', async (t) => {
  const never = { at: -1, ms: 0, isSent: true };
  const writes = await run(never);
  // Beats go on as long as it waits for the others: those at the end are all alike.
  const last = Math.min(writes, 45);
  assert.ok(last > 20, `only ${writes} writes`);
  let worlds = 0;
  const isAll = process.env.PFS_FROZEN === 'all';
  for (let at = 1; at <= last; at += isAll ? 1 : 3) {
    for (const isSent of isAll ? [true, false] : [at % 2 === 0]) {
      const ms = FREEZES[worlds++ % FREEZES.length] as number;
      await run({ at, ms, isSent });
    }
  }
  t.diagnostic(`${worlds} worlds; the first ${last} of ${writes} writes`);
});
