// Whether a worker has room on the machine, and how much of it that is.

import { EngineError } from '../base/errors.ts';
import type { Room } from '../pipeline/resources.ts';
import { formatRoom } from './room-text.ts';

const SETTINGS = [
  { name: 'cpus', field: 'resource_requests.cpu', setting: 'PFS_CPUS' },
  { name: 'memoryBytes', field: 'resource_requests.memory', setting: 'PFS_MEMORY_BYTES' },
  { name: 'gpus', field: 'resource_requests.gpu', setting: 'PFS_GPUS' },
] as const;

/** Throws `failed_precondition`, with what to do, where a worker needs more than there is in all. */
export function refuseTooLarge(need: Room, capacity: Room): void {
  for (const { name, field, setting } of SETTINGS) {
    if (need[name] > capacity[name]) {
      const [asked, had] = [need, capacity].map((room) =>
        formatRoom({ cpus: 0, memoryBytes: 0, gpus: 0, [name]: room[name] }),
      );
      throw new EngineError(
        'failed_precondition',
        `Cannot start a worker: it needs ${asked}, and pipelines have ${had} here in all; lower ${field}, or give pipelines more with ${setting} where the machine has it`,
      );
    }
  }
}

/** Whether it has room in what is free. */
export function fits(need: Room, free: Room): boolean {
  // Fractions of CPUs add up to a little more than they should.
  return (
    need.cpus <= free.cpus + 1e-6 && need.memoryBytes <= free.memoryBytes && need.gpus <= free.gpus
  );
}

/** How much of the machine a worker takes: its part of what it takes most of. */
export function shareOf(need: Room, capacity: Room): number {
  const parts = SETTINGS.map(({ name }) => (need[name] === 0 ? 0 : need[name] / capacity[name]));
  return Math.max(...parts);
}
