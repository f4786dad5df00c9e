// What the rooms of pfs work with. Made once by the engine's wiring; it holds no logic.

import type { Asker } from '../auth/asker.ts';
import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { IdMaker } from '../base/ids.ts';
import type { Tracer } from '../base/tracer.ts';
import type { ReadRange } from '../content/large-file.ts';
import type { GitReader } from '../git/git-reader.ts';
import type { Journal } from '../journal/journal.ts';
import type { Operation } from '../journal/operations.ts';
import type { State } from '../journal/state.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PackSet } from '../object/pack-set.ts';
import type { PackUploader } from '../object/pack-uploader.ts';
import type { WriteSession } from './write-session.ts';

export interface PfsContext {
  readonly store: ObjectStore;
  readonly journal: Journal<State, Operation>;
  readonly clock: Clock;
  /** Takes spans of what is done; undefined: nobody does. */
  readonly tracer?: Tracer;
  readonly ids: IdMaker;
  /** The live packs, for what is copied as it is stored. */
  readonly packs: PackSet;
  /** The way of packs into the store. */
  readonly uploader: PackUploader;
  /** Git objects in live packs. */
  readonly objects: GitReader;
  /** Yields the bytes of a file in live packs by its blob's id, large or not. */
  readFile(id: string, range?: ReadRange): AsyncIterable<Buffer>;
  /** Starts a write session; finish or discard it. */
  newSession(): WriteSession;
  /** Returns a finished record that has left the state, or undefined. */
  history<T>(key: string): Promise<T | undefined>;
  /** Yields finished records by prefix, in the order of their keys. */
  scanHistory<T>(
    prefix: string,
    options?: { reverse?: boolean; from?: string },
  ): AsyncIterable<readonly [string, T]>;
}

/** Who asks for a change, and under which id a retry of the same request would come. */
export interface Request extends Asker {
  /** Made by the client; 32 hex digits. */
  readonly id?: string;
}

/** Returns the options of `Journal.transact` for a request. */
export function transactOptions(request: Request): { actor: string; requestId?: string } {
  const { actor, id } = request;
  return id === undefined ? { actor } : { actor, requestId: id };
}

/**
 * Runs `work` unless the request was answered before: then that answer is given again, so that what the first try did
 * does not stand in the way of the second.
 */
export async function answerOnce<T>(
  context: PfsContext,
  request: Request,
  work: () => Promise<T>,
): Promise<T> {
  const answer = () =>
    request.id === undefined ? undefined : context.journal.findAnswer(request.id);
  const known = answer();
  if (known) {
    return known.result as T;
  }
  try {
    return await work();
  } catch (error) {
    if (request.id === undefined || isEngineError(error, 'unavailable')) {
      throw error;
    }
    // The first try, under way still or made by another engine, may be what stood in the way.
    await context.journal.sync();
    const late = answer();
    if (late) {
      return late.result as T;
    }
    throw error;
  }
}
