// Requests as nobody should send them, made from the description of the API and a seed.

import type { Random } from '../../engine/base/random.ts';
import type { ApiDescription, DescribedOperation, Parameter } from '../../engine/server/openapi.ts';
import { FRAMES_TYPE } from '../../engine/server/wire.ts';
import { frames } from './server.ts';

type Json = Readonly<Record<string, unknown>>;

export interface FuzzedRequest {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: Buffer | string;
}

/** Places outside of the store that an engine would go to. */
const PLACES = new Set(['store', 'from', 'to']);
const STRANGE_TEXTS = [
  '',
  ' ',
  '.',
  '..',
  '/',
  '//',
  '../../etc/passwd',
  '\0',
  '\n',
  'é\u0301',
  '\ud800',
  '😀',
  '%',
  '%2e%2e',
  '{}',
  '[',
  '(((((',
  '**',
  '{a,b',
  '^',
  'master^^^^^^^^',
  'master^99999999999999999999',
  'master.0',
  '-1',
  'null',
  'true',
  '1e400',
  'NaN',
  '__proto__',
  'constructor',
  'default/images@master:/a.csv',
  '0'.repeat(32),
  'x'.repeat(3000),
];
const STRANGE_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 1,
  [],
  [[]],
  [null],
  {},
  { __proto__: 1 },
  { a: { b: { c: [1] } } },
  ...STRANGE_TEXTS,
];

