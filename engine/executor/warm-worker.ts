// A worker that keeps one container with a shell loop and feeds it one command after the other.

import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';
import type { ContainerPlan } from './container-options.ts';
import { bind, extraBinds } from './container-options.ts';
import { ControlDirectory } from './control-directory.ts';
import { dockerError } from './docker-errors.ts';
import type { Attached, AttachSpec, RunResult, RunSpec, Worker } from './executor.ts';
import { lossOfProcesses } from './loss.ts';
import { type LoopResult, MarkerScanner } from './marker-scanner.ts';
import { takeOverDirectory } from './take-over.ts';
import { WorkerContainer } from './worker-container.ts';
import { startDeadline, type Verdict, type WorkerContext } from './worker-context.ts';
import { commandText, fitsLine, LOOSEN_TEXT, sourceLine, workerLoop } from './worker-loop.ts';

/** How long a kill may take before the whole container is killed instead. */
const KILL_GRACE_MS = 5000;
/** A kill that comes before the loop has started the command hits nothing, so it is tried again. */
const KILL_AGAIN_MS = 250;
/** How long a shell may take to say that it is there, on a machine under load. */
const READY_MS = 60_000;
/** How long opening up the outputs may take; a million files take less. */
const LOOSEN_MS = 60_000;
const NONCE_BYTES = 12;

interface CurrentRun {
  readonly scanner: MarkerScanner;
  readonly onOutput: (chunk: Buffer) => void | Promise<void>;
  readonly finish: (result: LoopResult | undefined) => void;
  /** Aborts when the reader of the output fails; the command is killed then. */
  readonly failed: AbortController;
  failure?: unknown;
}

/** One warm container; see `Worker` for what its methods promise. */
export class WarmWorker implements Worker {
  readonly id: string;
  readonly sharesInputs = true;
  readonly #context: WorkerContext;
  readonly #control: ControlDirectory;
  #container: WorkerContainer | undefined;
  #current: CurrentRun | undefined;
  #dead: string | undefined;
  #stopping: Promise<void> | undefined;
  #oomKills = 0;

  private constructor(context: WorkerContext) {
    this.id = context.name;
    this.#context = context;
    this.#control = new ControlDirectory(join(context.scratchDirectory, context.name));
  }

