// Three engines on one store, one of which is frozen for longer than it may be, in the middle of writes and of a job, and
// then goes on as if nothing had happened: nothing is lost, nothing is done twice, and what it holds to be its job is not.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import type { Commit, Job, JournalEntry } from '../../engine/server/wire.ts';
import { eventually } from '../support/eventually.ts';
import { startS3Server } from '../support/s3-server.ts';
import { images, PipelineHome } from './pipeline-home.ts';

const STALE_MS = 3000;
const PUTS = 24;

interface Engine {
  readonly home: PipelineHome;
  /** 16 digits of its home, with which the names of its runs begin. */
  readonly instance: string;
  readonly pid: number;
  put(path: string, text: string): Promise<string>;
}

type Environment = Readonly<Record<string, string>>;

describe('engines of which one is frozen', { skip: images.skip ?? false, timeout: 300_000 }, () => {
  // The folder of the first holds the store.
  freezeOne((first) => ({ PFS_STORE: first.path('home/store') }));
});

const server = await startS3Server();
if ('skip' in server) {
  it('engines on an S3 server of which one is frozen', { skip: server.skip }, () => undefined);
} else {
  after(() => server.stop());
  const environment = {
    PFS_STORE: `s3://${await server.createBucket()}/frozen?endpoint=${server.endpoint}`,
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
    AWS_REGION: server.region,
  };
  describe(
    'engines on an S3 server of which one is frozen',
    {
      skip: images.skip ?? false,
      timeout: 300_000,
    },
    () => freezeOne(() => environment, environment),
  );
}

