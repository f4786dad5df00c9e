// Pipelines for rows of the bench, on the small image of the tests, and what they are compared with: containers that
// Docker's own command starts.

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Job } from '../../engine/server/wire.ts';
import { testImages } from '../support/docker.ts';
import type { BenchEngine } from './bench-engine.ts';
import { frames } from './data.ts';
import { runTimed } from './program.ts';
import type { Workspace } from './workspace.ts';

/** A trivial datum: takes in one small file, writes one. */
export const COPY = ['cp', '-r', '/pfs/data/.', '/pfs/out/'] as const;

export interface BenchPipeline {
  readonly name: string;
  readonly command?: readonly string[];
  /** The repo that every file of which is a datum, under the name `data`. */
  readonly repo?: string;
  readonly glob?: string;
  readonly workers?: number;
  /** Instead of `repo`. */
  readonly input?: Readonly<Record<string, unknown>>;
}

/** Returns the image of the pipelines; rejects where there is no Docker engine. */
async function benchImage(): Promise<string> {
  const images = await testImages();
  if (images.skip !== undefined) {
    throw new Error(images.skip);
  }
  return images.busybox;
}

/** Creates pipelines, all in one transaction. */
export async function createPipelines(
  bench: Workspace,
  engine: BenchEngine,
  pipelines: readonly BenchPipeline[],
): Promise<void> {
  const image = await benchImage();
  const specs = pipelines.map(({ name, command, repo, glob, workers, input }) => ({
    pipeline: { name },
    transform: { image, cmd: command ?? COPY },
    input: input ?? { pfs: { name: 'data', repo, glob: glob ?? '/*' } },
    parallelism_spec: { constant: workers ?? 1 },
  }));
  const file = bench.fresh('spec');
  writeFileSync(file, JSON.stringify(specs));
  await engine.pfs('create-pipeline', '-f', file);
}

/**
 * Commits files and waits for the output commit that they cause; returns the milliseconds from the acknowledgement on, or
 * from before the commit.
 */
export async function commitToOutput(
  engine: BenchEngine,
  to: { readonly repo: string; readonly pipeline: string },
  files: Iterable<{ readonly path: string; readonly data: Uint8Array }>,
  { withCommit = false } = {},
): Promise<number> {
  const before = performance.now();
  const { id } = await engine.put(to.repo, frames(files));
  const started = withCommit ? before : performance.now();
  await outputOf(engine, to.pipeline, id);
  return performance.now() - started;
}

/** Waits for the output commit of a set, and returns the job that made it; rejects where that failed. */
export async function outputOf(engine: BenchEngine, pipeline: string, set: string): Promise<Job> {
  const { client } = engine;
  const commit = await client.call('GET /repos/{project}/{repo}/commits/{ref}/wait', {
    params: { project: 'default', repo: pipeline, ref: set },
  });
  const job = await client.call('GET /pipelines/{project}/{pipeline}/jobs/{id}', {
    params: { project: 'default', pipeline, id: commit.id },
  });
  if (job.state !== 'success') {
    throw new Error(`the job of "${pipeline}" ended as ${job.state}: ${job.reason}`);
  }
  return job;
}

/** A container that does nothing until it is ended; it can't outlive the bench, whose pipe it reads. */
export class IdleContainer {
  readonly #name = `pfs-bench-${process.pid}`;
  #process: ChildProcess | undefined;

  async start(): Promise<void> {
    const image = await benchImage();
    const words = ['run', '--rm', '-i', '--name', this.#name, image];
    const child = spawn('docker', [...words, 'sh', '-c', 'echo ready; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error('Cannot start a container to compare with')));
      child.stdout.once('data', () => resolve());
    });
  }

  /** Runs a command in it with `docker exec`; returns the seconds. */
  async exec(...argv: readonly string[]): Promise<number> {
    return (await runTimed('docker', ['exec', this.#name, ...argv])).seconds;
  }

  /** Ends it, and waits until it is removed. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child) {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.stdin?.end();
      await ended;
    }
  }
}

/** Runs a command in a container of its own with `docker run`; returns the milliseconds. */
export async function dockerRun(...argv: readonly string[]): Promise<number> {
  const { seconds } = await runTimed('docker', ['run', '--rm', await benchImage(), ...argv]);
  return seconds * 1000;
}
