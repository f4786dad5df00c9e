// The executor that runs user code with the programs of this machine, in namespaces of its own: for machines where Docker can't be
// had. Images are ignored. It is no wall: code sees, read-only, what the engine's user sees.

import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, hostname, release, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, systemCode } from '../base/errors.ts';
import { startTime } from '../base/process-start.ts';
import type { Random } from '../base/random.ts';
import type { ContainerPlan } from './container-options.ts';
import type { Environment } from './docker-config.ts';
import {
  type EngineHost,
  type Executor,
  type ExecutorHealth,
  HOST_DIGEST,
  type MachineCapacity,
  type ResolvedImage,
  type ResolveOptions,
  type ResourceLimits,
  type RunResult,
  type Worker,
  type WorkerSpec,
} from './executor.ts';
import { HostContainer, kill, PID_FILE } from './host-container.ts';
import { removeHostGroup } from './host-group.ts';
import { HOST_TOOLS } from './host-setup.ts';
import { removeOldDirectories } from './left-behind.ts';
import { limitText } from './loss.ts';
import { SecretFiles } from './secret-files.ts';
import { SecretPlace } from './secret-place.ts';
import { takeOverDirectory } from './take-over.ts';
import { WarmWorker } from './warm-worker.ts';
import type { WorkerContainer } from './worker-container.ts';
import type { WorkerContext } from './worker-context.ts';

const DEFAULT_PROCESSES = 4096;
const HOST_SUFFIX = '.host';
/** Handed on to user code from the engine's own environment; nothing else of it is. */
const KEPT = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ'] as const;
const NO_COMMAND =
  'echo "pfs: the spec has no cmd, and no image is there whose own could be run" >&2; exit 127';

export interface ProcessExecutorOptions {
  readonly environment: Environment;
  /** As of `DockerExecutorOptions`. */
  readonly instanceId: string;
  readonly engineId: string;
  /** An absolute directory of the engine's own, mode 0700. Made where absent. */
  readonly scratchDirectory: string;
  /** Directories of which user code sees nothing: the engine's home, its store. */
  readonly hidden: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
}

/** Runs commands as processes of this machine; see `Executor`. */
export class ProcessExecutor implements Executor {
  readonly kind = 'process';
  readonly #options: ProcessExecutorOptions;
  readonly #scratch: string;
  readonly #secrets: SecretPlace;
  readonly #workers = new Set<Worker>();
  /** A machine that can do it once can do it again. */
  #health: ExecutorHealth | undefined;
  #closed = false;

