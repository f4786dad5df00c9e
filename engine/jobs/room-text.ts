// CPUs, memory and GPUs as people read them.

import type { Room } from '../pipeline/resources.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Returns `2 CPUs, 1.5 GiB of memory`; what is not there, or without end, is left out where something else is. */
export function formatRoom({ cpus, memoryBytes, gpus }: Room): string {
  const parts = [
    ...(cpus > 0 ? [`${short(cpus)} ${cpus === 1 ? 'CPU' : 'CPUs'}`] : []),
    ...(memoryBytes > 0 ? [`${bytes(memoryBytes)} of memory`] : []),
    ...(gpus > 0 && Number.isFinite(gpus) ? [`${gpus} ${gpus === 1 ? 'GPU' : 'GPUs'}`] : []),
  ];
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

function bytes(value: number): string {
  return value < GiB ? `${Math.round(value / MiB)} MiB` : `${short(value / GiB)} GiB`;
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}