/** Three engines on the store that `others` names to the second and third, and `own` to the first. */
function freezeOne(others: (first: PipelineHome) => Environment, own: Environment = {}): void {
  const stale = { PFS_CLAIM_STALE_MS: String(STALE_MS) };
  const first = new PipelineHome({ ...stale, ...own });
  const store = { ...stale, ...others(first) };
  const homes = [first, new PipelineHome(store), new PipelineHome(store)];
  const frozen = new Set<number>();
  after(async () => {
    for (const pid of frozen) {
      process.kill(pid, 'SIGCONT');
    }
    // The first goes last.
    for (const home of homes.reverse()) {
      await home.close();
    }
  });

  async function start(home: PipelineHome): Promise<Engine> {
    await home.pfs('engine', 'start');
    const record = JSON.parse(readFileSync(home.path('home/engine.json'), 'utf8'));
    const token = readFileSync(home.path('home/token'), 'utf8').trim();
    return {
      home,
      instance: readFileSync(home.path('home/instance'), 'utf8').trim(),
      pid: record.pid,
      async put(path, text) {
        const route = '/api/v1/repos/default/data/files/master';
        const response = await fetch(`${record.address}${route}?own=true&path=${path}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/octet-stream',
            'idempotency-key': randomBytes(16).toString('hex'),
          },
          body: text,
        });
        assert.equal(response.status, 200, await response.clone().text());
        return ((await response.json()) as Commit).id;
      },
    };
  }

  async function journal(engine: Engine): Promise<readonly JournalEntry[]> {
    return (await engine.home.raw('log')) as unknown as JournalEntry[];
  }

  it('nothing is lost and nothing is doubled', async () => {
    const engines: Engine[] = [];
    for (const home of homes) {
      engines.push(await start(home));
    }
    const isHere = own.PFS_STORE === undefined;
    assert.equal(existsSync(first.path('home/store')), isHere, 'the store is where it should be');
    const [one] = engines as [Engine, Engine, Engine];
    await one.home.pfs('create', 'repo', 'data');
    await one.home.pfs('create', 'repo', 'numbers');
    const numbers = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`n${i}`, `${i}`]));
    await one.home.put('numbers', numbers);
    // The work takes a while, so that the engine that does it can be caught at it.
    const sh = 'sleep 1; cp /pfs/numbers/* /pfs/out/';
    await one.home.create({ name: 'copy', input: 'numbers', sh });
    const { id } = await one.home.commit('copy');

    const owner = await ownerWithProgress(one, id);
    const sick = engines.find(({ instance }) => owner.startsWith(instance));
    assert.ok(sick, `nobody is ${owner}`);
    const [well, other] = engines.filter((engine) => engine !== sick) as [Engine, Engine];

    const puts = Array.from({ length: PUTS }, (_, i) => sick.put(`sick-${i}`, `sick ${i}`));
    await Promise.race(puts);
    process.kill(sick.pid, 'SIGSTOP');
    frozen.add(sick.pid);
    const meanwhile = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        (i % 2 === 0 ? well : other).put(`well-${i}`, `well ${i}`),
      ),
    );
    const job = await well.home.done('copy');
    assert.deepEqual([job.state, job.id, job.restarts], ['success', id, 1]);
    process.kill(sick.pid, 'SIGCONT');
    frozen.delete(sick.pid);
    const ids = [...(await Promise.all(puts)), ...meanwhile];
    assert.equal(new Set(ids).size, PUTS + 6, 'each put made a commit of its own');

    for (const engine of [sick, well, other]) {
      const listed = async () =>
        (await engine.home.raw('list', 'commit', 'data@master')).map(({ id }) => id).toSorted();
      // What one engine has acknowledged the others hear of within half a second.
      await eventually(
        'an engine knows of all puts',
        async () => (await listed()).length >= ids.length,
      );
      assert.deepEqual(await listed(), ids.toSorted());
    }
    await demandAll(sick);
    const after = await well.home.inspect<Job>('inspect-job', `copy@${id}`);
    assert.deepEqual(
      [after.state, after.finished],
      [job.state, job.finished],
      'the job is as it was',
    );
    assert.deepEqual(
      (await well.home.list('copy')).toSorted(),
      Object.keys(numbers).map((name) => `/${name}`),
    );
    await demandNoStaleProgress(well, { id, sick });
    assert.match(await well.home.pfs('fsck', '--data'), /^Checked /m);
  });

  /** Waits until the job has an owner that has journaled some of its results; returns it. */
  async function ownerWithProgress(engine: Engine, id: string): Promise<string> {
    for (;;) {
      for (const { transactions } of await journal(engine)) {
        for (const operation of transactions.flatMap(({ operations }) => operations)) {
          const { kind, job, owner, datums } = operation as Record<string, unknown>;
          const { processed = 0 } = (datums ?? {}) as { processed?: number };
          if (kind === 'job.progressed' && job === id && processed > 0) {
            return String(owner);
          }
        }
      }
    }
  }

  /** Every file is there, as it was put. */
  async function demandAll(engine: Engine): Promise<void> {
    const files = await engine.home.list('data');
    assert.equal(files.length, PUTS + 6);
    for (const path of files) {
      const [kind, number] = path.slice(1).split('-');
      assert.equal(await engine.home.read(`data@master:${path}`), `${kind} ${number}`);
    }
  }

  /** After somebody else had claimed its job, nothing of the frozen engine's work on it was taken. */
  async function demandNoStaleProgress(
    engine: Engine,
    { id, sick }: { readonly id: string; readonly sick: Engine },
  ): Promise<void> {
    let isTaken = false;
    let finished = 0;
    for (const { engine: writer, transactions } of await journal(engine)) {
      for (const operation of transactions.flatMap(({ operations }) => operations)) {
        const { kind, job, owner } = operation as Record<string, unknown>;
        if (job !== id || typeof kind !== 'string') {
          continue;
        }
        const isTheirs = String(owner ?? writer).startsWith(sick.instance);
        isTaken ||= kind === 'job.claimed' && !isTheirs;
        assert.ok(!(isTaken && isTheirs), `${kind} of an engine that had lost the job`);
        finished += kind === 'job.finished' ? 1 : 0;
      }
    }
    assert.ok(isTaken, 'nobody took the job over');
    assert.equal(finished, 1);
  }
}