  constructor(options: ProcessExecutorOptions) {
    this.#options = options;
    const { scratchDirectory, instanceId, engineId } = options;
    this.#scratch = join(scratchDirectory, engineId);
    this.#secrets = new SecretPlace({
      instanceId,
      engineId,
      fallback: join(scratchDirectory, 'secrets'),
    });
  }

  async probe(): Promise<ExecutorHealth> {
    const health = this.#health ?? (await this.#look());
    this.#health = health.ok ? health : undefined;
    return health;
  }

  async #look(): Promise<ExecutorHealth> {
    const container = this.#container(`probe-${this.#suffix()}`, {
      plan: {
        entrypoint: ['/bin/sh', '-c', 'exit 0'],
        command: [],
        env: [],
        mounts: [],
        autoRemove: true,
      },
      memoryScratch: true,
      network: true,
      memoryBytes: undefined,
    });
    try {
      await this.#checkMachine();
      await container.start();
      return {
        ok: true,
        notes: [
          `Commands run as processes of this machine (${hostname()}, Linux ${release()}), in namespaces of their own`,
          'Images are ignored, limits of CPUs too, those of memory where the engine may make no control groups, and user code sees the files of this machine, read-only: run only code that you trust',
        ],
      };
    } catch (error) {
      return { ok: false, notes: [errorText(error)] };
    } finally {
      await container.remove();
    }
  }

  capacity(): Promise<MachineCapacity> {
    return Promise.resolve({ cpus: availableParallelism(), memoryBytes: totalmem() });
  }

  /** Any image will do, since none is used; `onProgress` is told so. */
  resolveImage(reference: string, options: ResolveOptions = {}): Promise<ResolvedImage> {
    options.onProgress?.(
      `pfs: image "${reference}" is ignored: this engine runs commands with the programs of its own machine`,
    );
    return Promise.resolve({ reference, digest: HOST_DIGEST, id: HOST_DIGEST, hasShell: true });
  }

  async startWorker(spec: WorkerSpec, options: { signal?: AbortSignal } = {}): Promise<Worker> {
    if (options.signal?.aborted || this.#closed) {
      throw new EngineError('cancelled', `Cannot start worker "${spec.name}": cancelled`);
    }
    if (spec.port !== undefined) {
      throw new EngineError(
        'failed_precondition',
        `Cannot start worker "${spec.name}": a service needs a network of its own, which only Docker gives; start the engine without --executor process`,
      );
    }
    await this.#checkMachine();
    await mkdir(join(spec.inputDirectory, 'out'), { recursive: true });
    await mkdir(spec.outputDirectory, { recursive: true });
    await chmod(spec.outputDirectory, 0o777);
    await mkdir(this.#scratch, { recursive: true, mode: 0o700 });
    const worker = await WarmWorker.start(await this.#contextFor(spec), options);
    if (this.#closed) {
      await worker.stop();
      throw new EngineError('cancelled', `Cannot start worker "${spec.name}": the engine stops`);
    }
    this.#workers.add(worker);
    return worker;
  }

  /** Commands that have a network have that of this machine. */
  engineHost(): Promise<EngineHost> {
    return Promise.resolve({ listen: '127.0.0.1', host: '127.0.0.1' });
  }

  async sweep(): Promise<void> {
    const { scratchDirectory, engineId } = this.#options;
    for (const run of await names(scratchDirectory)) {
      for (const worker of run === engineId ? [] : await names(join(scratchDirectory, run))) {
        await endLeftBehind(join(scratchDirectory, run, worker));
      }
    }
    await removeOldDirectories(scratchDirectory, engineId);
    await this.#secrets.sweep();
  }

  async reclaim(directory: string): Promise<void> {
    await takeOverDirectory(directory, noHelper);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const stopped = await Promise.allSettled([...this.#workers].map((worker) => worker.stop()));
    await this.#secrets.remove();
    await rm(this.#scratch, { recursive: true, force: true });
    for (const result of stopped) {
      if (result.status === 'rejected') {
        throw result.reason;
      }
    }
  }

  async #contextFor(spec: WorkerSpec): Promise<WorkerContext> {
    const { clock, random } = this.#options;
    const name = `pfs-${spec.name.replace(/[^a-zA-Z0-9_.-]/g, '-')}-${this.#suffix()}`;
    const { secrets = [] } = spec;
    const place = secrets.length > 0 ? await this.#secrets.choose(() => Promise.resolve()) : '';
    const secretFiles = SecretFiles.place(place, { name, secrets });
    let host: HostContainer | undefined;
    const container = (plan: ContainerPlan) => {
      host = this.#container(name, {
        plan,
        memoryScratch: spec.memoryScratch ?? false,
        network: spec.hasNetwork ?? true,
        memoryBytes: spec.limits.memoryBytes,
      });
      return host;
    };
    return {
      spec,
      name,
      scratchDirectory: this.#scratch,
      secretFiles,
      clock,
      random,
      env: { PYTHONUNBUFFERED: '1' },
      imageCommand: ['/bin/sh', '-c', NO_COMMAND],
      workingDirectory: '/',
      isLocal: true,
      sharesKernel: true,
      // The streams of a process of this machine are pipes without detours.
      pipes: { work: false },
      create: (plan) => Promise.resolve(container(plan).asContainer),
      createHelper: noHelper,
      describeLoss: (lost) => lossOf(lost, { host, limits: spec.limits }),
      onStopped: (worker) => {
        this.#workers.delete(worker);
        secretFiles.remove();
      },
      onLeft: () => undefined,
    };
  }

  #container(
    name: string,
    options: {
      readonly plan: ContainerPlan;
      readonly memoryScratch: boolean;
      readonly network: boolean;
      readonly memoryBytes: number | undefined;
    },
  ): HostContainer {
    const { environment, hidden } = this.#options;
    const kept = KEPT.flatMap((key) => {
      const value = environment[key];
      return value === undefined ? [] : [[key, value] as const];
    });
    const own = options.plan.env.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    });
    return new HostContainer({
      ...options,
      id: name,
      directory: join(this.#scratch, `${name}${HOST_SUFFIX}`),
      environment: { HOSTNAME: hostname(), ...Object.fromEntries([...kept, ...own]) },
      hidden,
      processes: DEFAULT_PROCESSES,
    });
  }

  async #checkMachine(): Promise<void> {
    if (process.platform !== 'linux') {
      throw new EngineError(
        'failed_precondition',
        'Cannot run commands as processes of this machine: that needs Linux; use Docker',
      );
    }
    const places = [...(this.#options.environment.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
    for (const tool of HOST_TOOLS) {
      const found = await Promise.all(
        places.map(async (place) => (await names(place)).includes(tool)),
      );
      if (!found.includes(true)) {
        throw new EngineError(
          'failed_precondition',
          `Cannot run commands as processes of this machine: it has no "${tool}"; install util-linux, or use Docker`,
        );
      }
    }
  }

  #suffix(): string {
    return this.#options.random.bytes(5).toString('hex');
  }
}

function noHelper(): Promise<never> {
  return Promise.reject(
    new EngineError(
      'failed_precondition',
      'Cannot take over files of another user: remove them as root',
    ),
  );
}

async function lossOf(
  container: WorkerContainer,
  { host, limits }: { readonly host: HostContainer | undefined; readonly limits: ResourceLimits },
): Promise<RunResult> {
  const code = await container.exit;
  if (await host?.ranOutOfMemory()) {
    const reason = `its processes were killed for memory (${limitText(limits)})`;
    return { kind: 'lost', reason, outOfMemory: true };
  }
  const said = container.stream.complaint;
  const reason = `its processes ended with code ${code ?? '?'} under the command${said && `: ${said}`}`;
  return { kind: 'lost', reason, outOfMemory: false };
}

/** Ends what a worker of a killed engine left: its processes, and the group that they were in. */
async function endLeftBehind(directory: string): Promise<void> {
  const text = await readFile(join(directory, PID_FILE), 'utf8').catch(() => '');
  const [pid = '', time = ''] = text.trim().split(' ');
  if (time !== '' && startTime(Number(pid)) === time) {
    kill(Number(pid));
  }
  if (directory.endsWith(HOST_SUFFIX)) {
    await removeHostGroup(basename(directory, HOST_SUFFIX));
  }
}

async function names(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (
      systemCode(error) === 'ENOENT' ||
      systemCode(error) === 'ENOTDIR' ||
      systemCode(error) === 'EACCES'
    ) {
      return [];
    }
    throw error;
  }
}
