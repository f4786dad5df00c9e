// Processes of this machine in namespaces of their own, with the calls by which workers handle containers: so that the same
// worker, loop and all, runs on both.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { EngineError, errorText, systemCode } from '../base/errors.ts';
import { startTime } from '../base/process-start.ts';
import type { ContainerPlan } from './container-options.ts';
import { type HostGroup, killedForMemory, makeHostGroup } from './host-group.ts';
import { DROP_RIGHTS, type HostMount, hostSetupText, NAMESPACES } from './host-setup.ts';
import { HostStream } from './host-stream.ts';
import { shellQuote } from './shell-quote.ts';

/** Exit code of what was killed. */
const KILLED = 137;
const MAX_COMPLAINT = 1000;
export const PID_FILE = 'pid';

export interface HostContainerOptions {
  readonly plan: ContainerPlan;
  readonly id: string;
  /** Of this container alone. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly hidden: readonly string[];
  readonly memoryScratch: boolean;
  readonly processes: number;
  /** Holds where this user may make control groups of memory. */
  readonly memoryBytes: number | undefined;
  readonly network: boolean;
}

/** One set of namespaces and all that runs in it. */
export class HostContainer {
  readonly id: string;
  readonly #options: HostContainerOptions;
  readonly #stream = new HostStream({ raw: false });
  readonly #ended: Promise<number>;
  #finish: (code: number) => void = () => undefined;
  #child: ChildProcess | undefined;
  #group: HostGroup | undefined;
  /** On this machine, of the first process in the namespaces. */
  #pid: number | undefined;
  #code: number | undefined;

