// Sign-ins of browsers: a token is exchanged for a cookie that no script can read. They are known here alone, by hashes, and end with
// the token, after a week, or with the engine.

import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { Identity } from './identity.ts';

const SECRET_BYTES = 32;
const SESSION_MS = 7 * 24 * 60 * 60 * 1000;
const CODE_MS = 60_000;
/** The oldest go where there are more. */
const MOST = 10_000;
/** Of one user, so that nobody's sign-ins end those of others. */
const MOST_OF_ONE = 100;
/** So many failures of one address within so long, and no more are looked at. */
const MOST_FAILURES = 10;
const FAILURES_MS = 60_000;

interface Kept {
  readonly identity: Identity;
  readonly expires: number;
}

/** The sessions of one run of the engine. */
export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sessions = new Map<string, Kept>();
  readonly #codes = new Map<string, Kept>();
  readonly #failures = new Map<string, readonly number[]>();

  constructor(options: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Begins a session; returns what the cookie holds, and for how many seconds. */
  begin(identity: Identity): { readonly secret: string; readonly seconds: number } {
    return {
      secret: this.#keep(this.#sessions, identity, SESSION_MS),
      seconds: SESSION_MS / 1000,
    };
  }

  /** Returns whose session this is; undefined for none. Whether the token is good still is for others to say. */
  find(secret: string): Identity | undefined {
    const kept = this.#sessions.get(hashOf(secret));
    return kept && kept.expires > this.#clock.now() ? kept.identity : undefined;
  }

  /** Ends a session. */
  end(secret: string): void {
    this.#sessions.delete(hashOf(secret));
  }

  /** Makes a code that begins a session once, within a minute. */
  makeCode(identity: Identity): { readonly code: string; readonly expires: number } {
    return {
      code: this.#keep(this.#codes, identity, CODE_MS),
      expires: this.#clock.now() + CODE_MS,
    };
  }

  /** Returns whose code this is, and makes it worth nothing; undefined for none. */
  takeCode(code: string): Identity | undefined {
    const key = hashOf(code);
    const kept = this.#codes.get(key);
    this.#codes.delete(key);
    return kept && kept.expires > this.#clock.now() ? kept.identity : undefined;
  }

  /** Rejects with `rate_limited` an address from which too many sign-ins have failed. */
  checkRate(address: string): void {
    if (this.#recentFailures(address).length >= MOST_FAILURES) {
      throw new EngineError(
        'rate_limited',
        'Cannot sign in: too many attempts have failed from this address; wait a minute and try again',
      );
    }
  }

  /** Notes that a sign-in from an address failed. */
  noteFailure(address: string): void {
    const recent = this.#recentFailures(address);
    this.#failures.delete(address);
    this.#failures.set(address, [...recent, this.#clock.now()]);
    dropOldest(this.#failures);
  }

  #recentFailures(address: string): readonly number[] {
    const since = this.#clock.now() - FAILURES_MS;
    return (this.#failures.get(address) ?? []).filter((time) => time > since);
  }

  #keep(kept: Map<string, Kept>, identity: Identity, lifetimeMs: number): string {
    const secret = this.#random.bytes(SECRET_BYTES).toString('base64url');
    dropFor(kept, identity, this.#clock.now());
    kept.set(hashOf(secret), { identity, expires: this.#clock.now() + lifetimeMs });
    dropOldest(kept);
    return secret;
  }
}

/** Makes room for another of a user: drops what is over, and the user's oldest where there are too many. */
function dropFor(map: Map<string, Kept>, { asker }: Identity, now: number): void {
  const own: string[] = [];
  for (const [key, { identity, expires }] of map) {
    if (expires <= now) {
      map.delete(key);
    } else if (identity.asker.user === asker.user && identity.asker.actor === asker.actor) {
      own.push(key);
    }
  }
  const [oldest] = own.length >= MOST_OF_ONE ? own : [];
  if (oldest !== undefined) {
    map.delete(oldest);
  }
}

function dropOldest(map: Map<string, unknown>): void {
  const [oldest] = map.size > MOST ? map.keys() : [];
  if (oldest !== undefined) {
    map.delete(oldest);
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
