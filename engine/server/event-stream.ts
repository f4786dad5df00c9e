// Changes as server-sent events (HTML, 9.2) for one client. What it has not read yet waits in its connection or nowhere.

import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import { linkAbort } from '../base/linked-abort.ts';
import { splitRepoKey } from '../pfs/names.ts';
import type { ChangeLog, LoggedChange } from './change-log.ts';
import { CHANGE_KINDS, type Change, type ChangeKind, type Reset } from './wire-events.ts';
import type { Witnesses } from './witnesses.ts';

export const EVENTS_TYPE = 'text/event-stream';

/** How long nothing is said at most, so that nobody between takes the connection for dead. */
export const HEARTBEAT_MS = 15_000;
/** How long after a cut the client should come again. */
const RETRY_MS = 1000;
/** Who takes nothing for so long is let go of; it may come again. */
export const STUCK_MS = 60_000;

/** What a client wants to hear of. */
export interface EventFilter {
  readonly kinds: ReadonlySet<ChangeKind>;
  /** Only what is in this project. */
  readonly project?: string;
  /** Whether one may hear of a key; of everything where it is not said. */
  readonly sees?: (kind: ChangeKind, key: string, witnesses?: Witnesses) => boolean;
}

/** Yields the text of events after a position, as they happen, until `signal` aborts or the journal stops. */
export async function* eventStream(
  log: ChangeLog,
  options: {
    readonly position: number;
    readonly filter: EventFilter;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<string> {
  const { filter, signal } = options;
  let { position } = options;
  yield `retry: ${RETRY_MS}\nid: ${position}\n\n`;
  while (!signal.aborted) {
    const next = log.after(position);
    if (next === 'lost') {
      position = log.seq;
      yield event('reset', { seq: position });
    } else if (next) {
      position = next.seq;
      const change = changeOf(next, filter);
      if (change === 'unsure') {
        yield event('reset', { seq: position });
      } else if (change) {
        yield event('change', change);
      }
    } else {
      position = log.seq;
      if (!(await hasMoved(log, position, options))) {
        // The position moves on also where nothing that the client wants has changed.
        yield `: alive\nid: ${position}\n\n`;
      }
    }
  }
  // Not that anybody hears it who has gone: it tells those who are there that the engine ends. Browsers come again by themselves.
  yield `event: end\nid: ${position}\ndata: {"seq":${position}}\n\n`;
}

/** Passes texts on, and calls `giveUp` where one is not taken for too long. */
export async function* unlessStuck(
  texts: AsyncIterable<string>,
  { clock, giveUp }: { readonly clock: Clock; readonly giveUp: () => void },
): AsyncGenerator<string> {
  for await (const text of texts) {
    const taken = new AbortController();
    clock.sleep(STUCK_MS, { signal: taken.signal }).then(giveUp, () => undefined);
    try {
      yield text;
    } finally {
      taken.abort();
    }
  }
}

/** Returns whether the newest position became another one before it was time to say something. */
async function hasMoved(
  log: ChangeLog,
  position: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean> {
  const { controller, unlink } = linkAbort(signal);
  try {
    return await Promise.race([
      log.moved(position, controller.signal).then(() => true),
      clock.sleep(HEARTBEAT_MS, { signal: controller.signal }).then(() => false),
    ]);
  } catch (error) {
    if (signal.aborted && isEngineError(error, 'cancelled')) {
      return true;
    }
    throw error;
  } finally {
    controller.abort();
    unlink();
  }
}

function event(name: 'change' | 'reset', data: Change | Reset): string {
  return `event: ${name}\nid: ${data.seq}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Returns what a client is told of a change; undefined where nothing of it is wanted, `unsure` where something is gone that the
 * client may have been able to read.
 */
function changeOf(
  { seq, keys, witnesses }: LoggedChange,
  { kinds, project, sees = () => true }: EventFilter,
): Change | 'unsure' | undefined {
  let isUnsure = false;
  const wanted = (kind: ChangeKind): string[] => {
    const asked = [...(kinds.has(kind) ? (keys.get(kind) ?? []) : [])].filter(
      (key) => !project || projectOf(kind, key) === project,
    );
    const seen = asked.filter((key) => sees(kind, key, witnesses));
    isUnsure ||= witnesses === undefined && seen.length < asked.length;
    return seen;
  };
  const lists = CHANGE_KINDS.map((kind) => [kind, wanted(kind)] as const);
  if (isUnsure) {
    return 'unsure';
  }
  if (lists.every(([, list]) => list.length === 0)) {
    return undefined;
  }
  const change = Object.fromEntries(lists) as Record<ChangeKind, string[]>;
  const ids = change.commits.map((key) => key.slice(key.lastIndexOf('@') + 1));
  return { seq, ...change, commits: [...new Set(ids)] };
}

/** Returns the project that a key is of; undefined for what belongs to none. */
function projectOf(kind: ChangeKind, key: string): string | undefined {
  switch (kind) {
    case 'projects':
      return key;
    case 'defaults':
      return /^project\/(.*)$/.exec(key)?.[1];
    case 'secrets':
    case 'transactions':
      return undefined;
    default:
      return splitRepoKey(key).project;
  }
}
