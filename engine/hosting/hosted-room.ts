// What one hosted pipeline has of the CPUs and the memory that pipelines share: room for one container. While a container
// replaces another, both have it: or a machine that is full could never switch. One that waits for more than the one before it had keeps
// that as long as the other runs.

import { linkAbort } from '../base/linked-abort.ts';
import type { Admission, Demand, Place } from '../jobs/admission.ts';
import type { Lease } from '../jobs/lease.ts';
import { refuseTooLarge } from '../jobs/room-fit.ts';
import type { Room } from '../pipeline/resources.ts';

const NAMES = ['cpus', 'memoryBytes', 'gpus'] as const;
const NOTHING: Room = { cpus: 0, memoryBytes: 0, gpus: 0 };

export interface RoomWish {
  /** What a container needs, given what there is in all. */
  readonly need: (capacity: Room) => Room;
  readonly signal: AbortSignal;
  /** As of `Demand`. */
  readonly onWait: (place: Place | undefined) => void;
}

/** A container that is to come. */
interface Coming {
  /** What it needs; what is held meanwhile is a part of it, and nobody gives that twice. */
  own: Room;
  /** Lets it begin to wait anew. */
  readonly withdraw: () => void;
}

/** The room of one service or spout. */
export class HostedRoom {
  readonly #admission: Admission;
  readonly #pipeline: string;
  readonly #leases: Lease[] = [];
  /** What each container of the moment needs. */
  readonly #needs = new Set<Room>();
  readonly #coming = new Set<Coming>();

  constructor(admission: Admission, pipeline: string) {
    this.#admission = admission;
    this.#pipeline = pipeline;
  }

  /** Resolves when a container may start, with what to call once it has ended. Rejects as `Admission.enter` does. */
  async enter(wish: RoomWish): Promise<() => void> {
    for (;;) {
      const own = await this.#attempt(wish);
      if (own) {
        return () => {
          this.#needs.delete(own);
          this.#leave();
        };
      }
    }
  }

  /** Waits for what a container needs beyond what is held. Resolves with undefined where that was given back meanwhile. */
  async #attempt({ need, signal, onWait }: RoomWish): Promise<Room | undefined> {
    const { controller, unlink } = linkAbort(signal);
    const coming: Coming = { own: NOTHING, withdraw: () => controller.abort() };
    const demand: Demand = {
      pipeline: this.#pipeline,
      isEndless: true,
      need: (capacity) => {
        coming.own = need(capacity);
        refuseTooLarge(coming.own, capacity);
        this.#coming.add(coming);
        return beyond(coming.own, this.#held);
      },
      onWait,
    };
    try {
      this.#leases.push(await this.#admission.enter(demand, controller.signal));
      if (!isNothing(beyond(coming.own, this.#held))) {
        return undefined;
      }
      this.#needs.add(coming.own);
      // They wait for what they need beyond what was held before.
      this.#waitAnew();
      return coming.own;
    } catch (error) {
      if (signal.aborted || !controller.signal.aborted) {
        throw error;
      }
      return undefined;
    } finally {
      unlink();
      this.#coming.delete(coming);
      this.#shrink();
    }
  }

  #leave(): void {
    if (this.#needs.size === 0) {
      // What nobody uses is not kept while more is waited for: two that did so could wait for each other.
      this.#waitAnew();
    }
    this.#shrink();
  }

  #waitAnew(): void {
    const waiting = [...this.#coming];
    this.#coming.clear();
    for (const { withdraw } of waiting) {
      withdraw();
    }
  }

  get #held(): Room {
    return sum(this.#leases.map(({ need }) => need));
  }

  /** Gives back what no container needs any more, and none that waits. */
  #shrink(): void {
    const coming = [...this.#coming].map(({ own }) => own);
    let surplus = beyond(this.#held, most([...this.#needs, ...coming]));
    for (const lease of [...this.#leases]) {
      const left = beyond(lease.need, surplus);
      surplus = beyond(surplus, lease.need);
      if (isNothing(left)) {
        this.#leases.splice(this.#leases.indexOf(lease), 1);
        lease.release();
      } else {
        lease.shrink(left);
      }
    }
  }
}

function isNothing(room: Room): boolean {
  return NAMES.every((name) => room[name] === 0);
}

function sum(rooms: readonly Room[]): Room {
  return each((name) => rooms.reduce((all, room) => all + room[name], 0));
}

function most(rooms: readonly Room[]): Room {
  return each((name) => Math.max(0, ...rooms.map((room) => room[name])));
}

/** Returns what of `room` is more than `other`. */
function beyond(room: Room, other: Room): Room {
  return each((name) => Math.max(0, room[name] - other[name]));
}

function each(value: (name: (typeof NAMES)[number]) => number): Room {
  return { cpus: value('cpus'), memoryBytes: value('memoryBytes'), gpus: value('gpus') };
}