  /** Makes and starts the container, and waits until its loop is ready. */
  static async start(
    context: WorkerContext,
    options: { signal?: AbortSignal } = {},
  ): Promise<WarmWorker> {
    const worker = new WarmWorker(context);
    try {
      await worker.#start(options.signal);
      return worker;
    } catch (error) {
      await worker.stop();
      throw error;
    }
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const { spec, env } = this.#context;
    await this.#control.make();
    const nonce = this.#nonce();
    const plan: ContainerPlan = {
      entrypoint: ['/bin/sh', '-c', workerLoop(env), nonce],
      command: [],
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      mounts: [
        bind(spec.inputDirectory, '/pfs', true),
        bind(spec.outputDirectory, '/pfs/out', false),
        this.#control.mount,
        ...extraBinds(spec),
        ...this.#context.secretFiles.mounts,
      ],
      autoRemove: true,
      workingDirectory: '/',
    };
    let complaint = '';
    const { done: ready } = this.#expect(nonce, (chunk) => {
      complaint = (complaint + chunk.toString()).slice(-1000);
    });
    const made = await this.#context.create(plan);
    const container = await WorkerContainer.start(made, (payload) => this.#take(payload), {
      autoRemove: true,
    });
    this.#container = container;
    void container.stream.ended.then(() => this.#lost());
    const deadline = startDeadline(this.#context.clock, READY_MS, signal);
    try {
      const first = await Promise.race([ready, deadline.passed]);
      if (typeof first !== 'object') {
        const why = first === 'cancelled' ? 'the work was cancelled' : 'its shell did not answer';
        const said = [complaint, container.stream.complaint].join(' ').trim();
        throw new EngineError(
          first === 'cancelled' ? 'cancelled' : 'failed_precondition',
          `Cannot start a worker on image "${spec.image.reference}": ${why}${said && `, it printed: ${said}`}; check that its /bin/sh works`,
        );
      }
      this.#oomKills = first.oomKills;
    } finally {
      deadline.cancel();
    }
  }

  async run(spec: RunSpec): Promise<RunResult> {
    const container = this.#usable(spec.signal);
    const nonce = this.#nonce();
    const files: string[] = [];
    const place = async (suffix: string, content: string): Promise<string> => {
      files.push(`${nonce}.${suffix}`);
      return await this.#control.place(`${nonce}.${suffix}`, content);
    };
    const { done, current } = this.#expect(nonce, spec.onOutput);
    try {
      const stdinPath = spec.stdin === undefined ? undefined : await place('in', spec.stdin);
      const text = commandText({
        argv: spec.command.length > 0 ? spec.command : this.#context.imageCommand,
        env: spec.env,
        workingDirectory: spec.workingDirectory ?? this.#context.workingDirectory,
        ...(stdinPath === undefined ? {} : { stdinPath }),
      });
      const line = fitsLine(text) ? text : sourceLine(await place('sh', text));
      container.stream.write(`${nonce}\n${line}\n`);
      const signals = [spec.signal, current.failed.signal].filter((signal) => signal !== undefined);
      const outcome = await this.#watch(done, {
        ...(spec.timeoutMs === undefined ? {} : { timeoutMs: spec.timeoutMs }),
        signal: AbortSignal.any(signals),
      });
      if (current.failed.signal.aborted) {
        throw current.failure;
      }
      return await this.#resultOf(outcome, container);
    } finally {
      this.#current = undefined;
      await this.#control.discard(files);
    }
  }

  async attach(spec: AttachSpec): Promise<Attached> {
    const { env, workingDirectory } = this.#context;
    return await this.#usable(undefined).attach(spec, {
      env,
      workingDirectory,
      place: (text) => this.#control.place('attach.sh', text),
    });
  }

  async takeOver(): Promise<void> {
    await this.#loosen();
    await takeOverDirectory(this.#context.spec.outputDirectory, (mounts) =>
      this.#context.createHelper(mounts),
    );
  }

  /** Lets the container's own user open up what it left; two milliseconds where that is enough. */
  async #loosen(): Promise<void> {
    if (!this.#container || this.#dead !== undefined || this.#current) {
      return;
    }
    const nonce = this.#nonce();
    const { done } = this.#expect(nonce, () => {});
    this.#container.stream.write(`${nonce}\n${LOOSEN_TEXT}\n`);
    await this.#watch(done, { timeoutMs: LOOSEN_MS });
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#dead ??= 'it was stopped';
    try {
      await this.#container?.remove();
      await this.#control.remove();
    } catch (error) {
      if (this.#container) {
        this.#context.onLeft(this.#container.id);
      }
      throw dockerError(error, `stop worker "${this.id}"`);
    } finally {
      this.#context.onStopped(this);
    }
  }

  #usable(signal: AbortSignal | undefined): WorkerContainer {
    if (signal?.aborted) {
      throw new EngineError('cancelled', `Cannot run command in worker "${this.id}": cancelled`);
    }
    if (this.#current) {
      throw new EngineError(
        'failed_precondition',
        `Cannot run command in worker "${this.id}": it is running another; wait for that to end`,
      );
    }
    if (!this.#container || this.#dead !== undefined) {
      throw new EngineError(
        'unavailable',
        `Cannot run command in worker "${this.id}": ${this.#dead ?? 'it was not started'}; start another worker`,
      );
    }
    return this.#container;
  }

  /** Waits for the result of the run, and kills the run when its time is over or its work is cancelled. */
  async #watch(
    done: Promise<LoopResult | undefined>,
    spec: Pick<RunSpec, 'timeoutMs' | 'signal'>,
  ): Promise<{ result: LoopResult | undefined; verdict?: Verdict }> {
    const deadline = startDeadline(this.#context.clock, spec.timeoutMs, spec.signal);
    try {
      const first = await Promise.race([done, deadline.passed]);
      if (typeof first !== 'string') {
        return { result: first };
      }
      return { result: await this.#killRun(done), verdict: first };
    } finally {
      deadline.cancel();
    }
  }

  async #killRun(done: Promise<LoopResult | undefined>): Promise<LoopResult | undefined> {
    const { clock } = this.#context;
    const started = clock.monotonic();
    while (clock.monotonic() - started < KILL_GRACE_MS) {
      // Awaited to its end: a kill that came late would hit the next command.
      const killed = this.#container?.exec(['/bin/sh', '-c', 'kill -9 -1']).catch(() => 'failed');
      const hard = startDeadline(clock, KILL_GRACE_MS, undefined);
      const failed = await Promise.race([killed, hard.passed]);
      hard.cancel();
      if (failed !== undefined) {
        break;
      }
      const again = startDeadline(clock, KILL_AGAIN_MS, undefined);
      const result = await Promise.race([done, again.passed]);
      again.cancel();
      if (typeof result !== 'string') {
        return result;
      }
    }
    this.#dead ??= 'its container had to be killed';
    await this.#container?.kill();
    return await done;
  }

  async #resultOf(
    outcome: { result: LoopResult | undefined; verdict?: Verdict },
    container: WorkerContainer,
  ): Promise<RunResult> {
    const { result, verdict } = outcome;
    const killed = result ? result.oomKills - this.#oomKills : 0;
    this.#oomKills = result?.oomKills ?? this.#oomKills;
    if (verdict === 'cancelled' || this.#stopping) {
      throw new EngineError('cancelled', `Cannot finish command in worker "${this.id}": cancelled`);
    }
    if (verdict === 'timed_out') {
      return { kind: 'timed_out' };
    }
    if (result && (result.code === 0 || killed <= 0)) {
      return { kind: 'exited', code: result.code };
    }
    if (result) {
      this.#dead = 'the kernel killed a process in it for memory';
      const { limits } = this.#context.spec;
      return lossOfProcesses(killed, { code: result.code, limits });
    }
    return await this.#context.describeLoss(container);
  }

  #nonce(): string {
    return this.#context.random.bytes(NONCE_BYTES).toString('hex');
  }

  /** Makes the command with this nonce the current one; `done` resolves without a result when the container dies. */
  #expect(
    nonce: string,
    onOutput: CurrentRun['onOutput'],
  ): { done: Promise<LoopResult | undefined>; current: CurrentRun } {
    let finish: CurrentRun['finish'] = () => {};
    const done = new Promise<LoopResult | undefined>((resolve) => {
      finish = (result) => {
        this.#current = undefined;
        resolve(result);
      };
    });
    const scanner = new MarkerScanner(nonce);
    const current: CurrentRun = { scanner, onOutput, finish, failed: new AbortController() };
    this.#current = current;
    return { done, current };
  }

  async #take(payload: Buffer): Promise<void> {
    const current = this.#current;
    if (!current) {
      return;
    }
    const { output, result } = current.scanner.scan(payload);
    await this.#deliver(current, output);
    if (result) {
      current.finish(result);
    }
  }

  async #deliver(current: CurrentRun, output: Buffer): Promise<void> {
    if (output.length === 0 || current.failed.signal.aborted) {
      return;
    }
    try {
      await current.onOutput(output);
    } catch (error) {
      current.failure = error;
      current.failed.abort();
    }
  }

  async #lost(): Promise<void> {
    this.#dead ??= 'its container has died';
    const current = this.#current;
    if (current) {
      await this.#deliver(current, current.scanner.rest());
      current.finish(undefined);
    }
  }
}
