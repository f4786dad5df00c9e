// What a person at a terminal sees, and a program that reads a pipe does not: colour, and bars that fill up.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../cli/run.ts';
import { FakeEngine, sendJson } from './fake-engine.ts';

const ID = '018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e';
const ESCAPE = '\x1b[';
const folder = mkdtempSync(join(tmpdir(), 'pfs-terminal-'));
let engine: FakeEngine;

const JOB = {
  pipeline: { project: 'default', name: 'p' },
  id: ID,
  version: 1,
  reason: '',
  created: '2026-11-22T11:57:00Z',
  started: '2026-11-22T11:57:00Z',
  finished: null,
  restarts: 0,
  stats: { downloadBytes: 0, uploadBytes: 0, downloadMs: 0, processMs: 0, uploadMs: 0 },
};
const counts = (processed: number) => ({
  total: 4,
  processed,
  skipped: 0,
  failed: 0,
  recovered: 0,
});

let shown: Promise<void> = Promise.resolve();

before(async () => {
  engine = await FakeEngine.start();
  engine.handler = ({ method, path }, response) => {
    if (path === '/jobs') {
      const job = { ...JOB, state: 'running', datums: counts(1) };
      sendJson(response, 200, { items: [job], next: null });
    } else if (path.endsWith('/wait')) {
      response.write(`${JSON.stringify({ ...JOB, state: 'running', datums: counts(2) })}\n`);
      const done = { ...JOB, state: 'success', datums: counts(4), finished: JOB.started };
      void shown.then(() => response.end(`${JSON.stringify(done)}\n`));
    } else if (method === 'POST') {
      sendJson(response, 200, { id: ID });
    } else {
      return false;
    }
    return true;
  };
});
after(async () => {
  await engine.stop();
  rmSync(folder, { recursive: true });
});

interface World {
  readonly isTerminal: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command line that must succeed, and returns what it wrote on both streams. */
async function seen(line: string, { isTerminal, env = {} }: World): Promise<[string, string]> {
  const open = () => Object.assign(new PassThrough(), { isTTY: isTerminal, columns: 100 });
  const [stdout, stderr] = [open(), open()];
  let text = '';
  const all = new Promise<void>((resolve) => {
    stderr.on('data', (bytes: Buffer) => {
      text += bytes;
      if (text.includes('2 / 4')) {
        resolve();
      }
    });
  });
  // The job goes on once its first half was shown to those who see it.
  shown = isTerminal ? all : Promise.resolve();
  const code = await run(line.split(' '), {
    env: { PFS_HOME: '/nonexistent', PFS_TOKEN: 'x', PFS_ADDRESS: engine.address, ...env },
    stdin: Readable.from([]),
    stdout,
    stderr,
    signal: new AbortController().signal,
    now: Date.parse('2026-11-22T12:00:00Z'),
  });
  assert.equal(code, 0, text);
  return [String(stdout.read() ?? ''), text];
}

describe('colour', () => {
  it('is for terminals alone', async () => {
    const [painted] = await seen('list-job', { isTerminal: true });
    assert.ok(painted.includes(`${ESCAPE}36mrunning`), painted);
    const [piped] = await seen('list-job', { isTerminal: false });
    assert.match(piped, /running/);
    assert.ok(!piped.includes(ESCAPE));
  });

  it('is not for those who want none, nor for JSON', async () => {
    for (const [line, env] of [
      ['list-job', { NO_COLOR: '1' }],
      ['list-job', { TERM: 'dumb' }],
      ['list-job --raw', {}],
    ] as const) {
      const [text] = await seen(line, { isTerminal: true, env });
      assert.match(text, /running/);
      assert.ok(!text.includes(ESCAPE), line);
    }
  });
});

it('--full-timestamps shows times in full', async () => {
  const [usual] = await seen('list-job', { isTerminal: false });
  assert.match(usual, /3 minutes ago/);
  const [full] = await seen('list-job --full-timestamps', { isTerminal: false });
  assert.match(full, /2026-11-2\d \d\d:57:00 [+-]\d\d:\d\d/);
  assert.doesNotMatch(full, /ago/);
});

describe('a bar', () => {
  it('shows the datums of a job that is waited for, on a terminal alone', async () => {
    const [, bar] = await seen(`wait job p@${ID}`, { isTerminal: true });
    assert.match(bar, /2 \/ 4 .*datums, running/);
    const [printed, silence] = await seen(`wait job p@${ID}`, { isTerminal: false });
    assert.match(printed, /success/);
    assert.equal(silence, '');
  });

  it('shows how much of an upload is sent, on a terminal alone', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, Buffer.alloc(5_000_000));
    const [, bar] = await seen(`put file x@b -f ${file}`, { isTerminal: true });
    assert.match(bar, /4\.8 MiB/);
    const [, silence] = await seen(`put file x@b -f ${file}`, { isTerminal: false });
    assert.equal(silence, '');
    const [, raw] = await seen(`put file x@b -f ${file} --raw`, { isTerminal: true });
    assert.equal(raw, '');
  });
});
