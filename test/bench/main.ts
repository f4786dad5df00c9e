// The bench as a program: chooses rows, runs them, prints the table. `scripts/bench.mjs` sets up what they need.

import { statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { findNearest } from '../../cli/nearest.ts';
import { type RowResult, showTable, toJson } from './report.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows.ts';
import { Workspace } from './workspace.ts';

const GiB = 1024 ** 3;
/** What a quick run fills. */
const QUICK_GIB = 1;

interface Options {
  readonly rows: readonly Row[];
  readonly quick: boolean;
  readonly list: boolean;
  readonly needs: boolean;
  readonly json: string | undefined;
  /** How often each side is measured where a row's own number would take too long. */
  readonly rounds: number | undefined;
}

/** A mistake of the person who asked: told without a stack. */
class AskedWrong extends Error {}

function parse(words: readonly string[]): Options {
  const names: string[] = [];
  const flags = new Set<string>();
  let json: string | undefined;
  let rounds: number | undefined;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word === '--json' || word.startsWith('--json=')) {
      json = word === '--json' ? words[++i] : word.slice('--json='.length);
      if (!json) {
        throw new AskedWrong('Cannot write the figures: say into which file, as in --json FILE');
      }
    } else if (word === '--rounds' || word.startsWith('--rounds=')) {
      rounds = Number(word === '--rounds' ? words[++i] : word.slice('--rounds='.length));
      if (!Number.isInteger(rounds) || rounds < 1) {
        throw new AskedWrong('Cannot measure: say how often, as in --rounds 3');
      }
    } else if (['--quick', '--list', '--needs'].includes(word)) {
      flags.add(word);
    } else if (word.startsWith('-')) {
      throw new AskedWrong(
        `Cannot run the bench: unknown option "${word}"; there are --quick, --rounds N, --list and --json FILE`,
      );
    } else {
      names.push(word);
    }
  }
  const chosen = names.map(findRow);
  return {
    rows: names.length === 0 ? ROWS : ROWS.filter((row) => chosen.includes(row)),
    quick: flags.has('--quick'),
    list: flags.has('--list'),
    needs: flags.has('--needs'),
    json,
    rounds,
  };
}

function findRow(name: string): Row {
  const row = ROWS.find((one) => one.name === name);
  if (!row) {
    const names = ROWS.map((one) => one.name);
    const nearest = findNearest(name, names);
    const hint = nearest ? `did you mean ${nearest}?` : 'npm run bench -- --list names them';
    throw new AskedWrong(`Cannot run the row "${name}": there is none of that name; ${hint}`);
  }
  return row;
}

function checkSpace({ rows, quick }: Options): void {
  const { bavail, bsize } = statfsSync(tmpdir());
  const wanted = quick ? QUICK_GIB : Math.max(...rows.map((row) => row.diskGiB)) + 3;
  if (bavail * bsize < wanted * GiB) {
    throw new AskedWrong(
      `Cannot run the bench: it fills up to ${wanted} GiB in ${tmpdir()}, and ${(bavail * bsize) / GiB} GiB are free; set TMPDIR to a folder on a larger disk`,
    );
  }
}

async function measure(bench: Workspace, row: Row): Promise<RowResult> {
  bench.peakBytes = 0;
  const started = performance.now();
  process.stderr.write(`· ${row.name} …\n`);
  try {
    const lines = await row.run(bench);
    const took = Math.round((performance.now() - started) / 1000);
    process.stderr.write(`· ${row.name}: done in ${took} s\n`);
    return { row: row.name, lines, peakBytes: bench.peakBytes };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    process.stderr.write(`· ${row.name}: not measured: ${failure}\n`);
    return { row: row.name, lines: [], peakBytes: bench.peakBytes, failure };
  }
}

async function main(options: Options): Promise<number> {
  if (options.needs) {
    process.stdout.write(`${JSON.stringify([...new Set(options.rows.flatMap((r) => r.needs))])}\n`);
    return 0;
  }
  if (options.list) {
    const width = Math.max(...ROWS.map(({ name }) => name.length));
    for (const { name, about } of options.rows) {
      process.stdout.write(`${name.padEnd(width)}  ${about}\n`);
    }
    return 0;
  }
  checkSpace(options);
  const bench = new Workspace(options);
  const results: RowResult[] = [];
  let isOver = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    isOver = true;
    process.stderr.write('· interrupted: ending what runs and removing what it left\n');
    if (results.length > 0) {
      process.stdout.write(`${showTable(results)}\n`);
    }
    const code = signal === 'SIGINT' ? 130 : 143;
    const leave = (): void => process.exit(code);
    bench.endSoon().then(leave, leave);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, interrupt);
  }
  try {
    for (const row of options.rows) {
      const result = await measure(bench, row);
      if (isOver) {
        // What was killed is no result, and the folder is being removed: the process ends with that.
        await new Promise(() => undefined);
      }
      results.push(result);
    }
  } finally {
    await bench.end();
  }
  process.stdout.write(`${showTable(results)}\n`);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(toJson(results, options), null, 2)}\n`);
  }
  return results.every(({ failure }) => failure === undefined) ? 0 : 1;
}

try {
  process.exitCode = await main(parse(process.argv.slice(2)));
} catch (error) {
  const text = error instanceof AskedWrong ? error.message : (error as Error).stack;
  process.stderr.write(`error: ${text}\n`);
  process.exitCode = 1;
}
