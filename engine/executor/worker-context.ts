// What a worker is given by the executor that starts it.

import type Docker from 'dockerode';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { ContainerPlan } from './container-options.ts';
import type { RunResult, Worker, WorkerSpec } from './executor.ts';
import type { SecretFiles } from './secret-files.ts';
import type { WorkerContainer } from './worker-container.ts';

/** Why a run was ended before its end. */
export type Verdict = 'timed_out' | 'cancelled';

/** The surroundings of one worker. */
export interface WorkerContext {
  readonly spec: WorkerSpec;
  /** Unique among all containers of this engine. */
  readonly name: string;
  /** A directory of the engine's own, in which workers keep directories under their names. */
  readonly scratchDirectory: string;
  readonly secretFiles: SecretFiles;
  readonly clock: Clock;
  readonly random: Random;
  /** What every command finds in its environment: the image's, the user's proxies. */
  readonly env: Readonly<Record<string, string>>;
  /** The image's own entrypoint and command, for a run without a command. */
  readonly imageCommand: readonly string[];
  readonly workingDirectory: string;
  /** Commands run on this machine's own kernel for sure, so that a named pipe made here is one there. */
  readonly sharesKernel?: true;
  /** Whether the containers run on this machine: only then is there a way to their ports. */
  readonly isLocal: boolean;
  readonly create: (plan: ContainerPlan) => Promise<Docker.Container>;
  /** Makes a container of the same image that is never started, through which the Docker engine moves files. */
  readonly createHelper: (mounts: readonly Docker.MountSettings[]) => Promise<Docker.Container>;
  /** Finds out why the container died under a command. */
  readonly describeLoss: (container: WorkerContainer) => Promise<RunResult>;
  /** Whether named pipes lead into containers here; shared by all workers, and tried by the first. */
  readonly pipes: { work: boolean };
  readonly onStopped: (worker: Worker) => void;
  /** Takes a container that could not be removed now, to be removed when Docker answers again. */
  readonly onLeft: (container: string) => void;
}

/** A point in time, or the abort of a signal, that can be raced against. */
export interface Deadline {
  readonly passed: Promise<Verdict>;
  /** As if the signal had aborted. */
  pass(): void;
  cancel(): void;
}

/** Starts a deadline `ms` from now, or never where undefined. */
export function startDeadline(
  clock: Clock,
  ms: number | undefined,
  signal: AbortSignal | undefined,
): Deadline {
  let settle: (verdict: Verdict) => void = () => {};
  const passed = new Promise<Verdict>((resolve) => {
    settle = resolve;
  });
  // One is made for every datum: a controller and a timer only where they are needed.
  const pass = () => settle('cancelled');
  if (signal?.aborted) {
    pass();
  } else {
    signal?.addEventListener('abort', pass, { once: true });
  }
  const over = ms === undefined ? undefined : new AbortController();
  if (ms !== undefined && over) {
    clock.sleep(ms, { signal: over.signal }).then(
      () => settle('timed_out'),
      () => {},
    );
  }
  return {
    passed,
    pass,
    cancel: () => {
      signal?.removeEventListener('abort', pass);
      over?.abort();
    },
  };
}
