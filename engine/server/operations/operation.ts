// What an operation of the API is, as its description, the checks of requests and the clients' types know it. One declaration
// says all of it; routes only do the work.

import { type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** As it is asked for: a method, and a path below the prefix of the API; beside it, a path with two slashes. */
export type OperationKey = `${Method} /${string}`;

/** A request that shows how the operation is used. Tests send it. */
export interface Example {
  /** Values of the path, where those that all examples share do not do; see `example-values.ts`. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A document, text, or files by path where frames are sent. */
  readonly body?: unknown;
}

export interface Operation {
  /** Unique, and as functions are named. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly query?: TObject;
  /** A JSON document that is sent. */
  readonly body?: TSchema;
  /** Text that is sent: what it is. */
  readonly text?: string;
  /** Media types of a stream that is sent. */
  readonly streams?: readonly string[];
  /** The JSON document that is the answer. */
  readonly answer?: TSchema;
  /** The document on each line of an answer that comes line by line. */
  readonly lines?: TSchema;
  /** Media types of an answer that is neither. */
  readonly bytes?: string | readonly string[];
  /** Of a success that is not 200. */
  readonly status?: 202 | 204;
  /** Whether ranges and conditions are honoured (RFC 9110, 13 and 14). */
  readonly hasRanges?: true;
  /** Whether it can be added to a transaction instead of being carried out at once. */
  readonly inTransaction?: true;
  /** Whether an idempotency key makes retries safe: that of every write but where this says otherwise. */
  readonly isOnce?: false;
  /** Whether it needs no token. */
  readonly isOpen?: true;
  readonly example: Example;
}

/** The subjects, in the order of the reference. */
export const TAGS = {
  engine: 'The engine itself: version, status, health, journal.',
  projects: 'Projects hold repos and pipelines.',
  repos: 'Repos and their branches and tags.',
  commits: 'Commits, and the sets of commits that have one id since one caused the others.',
  files: 'Files: sent and read as they are, as frames, in parts; listed, matched and compared.',
  pipelines: 'Pipelines, their versions, what a spec would do, and defaults.',
  jobs: 'Jobs, their datums and logs.',
  provenance: 'Where data came from, and why jobs did what they did.',
  transactions: 'Several changes as one.',
  secrets: 'What commands need and nobody may read.',
  users: 'Who may do what: users, tokens, roles, and sign-ins of browsers.',
  upkeep: 'Trash, retention, usage and collection.',
  store: 'The store: whether it is whole, and copies of it.',
  workbench: 'Work on one datum by hand.',
} as const;

export type Tag = keyof typeof TAGS;

/** Declares operations. */
export function operations<const T extends Readonly<Record<OperationKey, Operation>>>(all: T): T {
  return all;
}

/** The query parameters of an operation: there are no others. */
export function query<const T extends TProperties>(parameters: T): TObject<T> {
  return Type.Object(parameters, { additionalProperties: false });
}

/** A query parameter that is `true` or `false`, which is the same as none. */
export function flag(description: string) {
  return Type.Optional(Type.Boolean({ description }));
}

/** A query parameter that is text. */
export function text(description: string) {
  return Type.Optional(Type.String({ description }));
}

/** A query parameter that narrows a list to things in some states. */
export function states(known: readonly string[]) {
  return text(`Only in these states, with commas between them: ${known.join(', ')}.`);
}

/** The query parameters of lists that come in pages. */
export const PAGED = {
  after: text('`next` of the page before; without it the list begins.'),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, description: 'The most items on the page: 1,000, at most 10,000.' }),
  ),
};
