// What a spec allows a worker to use, and what it asks for, in numbers.

import { parseQuantity } from './quantity.ts';
import type { PipelineSpec } from './spec.ts';

type Resources = Pick<PipelineSpec, 'resource_limits' | 'resource_requests'>;

/** Limits of one worker; undefined means no limit, and for `gpus` none. */
export interface WorkerLimits {
  /** CPUs, a fraction allowed. */
  readonly cpu?: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
  /** Of what is in the output directory. */
  readonly diskBytes?: number;
}

/** An amount of a machine. */
export interface Room {
  /** A fraction allowed. */
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly gpus: number;
}

/**
 * What a worker is taken to need whose spec says nothing. Small: most commands wait more than they compute, and four
 * on a CPU get along; but not nothing, or a thousand pipelines would start at once.
 */
export const DEFAULT_NEED: Room = { cpus: 0.25, memoryBytes: 256 * 2 ** 20, gpus: 0 };

/** How much of a machine's memory workers get: the rest is for the engine and whatever else runs there. */
const MEMORY_PART = 0.8;

/** Returns what workers share of a machine: what settings say, else its CPUs, most of its memory, and whatever GPUs it has. */
export function sharedRoom(
  settings: Partial<Room>,
  machine: Pick<Room, 'cpus' | 'memoryBytes'>,
): Room {
  return {
    cpus: settings.cpus ?? machine.cpus,
    memoryBytes: settings.memoryBytes ?? Math.floor(machine.memoryBytes * MEMORY_PART),
    // Nobody tells how many there are: then workers that ask for some never wait for each other.
    gpus: settings.gpus ?? Number.POSITIVE_INFINITY,
  };
}

/** Returns the limits of a worker. Requests limit nothing, but GPUs are given to whoever requests them. */
export function workerLimits(spec: Resources): WorkerLimits {
  const { cpu } = spec.resource_limits ?? {};
  const memoryBytes = bytes(spec.resource_limits?.memory);
  const diskBytes = bytes(spec.resource_limits?.disk);
  const gpus = gpusOf(spec);
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(gpus > 0 ? { gpus } : {}),
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}

/**
 * Returns what a worker needs of a machine with `capacity` while it works: what it requests, else the limit it has, else
 * {@link DEFAULT_NEED}. Only what is requested, and GPUs, can be more than there is: limits are bounded by the machine anyway.
 */
export function workerNeed(spec: Resources, capacity: Room): Room {
  const { resource_requests: requests, resource_limits: limits } = spec;
  return {
    cpus: requests?.cpu ?? Math.min(limits?.cpu ?? DEFAULT_NEED.cpus, capacity.cpus),
    memoryBytes:
      bytes(requests?.memory) ??
      Math.min(bytes(limits?.memory) ?? DEFAULT_NEED.memoryBytes, capacity.memoryBytes),
    gpus: gpusOf(spec),
  };
}

/**
 * Returns what a container needs that runs for ever: what is requested, else its limit, and nothing where the spec says nothing,
 * since what waits most of the time would keep everybody else out for good.
 */
export function hostedNeed(spec: Resources, capacity: Room): Room {
  const { resource_requests: requests, resource_limits: limits } = spec;
  return {
    cpus: requests?.cpu ?? Math.min(limits?.cpu ?? 0, capacity.cpus),
    memoryBytes:
      bytes(requests?.memory) ?? Math.min(bytes(limits?.memory) ?? 0, capacity.memoryBytes),
    gpus: gpusOf(spec),
  };
}

function gpusOf(spec: Resources): number {
  return spec.resource_limits?.gpu?.number ?? spec.resource_requests?.gpu?.number ?? 0;
}

function bytes(text: string | undefined): number | undefined {
  const value = text === undefined ? undefined : parseQuantity(text);
  return value === undefined ? undefined : Math.ceil(value);
}
