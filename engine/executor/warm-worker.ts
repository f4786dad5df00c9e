// A worker that keeps one container with a shell loop and feeds it one command after the other.

import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';
import type { OutputSink } from './attach-stream.ts';
import { Batch, type LoopOutcome } from './batch.ts';
import type { ContainerPlan } from './container-options.ts';
import { bind, extraBinds } from './container-options.ts';
import { ControlDirectory } from './control-directory.ts';
import { singleCommand } from './datum-client.ts';
import { dockerError } from './docker-errors.ts';
import type { Attached, AttachSpec, RunResult, RunSpec, Worker } from './executor.ts';
import { killRun } from './kill-run.ts';
import { LoopPipes } from './loop-pipes.ts';
import { LoopRun } from './loop-run.ts';
import { lossOfProcesses } from './loss.ts';
import type { LoopResult } from './marker-scanner.ts';
import { takeOverDirectory } from './take-over.ts';
import { WorkerContainer } from './worker-container.ts';
import { startDeadline, type WorkerContext } from './worker-context.ts';
import {
  commandLines,
  commandText,
  fitsLine,
  isPlainEnvironment,
  LOOSEN_TEXT,
  PIPES_WORD,
  sourceLine,
  workerLoop,
} from './worker-loop.ts';

/** How long a shell may take to say that it is there, on a machine under load. */
const READY_MS = 60_000;
/** How long a loop may take to say through its pipes that it uses them. */
const PIPES_MS = 5000;
/** How long opening up the outputs may take; a million files take less. */
const LOOSEN_MS = 60_000;
const NONCE_BYTES = 12;

/** One warm container; see `Worker` for what its methods promise. */
export class WarmWorker implements Worker {
  readonly id: string;
  readonly sharesInputs = true;
  readonly #context: WorkerContext;
  readonly #control: ControlDirectory;
  readonly #isPlain: boolean;
  #container: WorkerContainer | undefined;
  /** By which the loop gets commands and answers, where that is possible; otherwise Docker's stream does for both. */
  #pipes: LoopPipes | undefined;
  #current: LoopRun | undefined;
  #dead: string | undefined;
  #stopping: Promise<void> | undefined;
  #oomKills = 0;
  readonly #token: string;
  readonly #batch: Batch;

