// The executor that runs user code in Docker containers. It puts the parts together; what they do is in their files.

import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import type { Clock } from '../base/clock.ts';
import { EngineError, errorText } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { type BindFindings, probeBinds, probeSeen, transferNote } from './bind-probe.ts';
import {
  bind,
  type ContainerOwner,
  type ContainerPlan,
  containerOptions,
  ENGINE_LABEL,
  ownLabels,
} from './container-options.ts';
import type { Environment } from './docker-config.ts';
import { connectDocker, type DockerConnection } from './docker-connection.ts';
import { proxyVariables } from './docker-credentials.ts';
import { dockerError } from './docker-errors.ts';
import { DockerImages, type ImageDetails } from './docker-image.ts';
import { findEngineHost } from './engine-host.ts';
import type {
  EngineHost,
  Executor,
  ExecutorHealth,
  MachineCapacity,
  ResolvedImage,
  ResolveOptions,
  Worker,
  WorkerSpec,
} from './executor.ts';
import { removeOldContainers, removeOldDirectories } from './left-behind.ts';
import { mayHavePipes } from './loop-pipes.ts';
import { lossOfContainer } from './loss.ts';
import { OomWatch } from './oom-watch.ts';
import { isLocalEndpoint } from './port-addresses.ts';
import { RunWorker } from './run-worker.ts';
import { SecretFiles } from './secret-files.ts';
import { SecretPlace } from './secret-place.ts';
import { takeOverDirectory } from './take-over.ts';
import { WarmWorker } from './warm-worker.ts';
import { removeContainer } from './worker-container.ts';
import type { WorkerContext } from './worker-context.ts';

const DEFAULT_PIDS = 4096;

export interface DockerExecutorOptions {
  /** The user's environment: `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_CONFIG`, `HOME`, `PATH`, … */
  readonly environment: Environment;
  /**
   * The same for all runs of one engine on one machine and state directory, and for no other. No two engines with the
   * same one run at a time: the sweep takes all containers that carry it for left behind.
   */
  readonly instanceId: string;
  /** New for each run of the engine. */
  readonly engineId: string;
  /** An absolute directory of the engine's own, mode 0700, where Docker can bind from. Made where absent. */
  readonly scratchDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  /** The most processes and threads of one container. 4096 where undefined. */
  readonly pidsLimit?: number;
  /** Moves data as `tar` without asking, or trusts binds without asking; probed where undefined. */
  readonly forceTransfer?: 'bind' | 'tar';
}

/** Runs commands in Docker containers of the user's own Docker engine; see `Executor`. */
export class DockerExecutor implements Executor {
  readonly kind = 'docker';
  readonly #options: DockerExecutorOptions;
  readonly #owner: ContainerOwner;
  /** Of this run alone, so that the next one knows what to remove. */
  readonly #scratch: string;
  readonly #secrets: SecretPlace;
  readonly #workers = new Set<Worker>();
  /** Containers that could not be removed when they should have been: Docker did not answer. */
  readonly #left = new Set<string>();
  #swept = false;
  #connecting: Promise<Connected> | undefined;
  #closed = false;

