// Who may work now: the queue of workers before the CPUs, the memory and the GPUs that pipelines share. It decides
// and waits; it never starts or stops anything itself.

import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import type { Room } from '../pipeline/resources.ts';
import { formatRoom } from './room-text.ts';

/** How long who was admitted may go on although others wait. A change costs nothing, but each takes a look. */
const TURN_MS = 250;

export interface AdmissionOptions {
  readonly clock: Clock;
  /** What pipelines share in all. Asked until it has been answered once; what it rejects with, {@link Admission.enter} rejects with. */
  readonly capacity: () => Promise<Room>;
}

/** What a worker asks for. */
export interface Demand {
  /** Key of its pipeline: turns are shared between pipelines, however many workers each has. */
  readonly pipeline: string;
  /** What it needs, given what there is in all. */
  readonly need: (capacity: Room) => Room;
  /** How long it may go on although others wait; a moment where undefined. */
  readonly turnMs?: number;
  /** Takes its place here while it waits, and undefined again. */
  readonly onWait?: (place: Place | undefined) => void;
}

/** A place in the queue. */
export interface Place {
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
  /** What is waited for, and who has it. */
  readonly reason: string;
}

/** What one worker has been given; it goes back with {@link release}. */
export interface Lease {
  /** Whether to go on with the next piece of work; where false, release it and enter again. */
  readonly mayStay: boolean;
  release(): void;
}

interface Waiter {
  readonly demand: Demand;
  readonly need: Room;
  readonly admit: (lease: Lease) => void;
}

