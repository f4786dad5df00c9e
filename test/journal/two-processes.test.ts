import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDescribed, type StoreDescription } from '../support/race.ts';
import { startS3Server } from '../support/s3-server.ts';
import { ACCOUNTS, just, openBank, testSeed } from '../unit/journal/bank.ts';
import type { BankAnswer, BankTask } from './bank-process.ts';

const TRANSACTIONS = 250;
const KILL_AFTER = 70;
const MINT = 100_000;
const script = fileURLToPath(new URL('bank-process.ts', import.meta.url));

/** Runs an engine to its end, or kills it after some answers; notes every answer. */
async function runEngine(
  task: BankTask,
  options: { readonly answers: Map<string, number>; readonly killAfter?: number },
): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  let got = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const { id, result }: BankAnswer = JSON.parse(line);
    const before = options.answers.get(id);
    assert.ok(before === undefined || before === result, `${id}: ${before}, then ${result}`);
    options.answers.set(id, result);
    got += 1;
    if (got === options.killAfter) {
      child.kill('SIGKILL');
    }
  }
  const [code, signal] = await exit;
  assert.deepEqual([code, signal], options.killAfter ? [null, 'SIGKILL'] : [0, null]);
}

async function twoEngines(description: StoreDescription, seed: number): Promise<void> {
  const store = await openDescribed(description);
  const first = await openBank(store);
  const balances = [...ACCOUNTS.map((account) => [account, 100] as const), ['mint', MINT] as const];
  for (const [account, balance] of balances) {
    await first.transact(just({ kind: 'opened', account, balance }), { actor: 'test' });
  }
  const answers = new Map<string, number>();
  const task = { description, transactions: TRANSACTIONS, seed };
  const left = { ...task, name: 'left' };
  await Promise.all([
    runEngine({ ...task, name: 'right' }, { answers }),
    runEngine(left, { answers, killAfter: KILL_AFTER }).then(() => runEngine(left, { answers })),
  ]);

  const last = await openBank(store);
  const { accounts, receipts } = last.state;
  assert.equal(answers.size, 2 * TRANSACTIONS);
  for (const name of ['left', 'right']) {
    assert.equal(accounts.get(`count-${name}`), TRANSACTIONS, 'nothing lost, nothing doubled');
    const results = [...answers].filter(([id]) => id.startsWith(name)).map(([, result]) => result);
    assert.deepEqual(
      results.sort((a, b) => a - b),
      Array.from({ length: TRANSACTIONS }, (_, i) => i + 1),
    );
  }
  assert.equal(
    [...accounts.values()].reduce((sum, balance) => sum + balance),
    400 + MINT,
  );
  const requests: string[] = [];
  for await (const { transactions } of last.entries(1)) {
    requests.push(...transactions.flatMap(({ request }) => request ?? []));
  }
  assert.deepEqual(requests.sort(), [...answers.keys()].sort());
  const kept = new Set(receipts.keys());
  for await (const { key } of last.history.scan({ prefix: 'receipt/' })) {
    kept.add(key.slice('receipt/'.length));
  }
  assert.deepEqual([...kept].sort(), [...answers.keys()].sort());
  await first.sync();
  assert.deepEqual([...first.state.accounts.entries()], [...accounts.entries()]);
}

describe('two engines on one store, one of them killed', () => {
  it('lose and double nothing in a directory', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'pfs-journal-'));
    try {
      await twoEngines(
        { kind: 'filesystem', directory },
        testSeed((text) => t.diagnostic(text)),
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('lose and double nothing in an S3 bucket', async (t) => {
    const server = await startS3Server();
    if ('skip' in server) {
      t.skip(server.skip);
      return;
    }
    after(() => server.stop());
    const { endpoint, accessKey, secretKey, region } = server;
    const bucket = await server.createBucket();
    const options = {
      bucket,
      prefix: 'x',
      endpoint,
      region,
      accessKey,
      secretKey,
      pathStyle: true,
    };
    await twoEngines(
      { kind: 's3', options },
      testSeed((text) => t.diagnostic(text)),
    );
  });
});
