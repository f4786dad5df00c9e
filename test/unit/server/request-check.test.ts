// What is wrong with a request is said in a sentence: the field, what was expected, and what to do.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { TestServer } from '../../support/server.ts';

const WRONG: readonly (readonly [
  method: string,
  path: string,
  body: object | undefined,
  RegExp,
])[] = [
  ['GET', '/repos?limit=many', undefined, /: "limit" must be a whole number from 1, not "many"$/],
  ['GET', '/repos?limit=0', undefined, /: "limit" must be a whole number from 1, not 0$/],
  ['GET', '/repos?all=yes', undefined, /: "all" must be true or false, not "yes"$/],
  ['GET', '/repos?limt=3', undefined, /: there is no "limt" in its query; did you mean "limit"\?$/],
  ['GET', '/repos?limit=1&limit=2', undefined, /: "limit" must be a whole number from 1$/],
  ['GET', '/engine?x=1', undefined, /: there is no "x" in its query; leave it out$/],
  ['POST', '/repos', undefined, /: "project" is missing from its body: it must be text$/],
  ['POST', '/repos', { project: 'default', name: 7 }, /: "name" must be text, not 7$/],
  ['POST', '/repos', ['a'], /: its body must be a JSON object$/],
  [
    'POST',
    '/repos',
    { project: 'default', name: 'a', descripton: 'x' },
    /: there is no "descripton" in its body; did you mean "description"\?$/,
  ],
  [
    'PUT',
    '/repos/default/a/branches/b',
    { trigger: { commits: 'two' } },
    /: "trigger.commits" must be a whole number, not "two"$/,
  ],
  [
    'PUT',
    '/repos/default/a/branches/b',
    { trigger: 'master' },
    /: "trigger" must be an object or null, not "master"$/,
  ],
  [
    'PUT',
    '/repos/default/a/branches/b',
    { trigger: { comits: 2 } },
    /: there is no "trigger.comits" in its body; did you mean "commits"\?$/,
  ],
  ['POST', '/auth/tokens', { lifetime: 0 }, /: "lifetime" must be a whole number from 1, not 0$/],
  ['POST', '/auth/tokens', { lifetime: 1e300 }, /: "lifetime" must be a whole number from 1, not/],
  [
    'PUT',
    '/auth/roles',
    { user: 'ann', role: 'king', project: 'default' },
    /: "role" must be one of reader, writer, owner, not "king"$/,
  ],
  [
    'PUT',
    '/repos/default/a/retention',
    { last: 0, forMs: null },
    /: "last" must be a whole number from 1 or null, not 0$/,
  ],
  ['POST', '/collection?grace=-1', undefined, /: "grace" must be a whole number from 0, not -1$/],
  [
    'POST',
    '/repos/default/a/branches/b/merge',
    { source: 'c', favour: 'mine' },
    /: "favour" must be one of ours, theirs, not "mine"$/,
  ],
];

it('a request that does not fit its operation is refused with what would', async (t) => {
  const server = await TestServer.start(t);
  for (const [method, path, body, expected] of WRONG) {
    const problem = await server.problem(method, path, body ? { body } : {});
    assert.equal(problem.code, 'invalid', `${method} ${path}`);
    assert.match(problem.detail, expected);
    assert.match(problem.detail, /^Cannot read the request: /);
  }
  assert.deepEqual(server.faults, []);
});