/** Makes one request after the other. */
export class ApiFuzzer {
  readonly #random: Random;
  readonly #api: ApiDescription;
  readonly #operations: readonly {
    readonly method: string;
    readonly path: string;
    readonly operation: DescribedOperation;
  }[];
  readonly #values: ReadonlyMap<unknown, string>;

  constructor(
    api: ApiDescription,
    options: {
      readonly random: Random;
      /** What the store really has, by what stands for it in examples. */
      readonly values: ReadonlyMap<unknown, string>;
      readonly without: ReadonlySet<string>;
    },
  ) {
    this.#api = api;
    this.#random = options.random;
    this.#values = options.values;
    this.#operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { operationId }]) => !options.without.has(operationId))
        .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
  }

  chance(share: number): boolean {
    return this.#random.fraction() < share;
  }

  pick<T>(list: readonly T[]): T {
    const one = list[Math.floor(this.#random.fraction() * list.length)];
    if (one === undefined && list.length === 0) {
      throw new Error('there is nothing to pick');
    }
    return one as T;
  }

  next(): FuzzedRequest {
    let chosen = this.pick(this.#operations);
    // What is deleted is missed by all that comes after.
    while (chosen.method === 'DELETE' && this.chance(0.9)) {
      chosen = this.pick(this.#operations);
    }
    const { method, path, operation } = chosen;
    const of = (place: string) => operation.parameters.filter((one) => one.in === place);
    const names = new Map(of('path').map((one) => [one.name, this.#parameter(one)]));
    const query = of('query')
      .filter(({ required }) => (required ? this.chance(0.9) : this.chance(0.4)))
      .map((one): [string, string] => [one.name, this.#parameter(one)]);
    if (this.chance(0.05)) {
      query.push([this.pick(STRANGE_TEXTS), this.pick(STRANGE_TEXTS)]);
    }
    if (this.chance(0.05)) {
      query.push(...query);
    }
    const headers = Object.fromEntries(
      of('header')
        .filter(() => this.chance(0.3))
        .map((one) => [one.name, this.#header(one)]),
    );
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => encoded(names.get(name) ?? ''));
    const text = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
    return {
      operation: operation.operationId,
      method,
      path: `${filled}${text === '' ? '' : `?${text}`}`,
      headers,
      ...this.#body(operation, headers),
    };
  }

  #parameter({ name, schema, example }: Parameter): string {
    const known =
      example === undefined ? undefined : (this.#values.get(example) ?? String(example));
    if (PLACES.has(name)) {
      return this.#values.get('file:///backup') ?? '';
    }
    if (known !== undefined && this.chance(0.75)) {
      return known;
    }
    const value = this.chance(0.5) ? this.#fitting(schema) : this.pick(STRANGE_TEXTS);
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  #header({ name }: Parameter): string {
    switch (name) {
      case 'idempotency-key':
        return this.chance(0.5)
          ? this.#random.bytes(16).toString('hex')
          : printable(this.pick(STRANGE_TEXTS));
      case 'range':
        return this.pick([
          'bytes=0-0',
          'bytes=5-1',
          'bytes=-',
          'bytes=99999999999-',
          'lines=1-2',
          'x',
        ]);
      default:
        return this.chance(0.3)
          ? (this.#values.get('the open transaction') ?? '')
          : printable(this.pick(STRANGE_TEXTS));
    }
  }

  #body(
    { requestBody }: DescribedOperation,
    headers: Record<string, string>,
  ): { readonly body?: Buffer | string } {
    const content = Object.entries(requestBody?.content ?? {});
    if (content.length === 0) {
      if (this.chance(0.9)) {
        return {};
      }
      headers['content-type'] = 'application/json';
      return { body: JSON.stringify(this.pick(STRANGE_VALUES)) };
    }
    const [type, { schema, example }] = this.pick(content);
    headers['content-type'] = this.chance(0.9)
      ? type
      : this.pick(['', 'application/json', 'text/plain', 'a/b', 'multipart/form-data', 'x']);
    if (this.chance(0.1)) {
      headers['content-encoding'] = this.pick(['gzip', 'br', 'x', '']);
    }
    switch (type) {
      case 'application/json':
        return { body: this.#document(schema, example) };
      case FRAMES_TYPE: {
        const whole = frames({ [this.pick(STRANGE_TEXTS).slice(0, 200)]: 'x', 'b.csv': 'y' });
        return { body: this.chance(0.5) ? whole : this.#damaged(whole) };
      }
      default:
        return {
          body: this.chance(0.5) && typeof example === 'string' ? example : this.#random.bytes(200),
        };
    }
  }

  #document(schema: Json | undefined, example: unknown): string {
    const known = (value: unknown) => this.#values.get(value) ?? value;
    const whole = JSON.stringify(
      this.chance(0.5) ? (example ?? {}) : this.#fitting(schema ?? {}),
      (_, value: unknown) =>
        typeof value === 'object' || value === undefined ? value : known(value),
    );
    const kind = this.#random.fraction();
    if (kind < 0.5) {
      return whole;
    }
    if (kind < 0.8) {
      const document = JSON.parse(whole) as Record<string, unknown>;
      const name = this.pick([...Object.keys(document), 'unknown', '__proto__']);
      return JSON.stringify({ ...document, [name]: this.pick(STRANGE_VALUES) });
    }
    return kind < 0.95
      ? this.#damaged(Buffer.from(whole)).toString('latin1')
      : JSON.stringify(this.pick(STRANGE_VALUES));
  }

  #damaged(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes.subarray(0, Math.floor(this.#random.fraction() * bytes.length)));
    for (let i = 0; i < 3 && copy.length > 0; i += 1) {
      copy[Math.floor(this.#random.fraction() * copy.length)] = this.#random.bytes(1)[0] ?? 0;
    }
    return copy;
  }

  /** Returns a value that a schema allows, or nearly. */
  #fitting(schema: Json): unknown {
    const {
      $ref,
      anyOf,
      enum: words,
      type,
      items,
      properties,
    } = schema as {
      $ref?: string;
      anyOf?: Json[];
      enum?: string[];
      type?: string;
      items?: Json;
      properties?: Record<string, Json>;
    };
    if ($ref) {
      return this.#fitting(this.#api.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {});
    }
    if (anyOf) {
      return this.#fitting(this.pick(anyOf));
    }
    if (words) {
      return this.pick(words);
    }
    if (properties) {
      const some = Object.entries(properties).filter(() => this.chance(0.8));
      return Object.fromEntries(some.map(([name, field]) => [name, this.#fitting(field)]));
    }
    switch (type) {
      case 'string':
        return this.pick(['default', 'images', 'master', 'a', '/a.csv', ...STRANGE_TEXTS]);
      case 'integer':
      case 'number':
        return this.pick([0, 1, 2, 7, 1000, -1, 2 ** 31, 2 ** 53]);
      case 'boolean':
        return this.chance(0.5);
      case 'array':
        return [this.#fitting(items ?? {}), this.#fitting(items ?? {})].slice(this.pick([0, 1, 2]));
      case 'null':
        return null;
      default:
        return this.pick(STRANGE_VALUES);
    }
  }
}

/** Half a character is none in a URL. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** Headers hold neither line ends nor what is no Latin. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
