// The description of the API says what the engine does: each route is in it and nothing else, and each example of it works.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type {
  ApiDescription,
  Content,
  DescribedOperation,
} from '../../../engine/server/openapi.ts';
import { FRAMES_TYPE, LINES_TYPE } from '../../../engine/server/wire.ts';
import { SESSION_TYPE } from '../../../engine/server/wire-workbench.ts';
import { type ApiWorld, arrange, sessionOf, startApiWorld } from '../../support/api-world.ts';
import { frames, readAll, TestServer } from '../../support/server.ts';

/** Doors of other programs, which have descriptions of their own, and the page. */
const OTHER_DOORS = /^\w+ (?:\/git\/|\/?\*)/;
/** What never ends: its answer has begun well with the first document. */
const ENDLESS = new Set(['subscribeCommits', 'subscribeJobs', 'followChanges']);

interface Described {
  readonly method: string;
  readonly path: string;
  readonly operation: DescribedOperation;
}

async function description(server: TestServer): Promise<ApiDescription> {
  const { status, text } = await server.ask('GET', '/openapi.json', { token: null });
  assert.equal(status, 200, text);
  return JSON.parse(text) as ApiDescription;
}

function described({ paths }: ApiDescription): Described[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

it('every route is described, and everything described is a route', async (t) => {
  const server = await TestServer.start(t);
  const api = await description(server);
  const routes = server.routes
    .filter((route) => !OTHER_DOORS.test(route) && !route.startsWith('HEAD '))
    .map((route) => route.replace(/:(\w+)/g, '{$1}'));
  assert.ok(routes.length > 90, 'the routes are seen');
  const known = described(api).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(known.toSorted(), routes.toSorted());
});

it('the description is OpenAPI 3.1, and names each operation once', async (t) => {
  const api = await description(await TestServer.start(t));
  const { valid, errors } = await new Validator().validate(
    structuredClone(api) as unknown as Record<string, unknown>,
  );
  assert.ok(valid, JSON.stringify(errors));
  const ids = described(api).map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  const broken = { ...api, paths: { '/x': { get: { responses: 7 } } } };
  assert.equal((await new Validator().validate(broken)).valid, false, 'the validator looks');
});

it('every example is answered as the description says', async (t) => {
  const world = await startApiWorld(t);
  const api = await description(world.server);
  const validate = validatorOf(api);
  const reads = ({ method }: Described) =>
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].indexOf(method);
  // What deletes the pipeline or the project comes after what needs them.
  const depth = ({ method, path }: Described) => (method === 'DELETE' ? -path.length : 0);
  const ordered = described(api).toSorted((a, b) => reads(a) - reads(b) || depth(a) - depth(b));
  const failures: string[] = [];
  for (const one of ordered) {
    await arrange(world);
    await run(world, one, validate).catch((error: unknown) => {
      failures.push(`${one.method} ${one.path}: ${(error as Error).message}`);
    });
  }
  assert.deepEqual(failures, []);
  assert.deepEqual(world.server.faults, []);
});

