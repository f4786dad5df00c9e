// What a person types by mistake, and what a list looks like while it still grows.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { FakeEngine, runCli, sendJson, sendProblem } from './fake-engine.ts';

const ID = '018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e';
let engine: FakeEngine;

before(async () => {
  engine = await FakeEngine.start();
});
after(() => engine.stop());
afterEach(() => {
  engine.seen.length = 0;
  engine.handler = () => false;
});

describe('what would do harm by a slip is refused', () => {
  const refusals: readonly (readonly [line: string, words: RegExp, asked: number])[] = [
    ['update repo x', /Say what to change: -d/, 0],
    ['stop job p', /say which of its jobs, as in p@master/, 0],
    ['list job --state runing', /states are created/, 1],
  ];
  for (const [line, words, requests] of refusals) {
    it(line, async () => {
      engine.handler = (_, response) => sendProblem(response, 'invalid', 'the states are created');
      const { code, stderr } = await runCli(line.split(' '), { address: engine.address });
      assert.equal(code, 2);
      assert.match(stderr, words);
      assert.equal(engine.seen.length, requests);
    });
  }

  it('deleting what is not there', async () => {
    engine.handler = (_, response) => sendProblem(response, 'not_found', 'Cannot find file "/*"');
    const ran = await runCli(['delete', 'file', 'x@b:/*'], { address: engine.address });
    assert.equal(ran.code, 3);
    assert.match(ran.stderr, /a pattern is not meant here; see .* pfs glob file/);
    assert.deepEqual(
      engine.seen.map(({ method }) => method),
      ['GET'],
    );
  });

  it('the id of a job that several pipelines have', async () => {
    const items = ['p', 'q'].map((pipeline) => ({ project: 'default', pipeline }));
    engine.handler = (_, response) => sendJson(response, 200, { items, next: null });
    const ran = await runCli(['stop', 'job', ID], { address: engine.address });
    assert.equal(ran.code, 2);
    assert.equal(ran.stderr, `Say which job of ${ID} is meant: p@${ID}, q@${ID}\n`);
  });
});

it('rows that come one by one stay below each other', async () => {
  engine.handler = (_, response) => {
    const times = ['2026-11-22T11:59:10Z', '2026-11-22T11:00:00Z', '2026-11-22T12:00:00Z'];
    for (const finished of times) {
      response.write(`${JSON.stringify(commitFinished(finished))}\n`);
    }
    response.end();
  };
  const { stdout } = await runCli(['subscribe', 'commit', 'x@b'], { address: engine.address });
  const columns = stdout.split('\n').map((row) => row.search(/ORIGIN| user/));
  assert.deepEqual(columns.slice(1, 4), [columns[1], columns[1], columns[1]], stdout);
});

function commitFinished(finished: string): object {
  return {
    repo: { project: 'default', name: 'x' },
    branch: 'b',
    id: ID,
    state: 'finished',
    finished,
    size: 10,
    origin: 'user',
    error: null,
    description: '',
    tags: [],
  };
}
