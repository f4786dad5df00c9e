// What the schemas of the wire are made with: TypeBox, and a few shapes that it has no word for. A schema with a name stands
// once in the API's description; its type is read-only, since nobody changes what has travelled.

import {
  type SchemaOptions,
  type Static,
  type TInteger,
  type TSchema,
  type TUnsafe,
  Type,
} from '@sinclair/typebox';

type Frozen<T> = T extends readonly (infer U)[]
  ? readonly Frozen<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** The type of what a schema describes. */
export type Wire<S extends TSchema> = Frozen<Static<S>>;

/** Where named schemas stand in the API's description. */
export const COMPONENTS = '#/components/schemas/';

const known = new Map<string, TSchema>();

/** All schemas that have a name and have been loaded. */
export const NAMED: ReadonlyMap<string, TSchema> = known;

/** Gives a schema its name, by which others refer to it. */
export function named<S extends TSchema>(name: string, schema: S): S {
  const titled: S = { ...schema, title: name };
  known.set(name, titled);
  return titled;
}

/** Returns a reference to a named schema that is not there yet, since it holds itself. */
export function reference<T>(name: string): TUnsafe<T> {
  return Type.Unsafe<T>({ $ref: COMPONENTS + name });
}

/** Returns the schema with what it means at one place. */
export function described<S extends TSchema>(schema: S, description: string): S {
  return { ...schema, description };
}

/** One of these words. */
export function oneOf<const T extends string>(
  words: readonly T[],
  options: SchemaOptions = {},
): TUnsafe<T> {
  return Type.Unsafe<T>({ type: 'string', enum: words, ...options });
}

/** A whole number from `minimum` on, as far as numbers are exact. */
export function whole(minimum: number, options: SchemaOptions = {}): TInteger {
  return Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, ...options });
}

export function nullable<S extends TSchema>(
  schema: S,
  options: SchemaOptions = {},
): TUnsafe<Static<S> | null> {
  return Type.Unsafe<Static<S> | null>({ anyOf: [schema, Type.Null()], ...options });
}

/** An object of any names with values of one kind. */
export function record<S extends TSchema>(
  values: S,
  options: SchemaOptions = {},
): TUnsafe<Record<string, Static<S>>> {
  return Type.Unsafe({ type: 'object', additionalProperties: values, ...options });
}

/** How many there are of some of these words. */
export function counts<S extends TSchema & { static: string }>(
  words: S,
  options: SchemaOptions = {},
): TUnsafe<Partial<Record<Static<S> & string, number>>> {
  return Type.Unsafe({
    type: 'object',
    propertyNames: words,
    additionalProperties: Type.Integer({ minimum: 0 }),
    ...options,
  });
}

/** One page of a list; see `Page`. */
export function page<S extends TSchema>(item: S) {
  return Type.Object({
    items: Type.Array(item),
    next: nullable(Type.String(), {
      description: 'What to give as `after` for the next page; null on the last one.',
    }),
  });
}
