// The description of the API as OpenAPI 3.1, made from the operations. Plain data.

import type { TSchema } from '@sinclair/typebox';
import { OPERATIONS } from './operations/all.ts';
import { EXAMPLE_PARAMS } from './operations/example-values.ts';
import { type Example, type Operation, TAGS } from './operations/operation.ts';
import { OUTSIDE_OPERATIONS } from './operations/outside.ts';
import { API_PREFIX, LINES_TYPE, TRANSACTION_HEADER } from './wire.ts';
import { COMPONENTS, NAMED } from './wire-schema.ts';
// Errors, and what stands in streams that are no JSON lines.
import './wire-changes.ts';
import './wire-problem.ts';
import './wire-sessions.ts';

type Json = Readonly<Record<string, unknown>>;

export interface ApiDescription {
  readonly openapi: string;
  readonly info: Json & { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: Json & { readonly schemas: Readonly<Record<string, Json>> };
}

export interface DescribedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, Content>>;
  };
  readonly responses: Readonly<
    Record<string, Json & { readonly content?: Readonly<Record<string, Content>> }>
  >;
  readonly security?: readonly Json[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description: string;
  readonly schema: Json;
  readonly example?: unknown;
}

export interface Content {
  readonly schema?: Json;
  readonly example?: unknown;
}

const PARAMETERS: Readonly<Record<string, string>> = {
  project: 'A project.',
  repo: 'A repo. Those with the specs and results of a pipeline are `{pipeline}.spec` and `.meta`.',
  branch: 'A branch.',
  ref: 'A branch, a tag, a commit id, or one of these followed by `^`, `^N` (N commits up) or `.N` (the N-th commit of the branch, 1 being the first).',
  tag: 'A tag.',
  pipeline: 'A pipeline.',
  id: 'An id: 32 hexadecimal digits.',
  datum: 'The beginning of the id of a datum.',
  name: 'A name.',
  hook: 'The id of a webhook.',
  user: 'A user.',
  token: 'The id of a token.',
};

const PROBLEM = {
  description: 'A problem: what is wrong, why, and what to do.',
  content: { 'application/problem+json': { schema: { $ref: `${COMPONENTS}Problem` } } },
};

const ABOUT = `Requests carry \`Authorization: Bearer <token>\`, the token being in the file \`token\` of the engine's home. Errors are
problem details (RFC 9457) whose \`code\` never changes its meaning. Lists come in pages: ask again with \`after\` = \`next\` until that is
null. Streams are lines of JSON; a line \`{"problem": …}\` ends one that failed, and empty lines keep one alive. Every answer names
the engine's version in the header \`Pfs-Version\`. Times are ISO 8601 in UTC, sizes are bytes. Every path segment is URL-encoded.`;

/** Describes the API of an engine of a version. */
export function describeApi(version: string): ApiDescription {
  const paths: Record<string, Record<string, DescribedOperation>> = {};
  const add = (all: Readonly<Record<string, Operation>>, prefix: string) => {
    for (const [key, operation] of Object.entries(all)) {
      const [method = '', path = ''] = key.split(' ');
      paths[prefix + path] ??= {};
      Object.assign(paths[prefix + path] ?? {}, {
        [method.toLowerCase()]: describe(operation, { method, path }),
      });
    }
  };
  add(OPERATIONS, API_PREFIX);
  add(OUTSIDE_OPERATIONS, '');
  return {
    openapi: '3.1.0',
    info: {
      title: 'pfs',
      version,
      summary: 'Containerized pipelines over versioned data',
      description: ABOUT.replaceAll('\n', ' '),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries(
        [...NAMED]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, schema]) => [name, plain(schema, { isNamed: true })]),
      ),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function describe(
  operation: Operation,
  { method, path }: { readonly method: string; readonly path: string },
): DescribedOperation {
  const { id, tag, summary, description, isOpen } = operation;
  const body = requestBody(operation);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    parameters: [
      ...pathParameters(path, operation.example),
      ...queryParameters(operation),
      ...headerParameters(operation, method),
    ],
    ...(body ? { requestBody: body } : {}),
    responses: { ...answers(operation), default: PROBLEM },
    security: isOpen ? [] : [{ token: [] }],
  };
}

