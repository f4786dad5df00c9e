// A command that stays up and is given one datum after the other, in a worker whose loop hands them out.

import type { Clock } from '../base/clock.ts';
import { BATCH_ANSWERS, BATCH_WORD } from './batch-loop.ts';
import type { ControlDirectory } from './control-directory.ts';
import { CONTROL_MOUNT } from './control-mount.ts';
import { CLIENT_FOLDER, DATUM_FILES } from './datum-client.ts';
import type { RunSpec } from './executor.ts';
import type { LoopResult } from './marker-scanner.ts';
import { shellQuote } from './shell-quote.ts';
import type { Verdict } from './worker-context.ts';

/** What containers have where their image says nothing. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** How long a command may go on once it knows that there is nothing more to do. */
const END_MS = 10_000;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** How an exchange with the loop ended: with what it said, or with an end from outside. */
export interface LoopOutcome {
  readonly result: LoopResult | undefined;
  readonly verdict?: Verdict;
}

type Waiting = Pick<RunSpec, 'onOutput' | 'timeoutMs' | 'signal'>;

export interface BatchOptions {
  readonly control: ControlDirectory;
  readonly clock: Clock;
  /** `PATH` of the image. */
  readonly path: string | undefined;
  /** Starts a command by the line that `wrap` makes of its own, and waits until the loop says something. */
  readonly begin: (spec: RunSpec, wrap: (line: string) => string) => Promise<LoopOutcome>;
  /** Sends a line, and waits until the loop says something. */
  readonly exchange: (line: string, spec: Waiting) => Promise<LoopOutcome>;
}

/** The command of one worker that takes datums. */
export class Batch {
  readonly #options: BatchOptions;
  #client: Promise<void> | undefined;
  #isAsking = false;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Whether a command waits for its next datum; all of its processes are stopped then. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /**
   * Gives the command its next datum, after starting it where none waits, and returns how that ended; `hasAsked` is false
   * where it ended before it had asked for its first one.
   */
  async serve(spec: RunSpec): Promise<LoopOutcome & { readonly hasAsked: boolean }> {
    const { clock, control, begin, exchange } = this.#options;
    const { timeoutMs } = spec;
    const started = clock.monotonic();
    this.#client ??= control.makeClient();
    await this.#client;
    control.replace(DATUM_FILES.PFS_DATUM_ENV, shellVariables(spec.env));
    control.replace(DATUM_FILES.PFS_DATUM_ENVIRON, plainVariables(spec.env));
    if (!this.#isAsking) {
      const first = await begin({ ...spec, env: this.#environment(spec.env) }, (line) => {
        return `${BATCH_WORD} ${shellQuote(line)}`;
      });
      if (first.result?.state !== 'asks' || first.verdict) {
        return { ...(await this.#ended(first)), hasAsked: false };
      }
    }
    this.#isAsking = false;
    const left = timeoutMs && Math.max(1, timeoutMs - (clock.monotonic() - started));
    const outcome = await exchange(BATCH_ANSWERS.next, {
      ...spec,
      ...(left === undefined ? {} : { timeoutMs: left }),
    });
    this.#isAsking = outcome.result?.state === 'asks' && outcome.verdict === undefined;
    return { ...(await this.#ended(outcome)), hasAsked: true };
  }

  /** Tells a command that waits that there are no more datums, and resolves once it has ended, or was ended. */
  async settle(): Promise<void> {
    if (this.#isAsking) {
      this.#isAsking = false;
      const answer = { onOutput: () => {}, timeoutMs: END_MS };
      const outcome = await this.#options.exchange(BATCH_ANSWERS.none, answer);
      if (outcome.result?.state === 'asks') {
        await this.#end();
      }
    }
  }

  /** A command that was killed just after it had asked has left the loop with a question. */
  async #ended(outcome: LoopOutcome): Promise<LoopOutcome> {
    if (outcome.verdict !== undefined && outcome.result?.state === 'asks') {
      await this.#end();
    }
    return outcome;
  }

  async #end(): Promise<void> {
    await this.#options.exchange(BATCH_ANSWERS.end, { onOutput: () => {}, timeoutMs: END_MS });
  }

  #environment(env: RunSpec['env']): Record<string, string> {
    const path = env.PATH ?? this.#options.path ?? DEFAULT_PATH;
    const files = Object.entries(DATUM_FILES).map(([name, file]) => [
      name,
      `${CONTROL_MOUNT}/${file}`,
    ]);
    return { ...env, ...Object.fromEntries(files), PATH: `${CLIENT_FOLDER}:${path}` };
  }
}

/** For `.` in a shell; a variable whose name no shell can hold is left out. */
function shellVariables(env: RunSpec['env']): string {
  return Object.entries(env)
    .filter(([name]) => IDENTIFIER.test(name))
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join('');
}

/** As in `/proc/self/environ`. */
function plainVariables(env: RunSpec['env']): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
}
