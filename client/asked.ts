// What a client is asked with, and what it gives back, by operation. Types only.

import type { BodyOf, Key, ParamsOf, QueryOf } from '../engine/server/operations/types.ts';
import type { AnswerMemory } from './transport.ts';

/** What an operation is asked with: the values of its path, and a document or text where it takes one. */
export type Asked<K extends Key> = {
  readonly query?: QueryOf<K> | undefined;
  /** Ends the request, and what is read of its answer, when it aborts. */
  readonly signal?: AbortSignal | undefined;
} & (keyof ParamsOf<K> extends never
  ? { readonly params?: Record<never, never> }
  : { readonly params: ParamsOf<K> }) &
  ([BodyOf<K>] extends [never]
    ? { readonly body?: undefined }
    : { readonly body: BodyOf<K> | undefined });

/** Nothing has to be said where all of it may be left out. */
export type Rest<K extends Key, More = unknown> =
  Record<never, never> extends Asked<K> & More
    ? [asked?: Asked<K> & More]
    : [asked: Asked<K> & More];

export interface Changing {
  /** The transaction to add to, instead of changing anything at once. */
  readonly transaction?: string | undefined;
}

export interface Followed {
  /** Called when the engine begins to answer, which may be long before there is something to tell. */
  readonly onOpen?: () => void;
}

export interface Opening {
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the bytes of a long answer may go; see {@link ApiRequest.memory}. */
  readonly memory?: AnswerMemory | undefined;
}

/** An answer of bytes. */
export interface Opened {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** It holds only the range that was asked for. */
  readonly isPart: boolean;
  readonly etag: string | undefined;
  /** How many bytes there are; NaN where the answer does not say. */
  readonly size: number;
}
