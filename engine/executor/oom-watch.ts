// Hears from the Docker engine which containers ran out of memory; the state of a container that is gone can't tell.

import type Docker from 'dockerode';
import { dockerError } from './docker-errors.ts';

/** Follows the engine's `oom` events for the containers with one label. */
export class OomWatch {
  readonly #docker: Docker;
  readonly #label: string;
  readonly #abort = new AbortController();
  readonly #seen = new Set<string>();
  #isFollowing = false;

  private constructor(docker: Docker, label: string) {
    this.#docker = docker;
    this.#label = label;
  }

  /** Starts to follow the events of containers that carry `label`, `key=value`. */
  static async open(docker: Docker, label: string): Promise<OomWatch> {
    const watch = new OomWatch(docker, label);
    await watch.ensure();
    return watch;
  }

  /** Follows again where the events broke off, as they do when Docker is started anew. */
  async ensure(): Promise<void> {
    if (this.#isFollowing || this.#abort.signal.aborted) {
      return;
    }
    this.#isFollowing = true;
    try {
      const events = await this.#docker.getEvents({
        filters: { type: ['container'], event: ['oom'], label: [this.#label] },
        abortSignal: this.#abort.signal,
      });
      void this.#follow(events);
    } catch (error) {
      this.#isFollowing = false;
      throw dockerError(error, 'follow the events of Docker');
    }
  }

  /** Returns whether the container with this id has had a process killed for memory, as far as is known. */
  has(containerId: string): boolean {
    return this.#seen.has(containerId);
  }

  /** Drops what is known of a container that is gone. */
  forget(containerId: string): void {
    this.#seen.delete(containerId);
  }

  close(): void {
    this.#abort.abort();
  }

  async #follow(events: NodeJS.ReadableStream): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of events) {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const { id } = JSON.parse(line) as { id?: string };
          if (id) {
            this.#seen.add(id);
          }
        }
      }
    } catch {
      // Without events a death for memory is told by its exit code alone.
    } finally {
      this.#isFollowing = false;
    }
  }
}