  constructor(options: HostContainerOptions) {
    this.id = options.id;
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** This, as workers know containers. What is not here is never asked of a container that binds. */
  get asContainer(): Docker.Container {
    return this as unknown as Docker.Container;
  }

  attach(): Promise<HostStream> {
    return Promise.resolve(this.#stream);
  }

  /** Resolves once the command runs. Rejects with `failed_precondition`, and what to do, where the surroundings can't be made. */
  async start(): Promise<void> {
    const { plan, directory, environment, hidden, memoryScratch, processes, memoryBytes } =
      this.#options;
    for (const name of ['root', 'tmp', 'vartmp', 'upper', 'work']) {
      await mkdir(join(directory, name), { recursive: true });
    }
    const group = await makeHostGroup(this.id, { processes, memoryBytes });
    this.#group = group;
    const events = group.memoryEvents;
    const setup = hostSetupText({
      directory: await real(directory),
      home: environment.HOME ?? '/root',
      mounts: [
        ...(await Promise.all(plan.mounts.map(mountOf))),
        ...(events ? [{ source: events.file, target: events.shownAs, readOnly: true }] : []),
      ],
      hidden,
      memoryScratch,
      processes,
    });
    const words = [...(plan.entrypoint ?? []), ...(plan.command ?? [])];
    const child = spawn(
      '/bin/sh',
      [
        '-c',
        'for p in $0; do echo $$ > "$p"; done; exec "$@"',
        group.procs.join(' '),
        'unshare',
        ...this.#namespaces,
        '--map-root-user',
        '--fork',
        '--kill-child',
        '/bin/sh',
        '-c',
        setup,
        'pfs',
        ...words,
      ],
      { env: environment, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true, cwd: '/' },
    );
    this.#child = child;
    let complaint = '';
    const listen = (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-MAX_COMPLAINT);
    };
    child.stderr?.on('data', listen);
    child.once('error', (error) => {
      complaint ||= errorText(error);
      this.#finish(KILLED);
    });
    child.once('exit', (code) => this.#finish(code ?? KILLED));
    void this.#ended.then((code) => {
      this.#code = code;
    });
    const said = child.stdio[3];
    const ready = said ? once(said, 'data').then(([chunk]) => Number(String(chunk))) : this.#ended;
    const pid = await Promise.race([ready, this.#ended.then(() => undefined)]);
    child.stderr?.off('data', listen);
    if (pid === undefined) {
      throw setupError(complaint);
    }
    this.#pid = pid;
    await writeFile(join(directory, PID_FILE), `${pid} ${startTime(pid)}\n`);
    this.#stream.follow(child);
  }

  async wait(): Promise<{ StatusCode: number }> {
    return { StatusCode: await this.#ended };
  }

  inspect(): Promise<{ State: { Running: boolean; ExitCode: number; OOMKilled: boolean } }> {
    const Running = this.#code === undefined;
    return Promise.resolve({ State: { Running, ExitCode: this.#code ?? 0, OOMKilled: false } });
  }

  /** A command in the same namespaces, which can be started once. */
  exec(options: { readonly Cmd: readonly string[]; readonly Tty?: boolean }): Promise<HostExec> {
    return Promise.resolve(
      new HostExec((argv) => this.#enter(argv), { argv: options.Cmd, tty: options.Tty ?? false }),
    );
  }

  kill(): Promise<void> {
    if (this.#code === undefined) {
      kill(this.#pid ?? this.#child?.pid);
    }
    return Promise.resolve();
  }

  /** Whether the kernel has killed any of its processes for memory. */
  async ranOutOfMemory(): Promise<boolean> {
    const events = this.#group?.memoryEvents;
    return events !== undefined && (await killedForMemory(events)) > 0;
  }

  /** Ends all that runs in it, waits until that is gone, and removes its directory. */
  async remove(): Promise<void> {
    await this.kill();
    await (this.#child && this.#ended);
    await this.#group?.remove();
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  get #namespaces(): readonly string[] {
    return this.#options.network ? NAMESPACES : [...NAMESPACES, '--net'];
  }

  #enter(argv: readonly string[]): ChildProcess {
    const target = ['--target', String(this.#pid), '--preserve-credentials', ...this.#namespaces];
    return spawn('nsenter', [...target, ...DROP_RIGHTS, ...argv], {
      env: { ...this.#options.environment, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
    });
  }
}

/** One command beside the first; as Docker has it. */
class HostExec {
  readonly #enter: (argv: readonly string[]) => ChildProcess;
  readonly #argv: readonly string[];
  readonly #tty: boolean;
  #ended: Promise<number> | undefined;

  constructor(
    enter: (argv: readonly string[]) => ChildProcess,
    options: { readonly argv: readonly string[]; readonly tty: boolean },
  ) {
    this.#enter = enter;
    this.#argv = options.argv;
    this.#tty = options.tty;
  }

  start(): Promise<HostStream> {
    const line = this.#argv.map(shellQuote).join(' ');
    // Only another program can make a terminal.
    const terminal = ['script', '--quiet', '--return', '--flush', '--command', line, '/dev/null'];
    const child = this.#enter(this.#tty ? terminal : this.#argv);
    this.#ended = new Promise((resolve) => {
      child.once('error', () => resolve(KILLED));
      child.once('close', (code) => resolve(code ?? KILLED));
    });
    const stream = new HostStream({ raw: this.#tty });
    stream.follow(child);
    return Promise.resolve(stream);
  }

  async inspect(): Promise<{ Running: boolean; ExitCode: number | null }> {
    return { Running: false, ExitCode: (await this.#ended) ?? null };
  }

  async resize({ w, h }: { readonly w: number; readonly h: number }): Promise<void> {
    // The only one of its namespaces.
    const size = ['stty', '-F', '/dev/pts/0', 'cols', String(w), 'rows', String(h)];
    const child = this.#enter(size);
    child.once('error', () => undefined);
    await once(child, 'close').catch(() => undefined);
  }
}

/** Ends a process of this machine; one that is gone is fine. */
export function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) {
      process.kill(pid, 'SIGKILL');
    }
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') {
      throw error;
    }
  }
}

async function mountOf(mount: Docker.MountSettings): Promise<HostMount> {
  const { Source, Target, ReadOnly = false } = mount;
  return { source: await real(Source), target: Target, readOnly: ReadOnly };
}

/** Returns where something really is; what is not there is said by whoever needs it. */
async function real(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}

/** Says what keeps a machine from it, in words that help. */
function setupError(complaint: string): EngineError {
  const said = complaint.trim().split('\n').slice(-2).join('; ') || 'unshare ended without a word';
  const isMissing = /ENOENT|not found/.test(said);
  const remedy = isMissing
    ? 'install util-linux'
    : 'the kernel must allow user namespaces: as root, sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, sysctl -w kernel.unprivileged_userns_clone=1 on older Debian, sysctl -w user.max_user_namespaces=10000 elsewhere; in a container, start that with --privileged; or use Docker';
  return new EngineError(
    'failed_precondition',
    `Cannot run commands as processes of this machine: ${said}; ${remedy}`,
  );
}