/**
 * Shares the machine. Of the pipelines that wait, the one that has had least of the machine comes first, counted as the
 * share of the scarcest thing times the time; nobody passes it, so that a large worker gets its room in the end. Who
 * comes new, or back, begins with as much as the one that has had least: no arrears, no credit.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #held = new Set<HeldLease>();
  /** In the order of their coming. */
  #waiting: Waiter[] = [];
  /** What each pipeline has had, in milliseconds of the whole machine, up to what it holds now. */
  readonly #had = new Map<string, number>();
  #capacity: Room | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the worker may work. Rejects with `cancelled` when the signal aborts, with `failed_precondition` where
   * it never could.
   */
  async enter(demand: Demand, signal: AbortSignal): Promise<Lease> {
    this.#capacity ??= await this.#options.capacity();
    const capacity = this.#capacity;
    const need = demand.need(capacity);
    refuseTooLarge(need, capacity);
    if (signal.aborted) {
      throw cancelled(signal);
    }
    this.#had.set(demand.pipeline, this.#arrival(demand.pipeline));
    return await new Promise<Lease>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiter);
        demand.onWait?.(undefined);
        reject(cancelled(signal));
        this.#admit();
      };
      const waiter: Waiter = {
        demand,
        need,
        admit: (lease) => {
          signal.removeEventListener('abort', leave);
          demand.onWait?.(undefined);
          resolve(lease);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiter);
      this.#admit();
      if (this.#waiting.includes(waiter)) {
        const since = this.#options.clock.now();
        const reason = () => this.#reasonOf(waiter, capacity);
        demand.onWait?.({
          since,
          get reason() {
            return reason();
          },
        });
      }
    });
  }

  /** Lets in whoever comes first, as long as there is room for that one. */
  #admit(): void {
    const capacity = this.#capacity;
    while (capacity !== undefined) {
      const first = this.#first();
      if (first === undefined || !fits(first.need, this.#free(capacity))) {
        return;
      }
      this.#waiting = this.#waiting.filter((one) => one !== first);
      const { clock } = this.#options;
      const lease = new HeldLease({
        pipeline: first.demand.pipeline,
        turnMs: first.demand.turnMs ?? TURN_MS,
        need: first.need,
        share: shareOf(first.need, capacity),
        since: clock.monotonic(),
        mayStay: (own) => this.#mayStay(own),
        release: (own) => this.#release(own),
      });
      this.#held.add(lease);
      first.admit(lease);
    }
  }

  #first(): Waiter | undefined {
    let first: Waiter | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiting) {
      const had = this.#hadBy(waiter.demand.pipeline);
      if (had < least) {
        [first, least] = [waiter, had];
      }
    }
    return first;
  }

  #mayStay(lease: HeldLease): boolean {
    const first = this.#waiting.length === 0 ? undefined : this.#first();
    return (
      first === undefined ||
      this.#options.clock.monotonic() - lease.since < lease.turnMs ||
      first.demand.pipeline === lease.pipeline ||
      this.#hadBy(first.demand.pipeline) >= this.#hadBy(lease.pipeline)
    );
  }

  #release(lease: HeldLease): void {
    if (!this.#held.delete(lease)) {
      return;
    }
    const { pipeline } = lease;
    this.#had.set(pipeline, (this.#had.get(pipeline) ?? 0) + this.#timeOf(lease));
    this.#admit();
    if (this.#held.size === 0) {
      // Nobody is at work: from here on all are equal again, and nothing need be remembered.
      this.#had.clear();
    }
  }

  /** What a pipeline is taken to have had when it comes. */
  #arrival(pipeline: string): number {
    const isHere =
      [...this.#held].some((lease) => lease.pipeline === pipeline) ||
      this.#waiting.some((one) => one.demand.pipeline === pipeline);
    const own = this.#had.get(pipeline) ?? 0;
    if (isHere) {
      return own;
    }
    const here = new Set([
      ...[...this.#held].map((lease) => lease.pipeline),
      ...this.#waiting.map((one) => one.demand.pipeline),
    ]);
    const least = Math.min(...[...here].map((one) => this.#hadBy(one)));
    return Number.isFinite(least) ? Math.max(own, least) : own;
  }

  #hadBy(pipeline: string): number {
    let had = this.#had.get(pipeline) ?? 0;
    for (const lease of this.#held) {
      had += lease.pipeline === pipeline ? this.#timeOf(lease) : 0;
    }
    return had;
  }

  #timeOf(lease: HeldLease): number {
    return (this.#options.clock.monotonic() - lease.since) * lease.share;
  }

  #free(capacity: Room): Room {
    let { cpus, memoryBytes, gpus } = capacity;
    for (const { need } of this.#held) {
      cpus -= need.cpus;
      memoryBytes -= need.memoryBytes;
      gpus -= need.gpus;
    }
    return { cpus, memoryBytes, gpus };
  }

  #reasonOf(waiter: Waiter, capacity: Room): string {
    const holders = [...new Set([...this.#held].map(({ pipeline }) => pipeline))];
    const names = holders.map((key) => key.replace(/^default\//, '')).sort();
    const shown = names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
    const by = shown.length > 0 ? `, at work: ${shown.join(', ')}` : '';
    return `waits for room for a worker (${formatRoom(waiter.need)}); free are ${formatRoom(this.#free(capacity))} of ${formatRoom(capacity)}${by}`;
  }
}

class HeldLease implements Lease {
  readonly pipeline: string;
  readonly need: Room;
  readonly share: number;
  readonly since: number;
  readonly turnMs: number;
  readonly #mayStay: (own: HeldLease) => boolean;
  readonly #release: (own: HeldLease) => void;

  constructor(options: {
    readonly pipeline: string;
    readonly need: Room;
    readonly share: number;
    readonly since: number;
    readonly turnMs: number;
    readonly mayStay: (own: HeldLease) => boolean;
    readonly release: (own: HeldLease) => void;
  }) {
    this.pipeline = options.pipeline;
    this.need = options.need;
    this.share = options.share;
    this.since = options.since;
    this.turnMs = options.turnMs;
    this.#mayStay = options.mayStay;
    this.#release = options.release;
  }

  get mayStay(): boolean {
    return this.#mayStay(this);
  }

  release(): void {
    this.#release(this);
  }
}

const SETTINGS = [
  { name: 'cpus', field: 'resource_requests.cpu', setting: 'PFS_CPUS' },
  { name: 'memoryBytes', field: 'resource_requests.memory', setting: 'PFS_MEMORY_BYTES' },
  { name: 'gpus', field: 'resource_requests.gpu', setting: 'PFS_GPUS' },
] as const;

function refuseTooLarge(need: Room, capacity: Room): void {
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

function fits(need: Room, free: Room): boolean {
  // Fractions of CPUs add up to a little more than they should.
  return (
    need.cpus <= free.cpus + 1e-6 && need.memoryBytes <= free.memoryBytes && need.gpus <= free.gpus
  );
}

/** How much of the machine a worker takes: its part of what it takes most of. */
function shareOf(need: Room, capacity: Room): number {
  const parts = SETTINGS.map(({ name }) => (need[name] === 0 ? 0 : need[name] / capacity[name]));
  return Math.max(...parts);
}

function cancelled(signal: AbortSignal): EngineError {
  return new EngineError('cancelled', 'Cannot wait for room any longer: the work was cancelled', {
    cause: signal.reason,
  });
}
