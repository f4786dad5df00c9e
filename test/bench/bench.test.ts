// The bench itself: that it measures, says what it does not know, and leaves nothing behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { SeededRandom } from '../../engine/base/random.ts';
import { checkout, runProgram, skipWithoutDocker } from '../support/cli.ts';
import { startS3Server } from '../support/s3-server.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { chosenSeed } from '../support/seed.ts';
import { isMet, median, ratioOf } from './figures.ts';
import type { Line, Row } from './row.ts';
import { ROWS } from './rows.ts';

interface Measured {
  readonly row: string;
  readonly lines: readonly Line[];
}

/** So many rows are measured in one run of the tests: all of them would take a minute and more. */
const SAMPLE = 4;
const SCRIPT = join(checkout, 'scripts/bench.mjs');

function bench(args: readonly string[], folder: string) {
  return runProgram(process.execPath, [SCRIPT, ...args], { env: { TMPDIR: folder } });
}

/** What is in a folder of temporary things, but for the cache of the loader that runs TypeScript. */
function leftIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => !/^tsx-\d+$/.test(name));
}

/** Returns the rows for which this machine has everything. */
async function ableRows(t: TestContext): Promise<Row[]> {
  const server = await startS3Server();
  const lacks = 'skip' in server ? ['s3'] : [];
  if (!('skip' in server)) {
    await server.stop();
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  const has = (need: string): boolean =>
    need === 's3'
      ? !lacks.includes(need)
      : need === 'docker'
        ? skipWithoutDocker() === false
        : folders.some((folder) => existsSync(join(folder, need)));
  const able = ROWS.filter(({ needs }) => needs.every(has));
  for (const { name } of ROWS.filter((row) => !able.includes(row))) {
    t.diagnostic(`${name} needs what is not here`);
  }
  return able;
}

describe('bench', () => {
  it('measures one row beside its command, writes the figures, and leaves nothing behind', async (t) => {
    const folder = scratchDirectory(t);
    const file = join(scratchDirectory(t), 'figures.json');
    const { code, stdout, stderr } = await bench(['small-put', '--quick', '--json', file], folder);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /small-put .* durable write .* ≤ 5 × /);
    assert.match(stdout, /peak of the engine in all rows/);
    const { rows } = JSON.parse(readFileSync(file, 'utf8'));
    assert.equal(rows.length, 1);
    assert.equal(rows[0].lines[0].ours.length, 10);
    assert.deepEqual(leftIn(folder), []);
  });

  it('measures every row: a sample of them each time, which the seed chooses', async (t) => {
    const seed = chosenSeed();
    console.log(`seed: PFS_SEED=${seed}; PFS_BENCH_ROWS=all measures all rows`);
    const random = new SeededRandom(seed);
    const able = await ableRows(t);
    const chosen = able
      .map((row) => ({ row, order: random.fraction() }))
      .sort((a, b) => a.order - b.order)
      .slice(0, process.env.PFS_BENCH_ROWS === 'all' ? able.length : SAMPLE)
      .map(({ row }) => row.name);
    const folder = scratchDirectory(t);
    const file = join(scratchDirectory(t), 'figures.json');
    const { code, stderr } = await bench([...chosen, '--quick', '--json', file], folder);
    assert.equal(code, 0, stderr);
    const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { rows: Measured[] };
    assert.deepEqual(rows.map(({ row }) => row).sort(), chosen.sort());
    for (const { row, lines } of rows) {
      assert.ok(lines.length > 0, row);
      for (const { work, ours, against } of lines) {
        for (const values of [ours, ...(against ? [against.values] : [])]) {
          assert.ok(
            values.length > 0 && values.every(Number.isFinite),
            `${row}: ${work}: ${values}`,
          );
        }
      }
    }
    assert.deepEqual(leftIn(folder), []);
  });

  it('refuses a row that there is not, with the name that was meant', async (t) => {
    const { code, stderr } = await bench(['ingest-smal'], scratchDirectory(t));
    assert.equal(code, 1);
    assert.match(stderr, /Cannot run the row "ingest-smal": .*did you mean ingest-small\?/);
  });

  it('lists every row', async (t) => {
    const { stdout } = await bench(['--list'], scratchDirectory(t));
    for (const { name } of ROWS) {
      assert.match(stdout, new RegExp(`^${name} `, 'm'));
    }
  });

  it('ends what it started and removes its folder on Ctrl-C', async (t) => {
    const folder = scratchDirectory(t);
    const child = spawn(process.execPath, [SCRIPT, 'list-repo', '--quick'], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise<void>((resolve) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('list-repo …')) {
          resolve();
        }
      });
    });
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    assert.equal(code, 130);
    assert.deepEqual(leftIn(folder), []);
  });
});

describe('figures', () => {
  const line: Line = {
    work: 'put',
    unit: 's',
    ours: [3, 1, 2],
    against: { what: 'cp', values: [4, 4] },
  };

  it('takes the middle value, or the mean of the two', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
  });

  it('meets a goal of the ratio, of the median or of the worst value', () => {
    assert.equal(ratioOf(line), 0.5);
    assert.equal(isMet(line), undefined);
    assert.equal(isMet({ ...line, goal: { of: 'ratio', most: 0.5 } }), true);
    assert.equal(isMet({ ...line, goal: { of: 'ratio', most: 0.4 } }), false);
    assert.equal(isMet({ ...line, goal: { of: 'ratio', least: 0.6 } }), false);
    assert.equal(isMet({ ...line, goal: { of: 'median', most: 2 } }), true);
    assert.equal(isMet({ ...line, goal: { of: 'max', most: 2 } }), false);
  });
});
