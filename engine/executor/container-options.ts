// The settings that all our containers share: what user code may not do, and how much it may use.

import type Docker from 'dockerode';
import type { DockerConnection } from './docker-connection.ts';
import type { ResourceLimits, WorkerSpec } from './executor.ts';

const MiB = 1024 * 1024;
/** Docker refuses less. */
const MIN_MEMORY_BYTES = 6 * MiB;
const MIN_CPUS = 0.01;
/** Docker's own 64 MB breaks data loaders that share arrays between processes. */
const SHM_BYTES = 2048 * MiB;
/** Killed before the engine and the user's other programs when memory runs out. */
const OOM_SCORE = 500;

/** Whose containers these are. */
export interface ContainerOwner {
  /** The same for all runs of one engine installation; see `DockerExecutorOptions`. */
  readonly instanceId: string;
  /** New for each run of the engine. */
  readonly engineId: string;
}

/** The labels of our own, over which the user's never win. */
export const INSTANCE_LABEL = 'pfs.instance';
export const ENGINE_LABEL = 'pfs.engine';

/** What a container runs, and how it is seen. */
export interface ContainerPlan {
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly env: readonly string[];
  readonly mounts: readonly Docker.MountSettings[];
  readonly autoRemove: boolean;
  readonly workingDirectory?: string;
}

/** Returns the labels of a container of `owner`. */
export function ownLabels(owner: ContainerOwner): Record<string, string> {
  return { [INSTANCE_LABEL]: owner.instanceId, [ENGINE_LABEL]: owner.engineId };
}

/** Returns a read-only bind where `readOnly`, else a writable one. */
export function bind(source: string, target: string, readOnly: boolean): Docker.MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly };
}

/** Returns the binds of a worker beside those that every one has. */
export function extraBinds({ mounts = [] }: WorkerSpec): Docker.MountSettings[] {
  return mounts.map(({ source, target }) => bind(source, target, true));
}

/** Returns the body with which the Docker API creates a container of a worker. */
export function containerOptions(
  plan: ContainerPlan,
  options: {
    spec: WorkerSpec;
    owner: ContainerOwner;
    host: DockerConnection['host'];
    pidsLimit: number;
    uniqueName: string;
  },
): Docker.ContainerCreateOptions {
  const { spec, owner, host, pidsLimit, uniqueName } = options;
  return {
    name: uniqueName,
    Image: spec.image.id,
    ...(plan.entrypoint ? { Entrypoint: [...plan.entrypoint] } : {}),
    ...(plan.command ? { Cmd: [...plan.command] } : {}),
    ...(spec.user === undefined ? {} : { User: spec.user }),
    ...(plan.workingDirectory === undefined ? {} : { WorkingDir: plan.workingDirectory }),
    Env: [...plan.env],
    Labels: { ...spec.labels, ...ownLabels(owner) },
    Healthcheck: { Test: ['NONE'] },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    ...(spec.port === undefined ? {} : { ExposedPorts: { [`${spec.port}/tcp`]: {} } }),
    HostConfig: {
      ...(spec.port === undefined ? {} : { PortBindings: publishedOnLoopback(spec.port) }),
      Init: false,
      AutoRemove: plan.autoRemove,
      LogConfig: { Type: 'none', Config: {} },
      SecurityOpt: ['no-new-privileges'],
      CapDrop: ['MKNOD'],
      OomScoreAdj: OOM_SCORE,
      PidsLimit: pidsLimit,
      ShmSize: SHM_BYTES,
      Mounts: [...plan.mounts],
      ...(spec.memoryScratch ? { Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777' } } : {}),
      ...(spec.hasNetwork === false ? { NetworkMode: 'none' } : {}),
      ...limitOptions(spec.limits, host),
    },
  };
}

/** Any free port of the loopback interface leads to the container's. */
function publishedOnLoopback(port: number): Docker.PortMap {
  return { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] };
}

function limitOptions(limits: ResourceLimits, host: DockerConnection['host']): Docker.HostConfig {
  const { cpu, memoryBytes, gpus } = limits;
  const memory = memoryBytes && Math.max(MIN_MEMORY_BYTES, Math.min(memoryBytes, host.memoryBytes));
  return {
    ...(cpu ? { NanoCpus: Math.round(Math.max(MIN_CPUS, Math.min(cpu, host.cpus)) * 1e9) } : {}),
    ...(memory ? { Memory: Math.floor(memory), MemorySwap: Math.floor(memory) } : {}),
    ...(gpus
      ? {
          DeviceRequests: [
            { Driver: '', Count: gpus, DeviceIDs: [], Capabilities: [['gpu']], Options: {} },
          ],
        }
      : {}),
  };
}
