// Whether a command that has begun takes requests. Nothing tells us, so it is asked, often at first and then less so.

import { request } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { parseDuration } from '../base/duration.ts';
import { EngineError } from '../base/errors.ts';
import type { PortAddress } from '../executor/executor.ts';
import type { Service } from '../pipeline/spec.ts';
import { open } from './router.ts';

const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 500;
/** How long one look may take: an address that leads nowhere says nothing at all. */
const LOOK_MS = 2000;
/** A go-between takes a connection that it can't pass on, and closes it at once. */
const GO_BETWEEN_MS = 250;

/**
 * Waits for a service to be ready, for as long as its spec says. Rejects with `unavailable`, and why, where it is not ready in time,
 * with `failed_precondition` where there is no way to it, and with `cancelled` once the signal aborts.
 */
export async function readyInTime(
  addresses: readonly PortAddress[],
  service: Service,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PortAddress> {
  if (addresses.length === 0) {
    throw new EngineError(
      'failed_precondition',
      'its port cannot be reached, since Docker runs on another machine or gave it no network; run the engine where Docker is',
    );
  }
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  let why = '';
  const looking = untilReady(addresses, {
    clock,
    healthPath: service.health_path,
    signal: either,
    onLook: (reason) => {
      why = reason;
    },
  });
  const late = clock.sleep(parseDuration(service.ready_timeout) ?? 0, { signal: either });
  try {
    const address = await Promise.race([looking, late]);
    if (!address) {
      throw new EngineError(
        'unavailable',
        `it was not ready within ${service.ready_timeout} (internal_port ${service.internal_port}): ${why}`,
      );
    }
    return address;
  } finally {
    over.abort();
    await Promise.allSettled([looking, late]);
  }
}

interface ReadinessOptions {
  readonly clock: Clock;
  /** Must answer with a status from 200 to 299; undefined: a port that takes connections is enough. */
  readonly healthPath: string | undefined;
  readonly signal: AbortSignal;
  /** Gets why the last look found it not ready. */
  readonly onLook: (why: string) => void;
}

/** Resolves with the first of the ways to a port that leads to a command that is ready. Rejects once the signal aborts. */
async function untilReady(
  addresses: readonly PortAddress[],
  options: ReadinessOptions,
): Promise<PortAddress> {
  const { clock, signal, onLook } = options;
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LAST_LOOK_MS)) {
    const looks = await Promise.all(addresses.map((address) => look(address, options)));
    const at = looks.indexOf(undefined);
    const ready = at < 0 ? undefined : addresses[at];
    if (ready) {
      return ready;
    }
    onLook(looks.find((why) => why !== undefined) ?? 'nobody answers');
    await clock.sleep(pause, { signal });
  }
}

/** Returns why a command is not ready, or undefined where it is. */
async function look(address: PortAddress, options: ReadinessOptions): Promise<string | undefined> {
  const { clock, healthPath, signal } = options;
  let socket: Socket;
  try {
    socket = await open(address, signal, LOOK_MS);
  } catch {
    return `nobody listens on port ${address.port}`;
  }
  try {
    if (healthPath !== undefined) {
      return await askHealth(socket, { healthPath, signal });
    }
    const isTaken = address.direct || (await staysOpen(socket, clock));
    return isTaken ? undefined : 'nobody listens on its port';
  } finally {
    socket.destroy();
  }
}

function askHealth(
  socket: Socket,
  { healthPath, signal }: { readonly healthPath: string; readonly signal: AbortSignal },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.setTimeout(LOOK_MS, () => socket.destroy());
    const asked = request({
      createConnection: () => socket,
      path: healthPath,
      insecureHTTPParser: true,
      headers: { Host: 'localhost', 'User-Agent': 'pfs' },
      signal,
    });
    asked.on('error', () => resolve(`${healthPath} does not answer`));
    asked.on('response', ({ statusCode = 0 }) =>
      resolve(
        statusCode >= 200 && statusCode < 300
          ? undefined
          : `${healthPath} answers with status ${statusCode}`,
      ),
    );
    asked.end();
  });
}

async function staysOpen(socket: Socket, clock: Clock): Promise<boolean> {
  const over = new AbortController();
  const closed = new Promise<boolean>((resolve) => {
    socket.once('end', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.resume();
  });
  const late = clock.sleep(GO_BETWEEN_MS, { signal: over.signal }).then(
    () => true,
    () => true,
  );
  const stays = await Promise.race([closed, late]);
  over.abort();
  return stays;
}
