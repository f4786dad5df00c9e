// What one hosted pipeline has of the CPUs and the memory that pipelines share: room for one container. While a container
// replaces another, both have it: or a machine that is full could never switch.

import type { Admission, Demand, Place } from '../jobs/admission.ts';
import type { Lease } from '../jobs/lease.ts';
import { refuseTooLarge } from '../jobs/room-fit.ts';
import type { Room } from '../pipeline/resources.ts';

const NAMES = ['cpus', 'memoryBytes', 'gpus'] as const;

export interface RoomWish {
  /** What a container needs, given what there is in all. */
  readonly need: (capacity: Room) => Room;
  readonly signal: AbortSignal;
  /** As of `Demand`. */
  readonly onWait: (place: Place | undefined) => void;
}

/** The room of one service or spout. */
export class HostedRoom {
  readonly #admission: Admission;
  readonly #pipeline: string;
  readonly #leases: Lease[] = [];
  /** What each container of the moment needs. */
  readonly #needs = new Set<Room>();
  /** What those need that wait: what is held meanwhile is a part of it, and nobody gives that twice. */
  readonly #coming = new Set<Room>();

  constructor(admission: Admission, pipeline: string) {
    this.#admission = admission;
    this.#pipeline = pipeline;
  }

  /** Resolves when a container may start, with what to call once it has ended. Rejects as `Admission.enter` does. */
  async enter({ need, signal, onWait }: RoomWish): Promise<() => void> {
    let own: Room = { cpus: 0, memoryBytes: 0, gpus: 0 };
    const demand: Demand = {
      pipeline: this.#pipeline,
      isEndless: true,
      need: (capacity) => {
        own = need(capacity);
        refuseTooLarge(own, capacity);
        this.#coming.add(own);
        return beyond(own, this.#held);
      },
      onWait,
    };
    try {
      this.#leases.push(await this.#admission.enter(demand, signal));
      this.#needs.add(own);
    } finally {
      this.#coming.delete(own);
      this.#shrink();
    }
    return () => {
      this.#needs.delete(own);
      this.#shrink();
    };
  }

  get #held(): Room {
    return sum(this.#leases.map(({ need }) => need));
  }

  /** Gives back what no container needs any more, and none that waits. */
  #shrink(): void {
    let surplus = beyond(this.#held, most([...this.#needs, ...this.#coming]));
    for (const lease of [...this.#leases]) {
      const left = beyond(lease.need, surplus);
      surplus = beyond(surplus, lease.need);
      if (NAMES.every((name) => left[name] === 0)) {
        this.#leases.splice(this.#leases.indexOf(lease), 1);
        lease.release();
      } else {
        lease.shrink(left);
      }
    }
  }
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
