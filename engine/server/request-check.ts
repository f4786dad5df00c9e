// Checks requests against the schemas of their operations, before any route sees them. Loaded after the engine has begun to
// listen, since schemas take a while; each operation's are compiled when it is first asked for.

import type { TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FastifyRequest } from 'fastify';
import { EngineError } from '../base/errors.ts';
import { nearestWord } from '../pipeline/edit-distance.ts';
import { OPERATIONS } from './operations/all.ts';
import type { Operation } from './operations/operation.ts';
import { query } from './operations/operation.ts';
import { API_PREFIX } from './wire.ts';
import { COMPONENTS, NAMED } from './wire-schema.ts';

const NO_QUERY = query({});

/** Text becomes what a parameter is: those of a query are all text. */
const ofQuery = new Ajv({ coerceTypes: true, verbose: true, strict: false });
const ofBody = new Ajv({ verbose: true, strict: false });
const checks = new Map<string, Checks | undefined>();

interface Checks {
  readonly query: ValidateFunction;
  readonly body: ValidateFunction | undefined;
}

/** Throws `invalid`, with what is wrong and what would be right, for a request that does not fit its operation. */
export function checkRequest(request: FastifyRequest): void {
  const { query: asked, body } = checksOf(request) ?? {};
  // A copy: routes read the text that was sent.
  if (asked && !asked({ ...(request.query as object) })) {
    throw refusal(asked.errors ?? [], 'query');
  }
  // No body is one without fields.
  if (body && !body(request.body ?? {})) {
    throw refusal(body.errors ?? [], 'body');
  }
}

function checksOf({ method, routeOptions }: FastifyRequest): Checks | undefined {
  const path = (routeOptions.url ?? '').slice(API_PREFIX.length).replace(/:(\w+)/g, '{$1}');
  const key = `${method === 'HEAD' ? 'GET' : method} ${path}`;
  if (!checks.has(key)) {
    const operation: Operation | undefined = (OPERATIONS as Readonly<Record<string, Operation>>)[
      key
    ];
    checks.set(key, operation && compile(operation));
  }
  return checks.get(key);
}

function compile({ query: asked = NO_QUERY, body }: Operation): Checks {
  return {
    query: ofQuery.compile(asked),
    body: body && ofBody.compile(closed(body)),
  };
}

/** Returns a schema that allows no fields but those it names, at any depth. */
function closed(schema: TSchema): TSchema {
  if (typeof schema.$ref === 'string') {
    return closed(NAMED.get(schema.$ref.slice(COMPONENTS.length)) ?? schema);
  }
  const { anyOf, items, properties } = schema as {
    anyOf?: TSchema[];
    items?: TSchema;
    properties?: Record<string, TSchema>;
  };
  return {
    ...schema,
    ...(anyOf ? { anyOf: anyOf.map(closed) } : {}),
    ...(items ? { items: closed(items) } : {}),
    ...(properties
      ? {
          additionalProperties: false,
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [name, closed(field)]),
          ),
        }
      : {}),
  };
}

function refusal(errors: readonly ErrorObject[], part: 'query' | 'body'): EngineError {
  // Of a choice, all branches are told of: that which was meant got furthest.
  const [error] = errors.toSorted((a, b) => depth(b) - depth(a));
  const text = error ? sentence(error, part) : 'it is malformed';
  return new EngineError('invalid', `Cannot read the request: ${text}`);
}

const WEIGHTS: Readonly<Record<string, number>> = {
  additionalProperties: 3,
  required: 3,
  anyOf: 2,
};

function depth({ instancePath, keyword, schema }: ErrorObject): number {
  const isNull = keyword === 'type' && schema === 'null';
  return instancePath.split('/').length * 4 + (isNull ? 0 : (WEIGHTS[keyword] ?? 1));
}

function sentence(error: ErrorObject, part: 'query' | 'body'): string {
  const { instancePath, keyword, params, parentSchema = {}, data } = error;
  const path = instancePath.slice(1).replaceAll('/', '.');
  const within = (name: string) => (path === '' ? name : `${path}.${name}`);
  if (keyword === 'additionalProperties') {
    const name = String(params.additionalProperty);
    const known = Object.keys((parentSchema.properties ?? {}) as object);
    return `there is no "${within(name)}" in its ${part}; ${hint(name, known)}`;
  }
  if (keyword === 'required') {
    const name = String(params.missingProperty);
    const fields = (parentSchema.properties ?? {}) as Readonly<Record<string, TSchema>>;
    return `"${within(name)}" is missing from its ${part}: it must be ${meaning(fields[name])}`;
  }
  const given = ['string', 'number', 'boolean'].includes(typeof data) ? `, not ${shown(data)}` : '';
  return path === ''
    ? `its body must be a JSON object${given}`
    : `"${path}" must be ${meaning(parentSchema as TSchema)}${given}`;
}

function hint(name: string, known: readonly string[]): string {
  if (known.length === 0) {
    return 'leave it out';
  }
  const nearest = nearestWord(name, known);
  return nearest === undefined ? `there are ${known.join(', ')}` : `did you mean "${nearest}"?`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…"` : text;
}

/** Says what a schema allows. */
function meaning(schema: TSchema | undefined): string {
  const {
    anyOf,
    enum: words,
    type,
    items,
    minimum,
    maximum,
  } = (schema ?? {}) as {
    anyOf?: TSchema[];
    enum?: string[];
    type?: string;
    items?: TSchema;
    minimum?: number;
    maximum?: number;
  };
  if (anyOf) {
    return anyOf.map(meaning).join(' or ');
  }
  if (words) {
    return `one of ${words.join(', ')}`;
  }
  const range =
    (minimum === undefined ? '' : ` from ${minimum}`) +
    (maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`);
  switch (type) {
    case 'string':
      return 'text';
    case 'integer':
      return `a whole number${range}`;
    case 'number':
      return `a number${range}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return items?.type === 'string' ? 'a list of texts' : 'a list';
    case 'null':
      return 'null';
    default:
      return 'an object';
  }
}
