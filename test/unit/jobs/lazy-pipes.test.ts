import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import type { ContentReader, FileContent } from '../../../engine/jobs/contents.ts';
import { LazyPipes, makePipes } from '../../../engine/jobs/lazy-pipes.ts';
import { scratchDirectory } from '../../support/scratch.ts';

type Test = Parameters<typeof scratchDirectory>[0];

const BIG = randomBytes(3_000_000);

/** What stands for files; counts how often each is read. */
function contents(read: string[] = []): ContentReader {
  const unused = () => Promise.reject(new Error('not asked for'));
  const files: Readonly<Record<string, FileContent>> = {
    small: { kind: 'small', bytes: Buffer.from('small\n') },
    empty: { kind: 'small', bytes: Buffer.alloc(0) },
    big: {
      kind: 'large',
      size: BIG.length,
      async *read() {
        for (let from = 0; from < BIG.length; from += 1_000_000) {
          yield BIG.subarray(from, from + 1_000_000);
        }
      },
    },
    broken: {
      kind: 'large',
      size: 10,
      async *read() {
        yield Buffer.from('12345');
        throw new EngineError('corrupt', 'Cannot read: damaged');
      },
    },
  };
  return {
    readTree: unused,
    readDirectory: unused,
    readFile: (id) => {
      read.push(id);
      const file = files[id];
      return file ? Promise.resolve(file) : unused();
    },
  };
}

async function place(t: Test, ids: readonly string[], read: string[] = []) {
  const directory = scratchDirectory(t);
  const files = ids.map((id, index) => ({ id, path: join(directory, `${index}-${id}`) }));
  await makePipes(files.map(({ path }) => path));
  const pipes = new LazyPipes(files, {
    contents: contents(read),
    clock: new SystemClock(),
    spareDirectory: join(directory, 'spares'),
  });
  return { directory, pipes };
}

/** Runs a line of shell in a directory and returns what it printed. */
function shell(line: string, directory: string, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', line], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    signal?.addEventListener('abort', () => child.kill('SIGKILL'));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
}

it('a file comes when it is opened, whole, and one that is not opened is never fetched', async (t) => {
  const read: string[] = [];
  const { directory, pipes } = await place(t, ['small', 'big', 'empty'], read);
  const printed = await pipes.feed(() => shell('cat 0-small; wc -c < 1-big', directory));
  assert.deepEqual(printed.trim().split(/\s+/), ['small', String(BIG.length)]);
  assert.deepEqual(read, ['small', 'big']);
  assert.equal(pipes.bytes, BIG.length + 6);
});

it('every opening gets the whole file, one after the other, and one that is given up is let go', async (t) => {
  const { directory, pipes } = await place(t, ['big', 'small', 'empty']);
  const line =
    'head -c 5 0-big | wc -c; wc -c < 0-big; cat 1-small 1-small; wc -c < 2-empty; cat 1-small';
  const printed = await pipes.feed(() => shell(line, directory));
  assert.deepEqual(printed.trim().split(/\s+/), [
    '5',
    String(BIG.length),
    'small',
    'small',
    '0',
    'small',
  ]);
});

it('many files are read by many at once', async (t) => {
  const ids = Array.from({ length: 200 }, () => 'small');
  const { directory, pipes } = await place(t, ids);
  const line = 'for f in *-small; do cat $f & done; wait';
  const printed = await pipes.feed(() => shell(line, directory));
  assert.equal(printed, 'small\n'.repeat(200));
});

it('content that cannot be read ends the work with its error, and never looks like a short file', async (t) => {
  const { directory, pipes } = await place(t, ['broken']);
  const line = 'cat 0-broken > /dev/null; exec sleep 600';
  await assert.rejects(
    pipes.feed((failed) => shell(line, directory, failed)),
    /Cannot read: damaged/,
  );
  const again = await place(t, ['broken']);
  await assert.rejects(
    again.pipes.feed(() => shell('cat 0-broken', again.directory)),
    /Cannot read: damaged/,
    'also when the work has ended well before anybody told it',
  );
});

it('ends with the work, though something is still being read', async (t) => {
  const { directory, pipes } = await place(t, ['big']);
  const child = spawn('sh', ['-c', 'exec sleep 600 < 0-big'], { cwd: directory });
  const opened = new Promise<void>((resolve) => child.once('spawn', resolve));
  await pipes.feed(() => opened);
  child.kill('SIGKILL');
  assert.deepEqual(readdirSync(directory).sort(), ['0-big', 'spares']);
});