it('a write that is sent again under its key is answered the same', async (t) => {
  const world = await startApiWorld(t);
  const api = await description(world.server);
  const keyed = described(api).filter(({ operation }) =>
    operation.parameters.some(({ name }) => name.toLowerCase() === 'idempotency-key'),
  );
  assert.ok(keyed.length > 40, 'most writes take a key');
  const failures: string[] = [];
  for (const one of keyed.toSorted(
    (a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'),
  )) {
    await arrange(world);
    const { headers, body, path: shown } = exampleOf(world, one);
    const path = shown.replace(/[?&]dry-run=true/, '');
    const key = randomBytes(16).toString('hex');
    const answers: string[] = [];
    for (let tries = 0; tries < 2; tries++) {
      const response = await world.server.open(one.method, path, {
        headers: { ...headers, 'idempotency-key': key },
        ...(body === undefined ? {} : { body }),
      });
      const text = (await readAll(response)).toString();
      // What was refused changed nothing: each refusal is a request of its own.
      answers.push(`${response.statusCode} ${text.replace(/,"instance":"[^"]*"/, '')}`);
    }
    if (answers[0] !== answers[1]) {
      failures.push(`${one.method} ${one.path}: ${answers[0]} and then ${answers[1]}`);
    }
  }
  assert.deepEqual(failures, []);
});

it('the reference is a page of its own that shows each operation and asks for nothing', async (t) => {
  const server = await TestServer.start(t);
  const { text, headers, status } = await server.ask('GET', '/reference', { token: null });
  assert.equal(status, 200);
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; style-src 'sha256-/,
  );
  assert.doesNotMatch(text, /<script|src=|@import|https?:\/\//);
  for (const { operation, path } of described(await description(server))) {
    assert.ok(text.includes(`id="${operation.operationId}"`), operation.operationId);
    assert.ok(text.includes(path), path);
  }
  const anchors = [...text.matchAll(/href="#([^"]+)"/g)].map(([, name]) => name);
  for (const name of new Set(anchors)) {
    assert.ok(text.includes(`id="${name}"`), `#${name} leads somewhere`);
  }
});

type Validate = (schema: object, value: unknown) => string | undefined;

/** Sends the example of an operation and looks at what comes back. */
async function run(world: ApiWorld, one: Described, validate: Validate): Promise<void> {
  const { server } = world;
  const { operation } = one;
  const { headers, body, path } = exampleOf(world, one);
  const response = await server.open(one.method, path, {
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const status = String(response.statusCode);
  if (ENDLESS.has(operation.operationId)) {
    const line = await firstDocument(response);
    response.destroy();
    assert.equal(status, '200', line);
    const schema = operation.responses[200]?.content?.[LINES_TYPE]?.schema;
    assert.equal(schema && validate(schema, JSON.parse(line)), undefined);
    return;
  }
  const text = (await readAll(response)).toString();
  const declared = operation.responses[status];
  assert.ok(declared, `${status} is not in the description: ${text}`);
  const type = String(response.headers['content-type'] ?? '').replace(/; charset=utf-8$/, '');
  const content = Object.entries(declared.content ?? {}).find(
    ([name]) => name === '*/*' || name.replace(/; charset=utf-8$/, '') === type,
  );
  assert.equal(declared.content === undefined, text === '', 'nothing is described as nothing');
  if (declared.content) {
    assert.ok(content, `${type} is not in the description`);
    check(content[1], { type, text, validate });
  }
}

function check(
  { schema }: Content,
  {
    type,
    text,
    validate,
  }: { readonly type: string; readonly text: string; readonly validate: Validate },
): void {
  if (schema === undefined) {
    return;
  }
  const documents = type === LINES_TYPE ? text.split('\n').filter(Boolean) : [text];
  assert.ok(documents.length > 0, 'an example shows something');
  for (const document of documents) {
    assert.equal(validate(schema, JSON.parse(document)), undefined, document.slice(0, 500));
  }
}

function exampleOf(
  { values }: ApiWorld,
  { path, operation }: Described,
): { path: string; headers: Record<string, string>; body?: Buffer | string } {
  const known = (value: unknown) => values.get(value) ?? String(value);
  const { parameters, requestBody } = operation;
  const given = (place: string) =>
    parameters.filter((one) => one.in === place && one.example !== undefined);
  const names = new Map(given('path').map(({ name, example }) => [name, known(example)]));
  const query = given('query').map(
    ({ name, example }) => `${name}=${encodeURIComponent(known(example))}`,
  );
  const headers = Object.fromEntries(
    given('header').map(({ name, example }) => [name, known(example)]),
  );
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(names.get(name) ?? ''));
  const sent = Object.entries(requestBody?.content ?? {}).find(
    ([, { example }]) => example !== undefined,
  );
  const target = { path: `${filled}${query.length > 0 ? `?${query.join('&')}` : ''}` };
  if (sent === undefined) {
    return { ...target, headers };
  }
  const [type, { example }] = sent;
  return {
    ...target,
    headers: { ...headers, 'content-type': type },
    body: bodyOf(type, example, known),
  };
}

function bodyOf(
  type: string,
  example: unknown,
  known: (value: unknown) => string,
): Buffer | string {
  if (type === SESSION_TYPE) {
    return sessionOf(example);
  }
  if (type === FRAMES_TYPE) {
    return frames(example as Record<string, string>);
  }
  return typeof example === 'string'
    ? example
    : JSON.stringify(example, (_, value: unknown) =>
        typeof value === 'string' ? known(value) : value,
      );
}

async function firstDocument(response: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of response) {
    text += chunk.toString();
    const line = text.split('\n').find((one) => one.startsWith('{') || one.startsWith('data: '));
    if (line !== undefined && text.endsWith('\n')) {
      return line.replace(/^data: /, '');
    }
  }
  return text;
}

/** Returns a check that finds what a schema does not allow, and also what it does not name. */
function validatorOf(api: ApiDescription): Validate {
  const ajv = new Ajv2020({ strict: false });
  const closed = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(closed);
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    const fields = Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, closed(one)]),
    );
    return 'properties' in fields && !('openapi' in (fields.properties as object))
      ? { additionalProperties: false, ...fields }
      : fields;
  };
  const { components } = api;
  const known = closed({ components }) as object;
  return (schema, value) => {
    const check = ajv.compile({ ...known, ...(closed(schema) as object) });
    return check(value) ? undefined : ajv.errorsText(check.errors);
  };
}