  constructor(options: DockerExecutorOptions) {
    this.#options = options;
    this.#owner = { instanceId: options.instanceId, engineId: options.engineId };
    this.#scratch = join(options.scratchDirectory, options.engineId);
    this.#secrets = new SecretPlace({
      ...options,
      fallback: `${options.scratchDirectory}-secrets`,
    });
  }

  async probe(): Promise<ExecutorHealth> {
    try {
      const { connection, findings, seen } = await this.#connect();
      const { host, endpoint } = connection;
      await connection.docker.ping().catch((error: unknown) => {
        throw dockerError(error, 'use Docker', { endpoint });
      });
      return {
        ok: true,
        notes: [
          `Docker ${host.version} (API ${host.apiVersion}) at ${endpoint.host}, chosen by ${endpoint.source}; ${host.operatingSystem}, ${host.architecture}, ${host.cpus} CPUs`,
          transferNote(
            await (findings ?? seen)?.catch(() => undefined),
            this.#options.forceTransfer,
          ),
        ],
      };
    } catch (error) {
      return { ok: false, notes: [errorText(error)] };
    }
  }

  async capacity(): Promise<MachineCapacity> {
    const { connection } = await this.#connect();
    const { cpus, memoryBytes } = connection.host;
    return { cpus, memoryBytes };
  }

  async resolveImage(reference: string, options: ResolveOptions = {}): Promise<ResolvedImage> {
    const { images } = await this.#connect();
    return await images.resolve(reference, {
      ...options,
      environment: this.#options.environment,
      labels: ownLabels(this.#owner),
    });
  }

  async startWorker(spec: WorkerSpec, options: { signal?: AbortSignal } = {}): Promise<Worker> {
    if (options.signal?.aborted || this.#closed) {
      throw new EngineError('cancelled', `Cannot start worker "${spec.name}": cancelled`);
    }
    const connected = await this.#connect();
    await this.#tidy(connected);
    await prepareDirectories(spec);
    const transfer = await this.#transfer(connected, spec);
    const context = await this.#contextFor(connected, spec);
    const worker = await this.#start(context, { ...options, transfer });
    if (this.#closed) {
      await worker.stop();
      throw new EngineError('cancelled', `Cannot start worker "${spec.name}": the engine stops`);
    }
    this.#workers.add(worker);
    return worker;
  }

  async engineHost(): Promise<EngineHost> {
    const { connection } = await this.#connect();
    return await findEngineHost(connection);
  }

  async sweep(): Promise<void> {
    // Needs no Docker, which may be long in coming: nothing that was decrypted waits for it.
    await this.#secrets.sweep();
    const { connection } = await this.#connect();
    await removeOldContainers(connection, this.#owner);
    await removeOldDirectories(this.#options.scratchDirectory, this.#owner.engineId);
    this.#swept = true;
  }

  async reclaim(directory: string, options: { readonly only?: string } = {}): Promise<void> {
    const { connection } = await this.#connect();
    const { docker, endpoint } = connection;
    const what = `take over "${directory}"`;
    const [any] = await docker.listImages().catch((error: unknown) => {
      throw dockerError(error, what, { endpoint });
    });
    if (any === undefined) {
      throw new EngineError(
        'failed_precondition',
        `Cannot ${what}: it needs any image, and Docker has none; pull one, or remove the directory as root`,
      );
    }
    const helper = (mounts: readonly Docker.MountSettings[]) =>
      this.#helper(docker, any.Id, mounts);
    await takeOverDirectory(directory, helper, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const stopped = await Promise.allSettled([...this.#workers].map((worker) => worker.stop()));
    const connected = await this.#connecting?.catch(() => undefined);
    connected?.oomWatch.close();
    await (connected && this.#removeLeft(connected.connection).catch(() => undefined));
    await rm(this.#scratch, { recursive: true, force: true });
    await this.#secrets.remove();
    for (const result of stopped) {
      if (result.status === 'rejected') {
        throw result.reason;
      }
    }
  }

  async #connect(): Promise<Connected> {
    this.#connecting ??= openConnection(this.#options.environment, this.#owner);
    try {
      return await this.#connecting;
    } catch (error) {
      // An engine that is started later is found then.
      this.#connecting = undefined;
      throw error;
    }
  }

  /** Does what could not be done while Docker did not answer; what fails now is tried again with the next worker. */
  async #tidy({ connection, oomWatch }: Connected): Promise<void> {
    const ignore = () => undefined;
    await (this.#swept ? undefined : this.sweep().catch(ignore));
    await this.#removeLeft(connection).catch(ignore);
    await oomWatch.ensure().catch(ignore);
  }

  async #removeLeft({ docker, endpoint }: DockerConnection): Promise<void> {
    for (const id of this.#left) {
      try {
        await removeContainer(docker.getContainer(id));
      } catch (error) {
        throw dockerError(error, `remove container "${id.slice(0, 12)}"`, { endpoint });
      }
      this.#left.delete(id);
    }
  }

  async #helper(
    docker: Docker,
    image: string,
    mounts: readonly Docker.MountSettings[],
  ): Promise<Docker.Container> {
    return await docker.createContainer({
      name: `pfs-helper-${this.#suffix()}`,
      Image: image,
      Entrypoint: ['/never-started'],
      Labels: ownLabels(this.#owner),
      HostConfig: { Mounts: [...mounts], NetworkMode: 'none' },
    });
  }

  /** Decides how data moves; binds are probed with the first image that can do it. */
  async #transfer(connected: Connected, spec: WorkerSpec): Promise<'bind' | 'tar'> {
    if (this.#options.forceTransfer) {
      return this.#options.forceTransfer;
    }
    const key = spec.image.hasShell ? 'findings' : 'seen';
    if (!connected.findings && !connected[key]) {
      const probe = spec.image.hasShell
        ? this.#probe(connected, spec.image)
        : this.#probeSeen(connected, spec.image);
      connected[key] = probe;
      probe.catch(() => {
        delete connected[key];
      });
    }
    const findings = await (connected.findings ?? connected.seen);
    return findings?.ok === false ? 'tar' : 'bind';
  }

  async #probeSeen({ connection }: Connected, image: ResolvedImage): Promise<BindFindings> {
    const { docker, endpoint } = connection;
    const attempt = async <T>(work: () => Promise<T>): Promise<T> =>
      await work().catch((error: unknown) => {
        throw dockerError(error, 'look into a bound directory', { endpoint });
      });
    return await probeSeen(join(this.#scratch, `probe-${this.#suffix()}`), async (input) => {
      const mounts = [bind(input, '/pfs', true)];
      const container = await attempt(() => this.#helper(docker, image.id, mounts));
      return {
        read: () =>
          attempt(async () => {
            const archive = await container.getArchive({ path: '/pfs/probe' });
            return await textOf(archive as AsyncIterable<Buffer>);
          }),
        remove: () => removeContainer(container),
      };
    });
  }

  async #probe(connected: Connected, image: ResolvedImage): Promise<BindFindings> {
    const name = `probe-${this.#suffix()}`;
    return await probeBinds(join(this.#scratch, name), async ({ input, output }) => {
      const spec: WorkerSpec = {
        image,
        name: 'probe',
        labels: {},
        limits: {},
        inputDirectory: input,
        outputDirectory: output,
      };
      return await this.#start(await this.#contextFor(connected, spec), { transfer: 'bind' });
    });
  }

  async #start(
    context: WorkerContext,
    options: { signal?: AbortSignal; transfer: 'bind' | 'tar' },
  ): Promise<Worker> {
    try {
      const isAlone = context.spec.alone === true || !context.spec.image.hasShell;
      return options.transfer === 'bind' && !isAlone
        ? await WarmWorker.start(context, options)
        : new RunWorker(context, options);
    } catch (error) {
      context.secretFiles.remove();
      throw dockerError(error, `start worker "${context.spec.name}"`);
    }
  }

  async #contextFor(connected: Connected, spec: WorkerSpec): Promise<WorkerContext> {
    const { connection, images, oomWatch } = connected;
    const { docker, config, endpoint, host } = connection;
    const { clock, random, pidsLimit = DEFAULT_PIDS } = this.#options;
    const details: ImageDetails = await images.details(spec.image.id);
    const owner = this.#owner;
    const nameFor = () => `pfs-${spec.name.replace(/[^a-zA-Z0-9_.-]/g, '-')}-${this.#suffix()}`;
    const name = nameFor();
    let made = 0;
    const secretFiles = await this.#placeSecrets(docker, { ...spec, name });
    return {
      spec,
      name,
      secretFiles,
      scratchDirectory: this.#scratch,
      clock,
      random,
      env: { PYTHONUNBUFFERED: '1', ...details.env, ...proxyVariables(config, endpoint.host) },
      imageCommand: [...details.entrypoint, ...details.command],
      workingDirectory: details.workingDirectory,
      isLocal: isLocalEndpoint(endpoint.host),
      create: async (plan: ContainerPlan) => {
        made += 1;
        const uniqueName = made === 1 ? name : nameFor();
        const settings = { spec, owner, host, pidsLimit, uniqueName };
        return await docker.createContainer(containerOptions(plan, settings));
      },
      createHelper: (mounts) => this.#helper(docker, spec.image.id, mounts),
      pipes: connected.pipes,
      describeLoss: async (container) =>
        await lossOfContainer(container, { limits: spec.limits, oomWatch, clock }),
      onStopped: (worker) => {
        this.#workers.delete(worker);
        secretFiles.remove();
      },
      onLeft: (container) => {
        this.#left.add(container);
      },
    };
  }

  async #placeSecrets(
    docker: Docker,
    worker: Pick<WorkerSpec, 'name' | 'image' | 'secrets'>,
  ): Promise<SecretFiles> {
    const { name, image, secrets = [] } = worker;
    const place = async () =>
      await this.#secrets.choose(async (directory) => {
        const mounts = [bind(directory, '/pfs', true)];
        await removeContainer(await this.#helper(docker, image.id, mounts));
      });
    return SecretFiles.place(secrets.length === 0 ? '' : await place(), { name, secrets });
  }

  #suffix(): string {
    return this.#options.random.bytes(5).toString('hex');
  }
}

interface Connected {
  readonly connection: DockerConnection;
  readonly images: DockerImages;
  readonly oomWatch: OomWatch;
  readonly pipes: { work: boolean };
  /** What a worker found; what was found without one. */
  findings?: Promise<BindFindings>;
  seen?: Promise<BindFindings>;
}

async function openConnection(environment: Environment, owner: ContainerOwner): Promise<Connected> {
  const connection = await connectDocker(environment);
  const oomWatch = await OomWatch.open(connection.docker, `${ENGINE_LABEL}=${owner.engineId}`);
  const images = new DockerImages(connection);
  return { connection, images, oomWatch, pipes: { work: mayHavePipes() } };
}

/** Makes the directories of a worker where they are absent, and the mount point of one in the other. */
async function prepareDirectories(spec: WorkerSpec): Promise<void> {
  await mkdir(join(spec.inputDirectory, 'out'), { recursive: true });
  await mkdir(spec.outputDirectory, { recursive: true });
  await chmod(spec.inputDirectory, 0o755);
  await chmod(spec.outputDirectory, 0o777);
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) {
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
