// Runs functions on the directories of a worker in place of containers: deterministic, counted, and able to fail, hang
// and die as told.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../../engine/base/clock.ts';
import { EngineError } from '../../engine/base/errors.ts';
import type {
  Attached,
  AttachSpec,
  Executor,
  ResolvedImage,
  RunResult,
  RunSpec,
  Worker,
  WorkerSpec,
} from '../../engine/executor/executor.ts';

/** User code: returns its exit code (0 for nothing), or how it ended. */
export type UserCode = (run: FakeRun) => Ending | Promise<Ending>;
// biome-ignore lint/suspicious/noConfusingVoidType: user code that returns nothing ends well.
type Ending = RunResult | number | void;

/** What was run: one attempt at one datum. */
export interface RunRecord {
  readonly pipeline: string;
  readonly job: string;
  readonly datum: string;
  readonly worker: string;
  readonly image: string;
}

/** One run of user code, with its directories in its hands. */
export class FakeRun {
  readonly spec: RunSpec;
  readonly worker: string;
  readonly #place: WorkerSpec;
  readonly #clock: Clock;

  constructor(spec: RunSpec, options: { worker: string; place: WorkerSpec; clock: Clock }) {
    this.spec = spec;
    this.worker = options.worker;
    this.#place = options.place;
    this.#clock = options.clock;
  }

  get env(): Readonly<Record<string, string>> {
    return this.spec.env;
  }

  /** Returns the files of an input as text, by path without a leading slash. */
  input(name: string): Record<string, string> {
    const files: Record<string, string> = {};
    const root = join(this.#place.inputDirectory, name);
    const walk = (path: string) => {
      for (const entry of readdirSync(join(root, path)).sort()) {
        const below = path === '' ? entry : `${path}/${entry}`;
        if (statSync(join(root, below)).isDirectory()) {
          walk(below);
        } else {
          files[below] = readFileSync(join(root, below), 'utf8');
        }
      }
    };
    walk('');
    return files;
  }

  /** Returns where an input is on this machine. */
  path(name: string): string {
    return join(this.#place.inputDirectory, name);
  }

  write(path: string, text: string): void {
    const file = join(this.#place.outputDirectory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  async print(text: string): Promise<void> {
    await this.spec.onOutput(Buffer.from(text));
  }

  /** Goes on until the time is up or the run is cancelled. */
  async hang(): Promise<RunResult> {
    const { timeoutMs, signal } = this.spec;
    if (timeoutMs === undefined) {
      return await new Promise(() => undefined);
    }
    await this.#clock.sleep(timeoutMs, signal ? { signal } : {});
    return { kind: 'timed_out' };
  }
}

/** An executor without containers. */
export class FakeExecutor implements Executor {
  readonly kind = 'docker';
  /** Every attempt, in the order in which they began. */
  readonly runs: RunRecord[] = [];
  /** What each image name means now; a name without an entry is an image that is nowhere. */
  readonly images = new Map([['busybox', 'sha256:b1']]);
  /** Workers that were started and not yet stopped. */
  readonly alive = new Set<string>();
  /** The most workers that were at work at once. */
  busiest = 0;
  started = 0;
  /** Gets each worker as it is asked for. */
  readonly specs: WorkerSpec[] = [];
  /** Set to false for containers that get a copy of their inputs. */
  sharesInputs = true;
  /** What the machine has on which user code is said to run. */
  machine = { cpus: 1000, memoryBytes: 2 ** 50 };
  /** Set to keep no record of runs. */
  forgetful = false;
  readonly #code = new Map<string, UserCode>();
  readonly #clock: Clock;
  #busy = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Says what a pipeline's user code does; without it the inputs are copied to the output. */
  setCode(pipeline: string, code: UserCode): void {
    this.#code.set(pipeline, code);
  }

  /** Returns how many attempts were made for a pipeline. */
  count(pipeline: string): number {
    return this.runs.filter((run) => run.pipeline === pipeline).length;
  }

  async probe() {
    return { ok: true, notes: [] };
  }

  async capacity() {
    return this.machine;
  }

  async resolveImage(reference: string): Promise<ResolvedImage> {
    const known = [...this.images.values()].includes(reference) ? reference : undefined;
    const id = known ?? this.images.get(reference);
    if (id === undefined) {
      throw new EngineError('not_found', `Cannot find image "${reference}": no registry has it`);
    }
    return { reference, digest: id, id, hasShell: true };
  }

  async startWorker(place: WorkerSpec): Promise<Worker> {
    this.started += 1;
    const id = `worker-${this.started}`;
    this.specs.push(place);
    this.alive.add(id);
    return {
      id,
      sharesInputs: this.sharesInputs,
      run: (spec) => this.#run(spec, { id, place }),
      takeOver: () => Promise.resolve(),
      attach: (spec) => Promise.resolve(attach(spec)),
      stop: async () => {
        this.alive.delete(id);
      },
    };
  }

  async engineHost() {
    return { listen: '127.0.0.1', host: '127.0.0.1' };
  }

  async sweep(): Promise<void> {}

  async reclaim(): Promise<void> {}

  async close(): Promise<void> {
    this.alive.clear();
  }

  async #run(spec: RunSpec, at: { id: string; place: WorkerSpec }): Promise<RunResult> {
    const {
      PPS_PIPELINE_NAME: pipeline = '',
      PFS_JOB_ID: job = '',
      PFS_DATUM_ID: datum = '',
    } = spec.env;
    if (!this.forgetful) {
      const { image } = at.place;
      this.runs.push({ pipeline, job, datum, worker: at.id, image: image.id });
    }
    const run = new FakeRun(spec, { worker: at.id, place: at.place, clock: this.#clock });
    const code = this.#code.get(pipeline) ?? copyInputs;
    this.#busy += 1;
    this.busiest = Math.max(this.busiest, this.#busy);
    try {
      const ended = await Promise.race([code(run), cancelledBy(spec.signal)]);
      return typeof ended === 'object' ? ended : { kind: 'exited', code: ended ?? 0 };
    } finally {
      this.#busy -= 1;
    }
  }
}

/** Says what it was given, and ends with its standard input. */
function attach(spec: AttachSpec): Attached {
  let finish: (code: number) => void = () => undefined;
  const exited = new Promise<number>((resolve) => {
    finish = resolve;
  });
  void spec.onOutput(Buffer.from(`${spec.command.join(' ')}\n`), 'stdout');
  return {
    exited,
    write: async (bytes) => spec.onOutput(Buffer.from(bytes), 'stdout'),
    end: () => finish(0),
    resize: () => Promise.resolve(),
  };
}

function copyInputs(run: FakeRun): void {
  for (const name of Object.keys(run.env).filter((key) => `${key}_COMMIT` in run.env)) {
    for (const [path, text] of Object.entries(run.input(name))) {
      run.write(path, text);
    }
  }
}

function cancelledBy(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const cancel = () => reject(new EngineError('cancelled', 'Cannot go on: cancelled'));
    if (signal?.aborted) {
      cancel();
    }
    signal?.addEventListener('abort', cancel, { once: true });
  });
}