function pathParameters(path: string, { params = {} }: Example): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: PARAMETERS[name] ?? '',
    schema: { type: 'string' },
    example: params[name] ?? EXAMPLE_PARAMS[name],
  }));
}

function queryParameters({ query, example }: Operation): Parameter[] {
  const required: readonly string[] = query?.required ?? [];
  return Object.entries(query?.properties ?? {}).map(([name, schema]) => {
    const { description = '', ...rest } = plain(schema);
    const value = example.query?.[name];
    return {
      name,
      in: 'query',
      required: required.includes(name),
      description: String(description),
      schema: rest,
      ...(value === undefined ? {} : { example: value }),
    };
  });
}

function headerParameters(operation: Operation, method: string): Parameter[] {
  const header = (name: string, description: string, schema: Json = {}): Parameter => {
    const value = operation.example.headers?.[name];
    return {
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string', ...schema },
      ...(value === undefined ? {} : { example: value }),
    };
  };
  const id = { pattern: '^[0-9a-f]{32}$' };
  return [
    ...(method !== 'GET' && operation.isOnce !== false
      ? [
          header(
            'idempotency-key',
            'The same key again, also after a crash, gets the first answer and changes nothing.',
            id,
          ),
        ]
      : []),
    ...(operation.inTransaction
      ? [header(TRANSACTION_HEADER, 'Adds this to a transaction instead of doing it at once.', id)]
      : []),
    ...(operation.hasRanges
      ? [
          header('range', 'Some of the bytes: `bytes=0-99`.'),
          header('if-match', 'The `ETag` of the file that is meant; another one is refused.'),
          header(
            'if-none-match',
            'The `ETag` of what one has already: 304 where it is still that.',
          ),
          header('if-modified-since', 'Likewise a time.'),
          header('if-unmodified-since', 'Another file since then is refused.'),
          header('if-range', 'The `ETag` with which the range is meant.'),
        ]
      : []),
  ];
}

function requestBody(operation: Operation): DescribedOperation['requestBody'] {
  const { body, text, streams, example } = operation;
  const sent = example.body === undefined ? {} : { example: example.body };
  if (body) {
    const required = ((body.required as readonly string[] | undefined) ?? []).length > 0;
    return { required, content: { 'application/json': { schema: plain(body), ...sent } } };
  }
  if (text !== undefined) {
    const schema = { type: 'string', description: text };
    return { required: true, content: { 'text/plain': { schema, ...sent } } };
  }
  // What is sent as it is comes last, and shows best.
  return (
    streams && {
      required: true,
      content: Object.fromEntries(
        streams.map((type, index) => [type, index === streams.length - 1 ? sent : {}]),
      ),
    }
  );
}

function answers(operation: Operation): DescribedOperation['responses'] {
  const { answer, lines, bytes, status, hasRanges } = operation;
  if (status === 204) {
    return { 204: { description: 'Done.' } };
  }
  if (status === 202) {
    return { 202: { description: 'It will be done.' } };
  }
  if (lines) {
    const description = 'A document on each line.';
    return { 200: { description, content: { [LINES_TYPE]: { schema: plain(lines) } } } };
  }
  if (answer) {
    const content = { 'application/json': { schema: plain(answer) } };
    return { 200: { description: 'Done, or found.', content } };
  }
  const content = Object.fromEntries([bytes ?? []].flat().map((type) => [type, {}]));
  return {
    200: { description: 'The bytes.', content },
    ...(hasRanges
      ? {
          206: { description: 'The bytes that were asked for.', content },
          304: { description: 'It is still what one has.' },
        }
      : {}),
  };
}

/** Returns a schema as plain data, in which those with names are references. */
function plain(schema: TSchema, { isNamed = false }: { readonly isNamed?: boolean } = {}): Json {
  const { title, description } = schema;
  if (!isNamed && title !== undefined && NAMED.has(title)) {
    const own = NAMED.get(title)?.description;
    return {
      $ref: COMPONENTS + title,
      ...(description === undefined || description === own ? {} : { description }),
    };
  }
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => name !== 'title')
      .map(([name, value]) => [name, plainValue(value)]),
  );
}

function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plainValue);
  }
  return typeof value === 'object' && value !== null ? plain(value as TSchema) : value;
}
