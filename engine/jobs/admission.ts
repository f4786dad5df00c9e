// Who may work now: the queue of workers before the CPUs, the memory and the GPUs that pipelines share. It decides
// and waits; it never starts or stops anything itself.

import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import type { Room } from '../pipeline/resources.ts';
import { HeldLease, type Lease } from './lease.ts';
import { fits, refuseTooLarge, shareOf } from './room-fit.ts';
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
  /**
   * What it is given comes back when people want it to, not by its work: nobody keeps others waiting for that, and it takes no
   * turns. It is let in as soon as it fits, whoever waits: those may wait for what its pipeline has and gives back only
   * once this one works.
   */
  readonly isEndless?: boolean;
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

interface Waiter {
  readonly demand: Demand;
  readonly need: Room;
  readonly admit: (lease: Lease) => void;
}

/**
 * Shares the machine. Of the pipelines that wait, the one that has had least of the machine comes first, counted as the
 * share of the scarcest thing times the time; nobody passes it, so that a large worker gets its room in the end. Only what
 * is endless can keep one out for good: who needs what that leaves to nobody keeps nobody else out meanwhile. Who
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
      const free = this.#free(capacity);
      const first =
        this.#waiting.find(({ demand, need }) => demand.isEndless && fits(need, free)) ??
        this.#first(capacity);
      if (first === undefined || !fits(first.need, free)) {
        return;
      }
      this.#waiting = this.#waiting.filter((one) => one !== first);
      const { clock } = this.#options;
      const lease = new HeldLease({
        pipeline: first.demand.pipeline,
        turnMs: first.demand.turnMs ?? TURN_MS,
        isEndless: first.demand.isEndless === true,
        need: first.need,
        share: first.demand.isEndless ? 0 : shareOf(first.need, capacity),
        since: clock.monotonic(),
        mayStay: (own) => this.#mayStay(own),
        shrink: (own, need) => this.#shrink(own, need),
        release: (own) => this.#release(own),
      });
      this.#held.add(lease);
      first.admit(lease);
    }
  }

  /** The waiter whose turn is next, of those that are let in once jobs make room. */
  #first(capacity: Room, had = this.#hadByAll()): Waiter | undefined {
    const most = this.#left(capacity);
    let first: Waiter | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiting) {
      const own = had.get(waiter.demand.pipeline) ?? 0;
      if (own < least && fits(waiter.need, most)) {
        [first, least] = [waiter, own];
      }
    }
    return first;
  }

  /** Asked before each piece of work: what costs least to tell comes first. */
  #mayStay(lease: HeldLease): boolean {
    const capacity = this.#capacity;
    if (
      capacity === undefined ||
      this.#waiting.length === 0 ||
      this.#options.clock.monotonic() - lease.since < lease.turnMs
    ) {
      return true;
    }
    const had = this.#hadByAll();
    const first = this.#first(capacity, had)?.demand.pipeline ?? lease.pipeline;
    return first === lease.pipeline || (had.get(first) ?? 0) >= (had.get(lease.pipeline) ?? 0);
  }

  #shrink(lease: HeldLease, need: Room): void {
    const capacity = this.#capacity;
    if (capacity !== undefined && this.#held.has(lease)) {
      this.#count(lease);
      const share = lease.isEndless ? 0 : shareOf(need, capacity);
      const since = this.#options.clock.monotonic();
      this.#makeRoom(() => lease.become({ need, share, since }));
      this.#admit();
    }
  }

  #release(lease: HeldLease): void {
    if (!this.#held.has(lease)) {
      return;
    }
    this.#count(lease);
    this.#makeRoom(() => this.#held.delete(lease));
    this.#admit();
    if (this.#jobs.length === 0) {
      // Nobody is at work who takes turns: from here on all are equal again, and nothing need be remembered.
      this.#had.clear();
    }
  }

  /** Remembers what a lease has had until now. */
  #count(lease: HeldLease): void {
    const { pipeline } = lease;
    this.#had.set(pipeline, (this.#had.get(pipeline) ?? 0) + this.#timeOf(lease));
  }

  /** Those for whom there was no room while jobs come and go, and now is, begin as if they came new. */
  #makeRoom(change: () => void): void {
    const before = this.#present();
    change();
    for (const { demand } of this.#waiting) {
      if (!before.has(demand.pipeline)) {
        this.#had.set(demand.pipeline, this.#arrival(demand.pipeline, before));
      }
    }
  }

  /** The pipelines that take turns: those at work, and those that wait for no more than what jobs make room for. */
  #present(): ReadonlySet<string> {
    const most = this.#capacity && this.#left(this.#capacity);
    const waiting = this.#waiting.filter(({ need }) => most === undefined || fits(need, most));
    return new Set([
      ...this.#jobs.map((lease) => lease.pipeline),
      ...waiting.map((one) => one.demand.pipeline),
    ]);
  }

  /** What a pipeline is taken to have had when it comes. */
  #arrival(pipeline: string, here = this.#present()): number {
    const had = this.#hadByAll();
    const own = had.get(pipeline) ?? 0;
    if (here.has(pipeline)) {
      return this.#had.get(pipeline) ?? 0;
    }
    const least = Math.min(...[...here].map((one) => had.get(one) ?? 0));
    return Number.isFinite(least) ? Math.max(own, least) : own;
  }

  /** What each pipeline has had up to now, what it holds included. */
  #hadByAll(): ReadonlyMap<string, number> {
    const all = new Map(this.#had);
    for (const lease of this.#held) {
      all.set(lease.pipeline, (all.get(lease.pipeline) ?? 0) + this.#timeOf(lease));
    }
    return all;
  }

  #timeOf(lease: HeldLease): number {
    return (this.#options.clock.monotonic() - lease.since) * lease.share;
  }

  /** What takes turns. */
  get #jobs(): readonly HeldLease[] {
    return [...this.#held].filter((lease) => !lease.isEndless);
  }

  get #endless(): readonly HeldLease[] {
    return [...this.#held].filter((lease) => lease.isEndless);
  }

  #free(capacity: Room): Room {
    return less(capacity, [...this.#held]);
  }

  /** What is free once no job is at work. */
  #left(capacity: Room): Room {
    return less(capacity, this.#endless);
  }

  #reasonOf(waiter: Waiter, capacity: Room): string {
    const what = `waits for room for a worker (${formatRoom(waiter.need)})`;
    const left = this.#left(capacity);
    if (!fits(waiter.need, left)) {
      return `${what}; what runs for ever (${namesOf(this.#endless)}) leaves ${formatRoom(left)} of ${formatRoom(capacity)}: stop some of that, or lower resource_requests`;
    }
    const by = this.#held.size > 0 ? `, at work: ${namesOf([...this.#held])}` : '';
    return `${what}; free are ${formatRoom(this.#free(capacity))} of ${formatRoom(capacity)}${by}`;
  }
}

/** Names a few of the pipelines that hold something. */
function namesOf(leases: readonly HeldLease[]): string {
  const holders = [...new Set(leases.map(({ pipeline }) => pipeline))];
  const names = holders.map((key) => key.replace(/^default\//, '')).sort();
  return [...names.slice(0, 3), ...(names.length > 3 ? [`${names.length - 3} more`] : [])].join(
    ', ',
  );
}

function less(room: Room, leases: readonly HeldLease[]): Room {
  let { cpus, memoryBytes, gpus } = room;
  for (const { need } of leases) {
    cpus -= need.cpus;
    memoryBytes -= need.memoryBytes;
    gpus -= need.gpus;
  }
  return { cpus, memoryBytes, gpus };
}

function cancelled(signal: AbortSignal): EngineError {
  return new EngineError('cancelled', 'Cannot wait for room any longer: the work was cancelled', {
    cause: signal.reason,
  });
}
