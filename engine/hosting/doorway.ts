// Where a service is reached: one door, or for a while two, when its spec names another address.

import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { HostRecord } from '../journal/host-record.ts';
import type { Service } from '../pipeline/spec.ts';
import { ServiceProxy } from './service-proxy.ts';
import type { Upstream } from './upstream.ts';

/** How long who comes is held while the service is being started again. */
const HOLD_MS = 10_000;

type Address = Pick<Service, 'ip' | 'external_port'>;

/** The door of one service. */
export class Doorway {
  readonly #clock: Clock;
  readonly #closing = new Set<Promise<void>>();
  #proxy: ServiceProxy | undefined;
  #wanted: Address | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#proxy !== undefined;
  }

  get address(): HostRecord['address'] {
    return this.#proxy ? { host: this.#proxy.host, port: this.#proxy.port } : null;
  }

  /** Returns whether the door is where a spec wants it. */
  fits({ ip, external_port }: Address): boolean {
    return this.#wanted?.ip === ip && this.#wanted.external_port === external_port;
  }

  /**
   * Opens the door, in place of one that is open; where any port will do, at `last`, where it was before, if that is free.
   * Rejects with `unavailable`, and why, where it can't be had.
   */
  async open(address: Address, last?: number): Promise<void> {
    const old = this.#proxy;
    this.#proxy = undefined;
    await old?.close();
    this.#proxy = await this.#listen(address, last);
    this.#wanted = address;
  }

  /** Opens another door, which leads to `upstream`; the one before lets nobody in any more, and ends with `patience`. */
  async move(
    address: Address,
    to: { readonly upstream: Upstream | undefined; readonly patience: Promise<unknown> },
  ): Promise<void> {
    const proxy = await this.#listen(address);
    proxy.route(to.upstream);
    const old = this.#proxy;
    this.#proxy = proxy;
    this.#wanted = address;
    const closing = (old?.close(to.patience) ?? Promise.resolve()).finally(() =>
      this.#closing.delete(closing),
    );
    this.#closing.add(closing);
  }

  route(upstream: Upstream | undefined): void {
    this.#proxy?.route(upstream);
  }

  async close(patience: Promise<unknown>): Promise<void> {
    await this.#proxy?.close(patience);
    this.#proxy = undefined;
    await Promise.all(this.#closing);
  }

  async #listen({ ip, external_port }: Address, last = 0): Promise<ServiceProxy> {
    const options = { clock: this.#clock, host: ip, holdMs: HOLD_MS };
    if (external_port === 0 && last > 0) {
      try {
        return await ServiceProxy.open({ ...options, port: last });
      } catch (error) {
        if (!isEngineError(error, 'unavailable')) {
          throw error;
        }
      }
    }
    return await ServiceProxy.open({ ...options, port: external_port });
  }
}
