// A worker with its directories, and short ways to run things in it.

import assert from 'node:assert/strict';
import type { RunResult, RunSpec, Worker } from '../../engine/executor/executor.ts';

/** A started worker. */
export interface Bench {
  readonly worker: Worker;
  readonly input: string;
  readonly output: string;
}

/** What a command did. */
export interface Ran {
  readonly result: RunResult;
  readonly bytes: Buffer;
  readonly text: string;
}

/** Runs a command and collects all it prints. */
export async function run(
  bench: Bench,
  spec: Partial<RunSpec> & { onText?: (text: string) => void },
): Promise<Ran> {
  const chunks: Buffer[] = [];
  const { onText, ...rest } = spec;
  const result = await bench.worker.run({
    command: [],
    env: {},
    onOutput: (chunk) => {
      chunks.push(Buffer.from(chunk));
      onText?.(chunk.toString());
    },
    ...rest,
  });
  const bytes = Buffer.concat(chunks);
  return { result, bytes, text: bytes.toString() };
}

/** Runs a shell script and collects all it prints. */
export async function sh(
  bench: Bench,
  script: string,
  spec: Partial<RunSpec> & { onText?: (text: string) => void } = {},
): Promise<Ran> {
  return await run(bench, { command: ['sh', '-c', script], ...spec });
}

/** Passes where the worker runs commands, or says that it can't. */
export async function stillUsableOrGone(bench: Bench): Promise<void> {
  try {
    assert.equal((await sh(bench, 'echo on')).text, 'on\n');
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'unavailable');
  }
}
