// What operations mean for those who ask: the types of what is sent and of what comes back. Types only.

import type { TObject, TSchema } from '@sinclair/typebox';
import type { Wire } from '../wire-schema.ts';
import type { Operations } from './all.ts';

/** An operation, by method and path. */
export type Key = keyof Operations;

type PathNames<P> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathNames<Rest>
  : never;

/** What is undefined is not sent. */
type Loose<T> = {
  readonly [K in keyof T]: undefined extends T[K] ? T[K] | undefined : T[K];
};

/** The values of the path. */
export type ParamsOf<K extends Key> = { readonly [N in PathNames<K>]: string };

export type QueryOf<K extends Key> = Operations[K] extends {
  readonly query: infer Q extends TObject;
}
  ? Loose<Wire<Q>>
  : Readonly<Record<never, never>>;

/** What is sent as JSON or as text; never where nothing is, or a stream. */
export type BodyOf<K extends Key> = Operations[K] extends { readonly body: infer B extends TSchema }
  ? Loose<Wire<B>>
  : Operations[K] extends { readonly text: string }
    ? string
    : never;

/** The document that is the answer. */
export type AnswerOf<K extends Key> = Operations[K] extends {
  readonly answer: infer A extends TSchema;
}
  ? Wire<A>
  : undefined;

/** The document on each line of the answer. */
export type LineOf<K extends Key> = Operations[K] extends {
  readonly lines: infer L extends TSchema;
}
  ? Wire<L>
  : never;

/** An item of a list that comes in pages. */
export type ItemOf<K extends Key> =
  AnswerOf<K> extends { readonly items: readonly (infer T)[]; readonly next: string | null }
    ? T
    : never;

/** Operations that are answered with a document, or with nothing. */
export type CallKey = {
  [K in Key]: Operations[K] extends
    | { readonly lines: TSchema }
    | { readonly bytes: string | readonly string[] }
    ? never
    : K;
}[Key];

/** Operations that can be added to a transaction. */
export type ChangeKey = {
  [K in CallKey]: Operations[K] extends { readonly inTransaction: true } ? K : never;
}[CallKey];

/** Operations that are lists in pages. */
export type ListKey = { [K in Key]: ItemOf<K> extends never ? never : K }[Key];

/** Operations that are answered line by line. */
export type LinesKey = {
  [K in Key]: Operations[K] extends { readonly lines: TSchema } ? K : never;
}[Key];

/** Operations that are answered with bytes. */
export type BytesKey = {
  [K in Key]: Operations[K] extends { readonly bytes: string | readonly string[] } ? K : never;
}[Key];

/** Operations that are sent a stream. */
export type StreamKey = {
  [K in Key]: Operations[K] extends { readonly streams: readonly string[] } ? K : never;
}[Key];