  private constructor(context: WorkerContext) {
    this.id = context.name;
    this.#context = context;
    this.#isPlain = isPlainEnvironment(context.env);
    this.#control = new ControlDirectory(join(context.scratchDirectory, context.name));
    this.#token = this.#nonce();
    this.#batch = new Batch({
      control: this.#control,
      clock: context.clock,
      path: context.env.PATH,
      begin: (spec, wrap) => this.#begin(spec, wrap),
      exchange: (line, spec) => this.#exchange(line, spec),
    });
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
    await this.#control.make();
    await this.#startContainer(signal);
    if (this.#context.pipes.work && !(await this.#usePipes())) {
      // Whatever this loop waits for now, another one is not told of pipes.
      this.#context.pipes.work = false;
      const container = this.#container;
      this.#container = undefined;
      await container?.remove();
      await this.#startContainer(signal);
    }
  }

  async #startContainer(signal: AbortSignal | undefined): Promise<void> {
    const { spec, env } = this.#context;
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
    const run = this.#expect(nonce, (chunk) => {
      complaint = (complaint + chunk.toString()).slice(-1000);
    });
    const made = await this.#context.create(plan);
    const container = await WorkerContainer.start(made, this.#sink, { autoRemove: true });
    this.#container = container;
    void container.stream.ended.then(() => this.#lost(container));
    container.stream.write(`${this.#token}\n`);
    const deadline = startDeadline(this.#context.clock, READY_MS, signal);
    try {
      const first = await Promise.race([run.done, deadline.passed]);
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
      this.#current = undefined;
      deadline.cancel();
    }
  }

  /** Asks the loop to go on over pipes; returns false where it neither does nor says that it can't. */
  async #usePipes(): Promise<boolean> {
    const pipes = await LoopPipes.make(this.#control.path, this.#sink);
    const nonce = this.#nonce();
    const run = this.#expect(nonce, () => {});
    const deadline = startDeadline(this.#context.clock, PIPES_MS, undefined);
    try {
      this.#send(nonce, PIPES_WORD);
      const first = await Promise.race([run.done, deadline.passed]);
      if (typeof first === 'object' && first.code === 0) {
        this.#pipes = pipes;
      }
      return first !== 'timed_out';
    } finally {
      this.#current = undefined;
      deadline.cancel();
      if (!this.#pipes) {
        pipes.close();
      }
    }
  }

  async run(spec: RunSpec): Promise<RunResult> {
    const container = this.#usable(spec.signal);
    const command = spec.command.length > 0 ? spec.command : this.#context.imageCommand;
    if (spec.takesDatums && (this.#pipes || this.#context.sharesKernel)) {
      const { hasAsked, ...outcome } = await this.#batch.serve({ ...spec, command });
      const result = await this.#resultOf(outcome, container);
      const isEarly = !hasAsked && result.kind === 'exited';
      return isEarly ? { kind: 'never_asked', code: result.code } : result;
    }
    if (this.#batch.isAsking) {
      await this.settle();
    }
    const whole = spec.takesDatums ? singleCommand(command) : command;
    const outcome = await this.#begin({ ...spec, command: whole }, (line) => line);
    return await this.#resultOf(outcome, container);
  }

  /** Has the loop run the line that `wrap` makes of a command, and waits for what it says. */
  async #begin(spec: RunSpec, wrap: (line: string) => string): Promise<LoopOutcome> {
    const nonce = this.#nonce();
    const files: string[] = [];
    const place = (suffix: string, content: string): string | Promise<string> => {
      if (this.#pipes) {
        return this.#control.replace(suffix, content);
      }
      files.push(`${nonce}.${suffix}`);
      return this.#control.place(`${nonce}.${suffix}`, content);
    };
    const run = this.#expect(nonce, spec.onOutput);
    try {
      const stdinPath = spec.stdin === undefined ? undefined : await place('in', spec.stdin);
      const text = commandText({
        argv: spec.command,
        env: spec.env,
        isPlain: this.#isPlain,
        workingDirectory: spec.workingDirectory ?? this.#context.workingDirectory,
        ...(stdinPath === undefined ? {} : { stdinPath }),
      });
      this.#send(nonce, wrap(fitsLine(text) ? text : sourceLine(await place('sh', text))));
      const outcome = await this.#watch(run, spec);
      run.check();
      return outcome;
    } finally {
      this.#current = undefined;
      if (files.length > 0) {
        await this.#control.discard(files);
      }
    }
  }

  /** Sends the loop a line, and waits for what it says. */
  async #exchange(
    line: string,
    spec: Pick<RunSpec, 'onOutput' | 'timeoutMs' | 'signal'>,
  ): Promise<LoopOutcome> {
    const nonce = this.#nonce();
    const run = this.#expect(nonce, spec.onOutput);
    try {
      this.#send(nonce, line);
      const outcome = await this.#watch(run, spec);
      run.check();
      return outcome;
    } finally {
      this.#current = undefined;
    }
  }

  async settle(): Promise<void> {
    if (this.#container && this.#dead === undefined && !this.#current) {
      await this.#batch.settle();
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
    await this.#exchange(LOOSEN_TEXT, { onOutput: () => {}, timeoutMs: LOOSEN_MS });
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
      this.#pipes?.close();
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

  #send(nonce: string, line: string): void {
    const lines = commandLines(line, { token: this.#token, nonce });
    (this.#pipes ?? this.#container?.stream)?.write(lines);
  }

  /** Waits for the result of the run, and kills the run when its time is over or its work is cancelled. */
  async #watch(run: LoopRun, spec: Pick<RunSpec, 'timeoutMs' | 'signal'>): Promise<LoopOutcome> {
    const deadline = startDeadline(this.#context.clock, spec.timeoutMs, spec.signal);
    run.onFailure = () => deadline.pass();
    try {
      const first = await Promise.race([run.done, deadline.passed]);
      if (typeof first !== 'string') {
        return { result: first };
      }
      return { result: await this.#killRun(run.done), verdict: first };
    } finally {
      deadline.cancel();
    }
  }

  async #killRun(done: LoopRun['done']): Promise<LoopResult | undefined> {
    return await killRun(done, {
      clock: this.#context.clock,
      container: this.#container,
      onHard: () => {
        this.#dead ??= 'its container had to be killed';
      },
    });
  }

  async #resultOf(outcome: LoopOutcome, container: WorkerContainer): Promise<RunResult> {
    const { result, verdict } = outcome;
    const killed = result ? result.oomKills - this.#oomKills : 0;
    this.#oomKills = result?.oomKills ?? this.#oomKills;
    if (verdict === 'cancelled' || this.#stopping) {
      throw new EngineError('cancelled', `Cannot finish command in worker "${this.id}": cancelled`);
    }
    if (verdict === 'timed_out') {
      return { kind: 'timed_out' };
    }
    if (result?.state === 'gone') {
      this.#dead = 'a command left in it what nobody can remove';
      this.#usable(undefined);
    }
    const error = result?.state === 'asks' ? result.text.replace(/^next ?/, '') : '';
    if (result && (killed <= 0 || (result.code === 0 && error === ''))) {
      return result.state === 'asks'
        ? { kind: 'asked', error }
        : { kind: 'exited', code: result.code };
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

  /** Makes the command with this nonce the current one. */
  #expect(nonce: string, onOutput: RunSpec['onOutput']): LoopRun {
    const run = new LoopRun(nonce, onOutput);
    this.#current = run;
    return run;
  }

  readonly #sink: OutputSink = (payload) => {
    const current = this.#current;
    return current?.isOver === false ? current.take(payload) : undefined;
  };

  async #lost(container: WorkerContainer): Promise<void> {
    if (this.#container !== container) {
      return;
    }
    this.#dead ??= 'its container has died';
    await this.#pipes?.drain();
    await this.#current?.lose();
  }
}
