import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { FakeEngine, type Handler, runCli, sendJson } from './fake-engine.ts';

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

/** What a command line asks of the engine, as `METHOD path?query body`. */
async function asked(line: string, stdin?: string): Promise<readonly string[]> {
  const { code, stderr } = await runCli(line.split(' '), {
    address: engine.address,
    ...(stdin === undefined ? {} : { stdin }),
  });
  assert.equal(stderr, '', line);
  assert.equal(code, 0, line);
  return engine.seen.splice(0).map(({ method, path, query, body }) => {
    const words = Object.entries(query).map(([key, value]) => `${key}=${value}`);
    return [method, path + (words.length ? `?${words.join('&')}` : ''), body.toString()]
      .filter(Boolean)
      .join(' ');
  });
}

describe('every command asks for what it says, in both spellings', () => {
  const doc: Handler = (_, response) => sendJson(response, 200, DOCUMENT);
  const merged =
    (outcome: string): Handler =>
    (_, response) =>
      sendJson(response, 200, { outcome, commit: DOCUMENT, conflicts: [], conflictCount: 0 });
  const removed: Handler = (_, response) =>
    sendJson(response, 200, {
      id: ID,
      commits: [{ repo: { project: 'default', name: 'x' }, name: 'b', commit: ID }],
    });
  const cases: readonly (readonly [
    line: string,
    requests: string | readonly string[],
    handler?: Handler,
  ])[] = [
    [
      'create repo x -d text',
      'POST /repos {"project":"default","name":"x","description":"text"}',
      doc,
    ],
    ['update repo t/x -d new', 'PATCH /repos/t/x {"description":"new"}', doc],
    ['inspect repo x', 'GET /repos/default/x', doc],
    ['list repo', 'GET /repos'],
    ['list repo --all -P t', 'GET /repos?project=t&all=true'],
    ['delete repo x -f', 'DELETE /repos/default/x?force=true', doc],
    ['create branch x@b --head master^', 'PUT /repos/default/x/branches/b {"head":"master^"}', doc],
    ['create branch x@b --head x@master', 'PUT /repos/default/x/branches/b {"head":"master"}', doc],
    ['create branch x b', 'PUT /repos/default/x/branches/b {}', doc],
    [
      'create branch x@b -t master --trigger-commits 3 --trigger-size 1G --trigger-rate @hourly --trigger-all',
      'PUT /repos/default/x/branches/b {"trigger":{"branch":"master","commits":3,"size":"1G","rateLimit":"@hourly","all":true}}',
      doc,
    ],
    [
      'create branch x@b --trigger-cron @daily',
      'PUT /repos/default/x/branches/b {"trigger":{"cron":"@daily"}}',
      doc,
    ],
    ['create branch x@b --remove-trigger', 'PUT /repos/default/x/branches/b {"trigger":null}', doc],
    ['inspect branch x@b', 'GET /repos/default/x/branches/b', doc],
    ['list branch x', 'GET /repos/default/x/branches'],
    ['delete branch x@b --force', 'DELETE /repos/default/x/branches/b?force=true', doc],
    [
      'create tag x@v1.2.3 --head master^',
      'PUT /repos/default/x/tags/v1.2.3 {"head":"master^"}',
      doc,
    ],
    [
      'create tag x v1 --head x@b -m why -f',
      'PUT /repos/default/x/tags/v1?force=true {"head":"b","description":"why"}',
      doc,
    ],
    [
      'create secret db --from-literal a=b=c --type my/type',
      'POST /secrets {"name":"db","type":"my/type","values":{"a":"Yj1j"}}',
      doc,
    ],
    [
      'run git site',
      'POST /pipelines/default/site/gits/look',
      (_, response) => sendJson(response, 200, []),
    ],
    ['inspect secret db', 'GET /secrets/db', doc],
    ['list secret', 'GET /secrets'],
    ['delete secret db', 'DELETE /secrets/db', doc],
    [
      'secret export-key',
      'POST /secret-keys/export',
      (_, response) => sendJson(response, 200, { text: '' }),
    ],
    ['create project t -d text', 'POST /projects {"name":"t","description":"text"}', doc],
    ['update project t -d new', 'PATCH /projects/t {"description":"new"}', doc],
    ['inspect project t', 'GET /projects/t', doc],
    ['list project', 'GET /projects'],
    ['delete project t -f', 'DELETE /projects/t?force=true', doc],
    ['list repo -A -P t', 'GET /repos'],
    ['list pipeline -P t', 'GET /pipelines?project=t'],
    ['list job -P t', 'GET /jobs?project=t'],
    ['inspect tag x@v1', 'GET /repos/default/x/tags/v1', doc],
    ['list tag x', 'GET /repos/default/x/tags'],
    ['delete tag x v1', 'DELETE /repos/default/x/tags/v1', doc],
    [
      'start commit x@b -m hi -p master^',
      'POST /repos/default/x/commits {"branch":"b","parent":"master^","description":"hi"}',
      doc,
    ],
    [
      'finish commit x b -m done',
      'POST /repos/default/x/commits/b/finish {"description":"done"}',
      doc,
    ],
    ['inspect commit x@b^2', 'GET /repos/default/x/commits/b%5E2', doc],
    ['list commit', 'GET /commit-sets'],
    [`list commit ${ID} --all`, `GET /commit-sets/${ID}?all=true`],
    ['list commit x@b -n 5 --from b.2', 'GET /repos/default/x/commits?branch=b&from=b.2&limit=5'],
    ['list commit x', 'GET /repos/default/x/commits'],
    [
      'subscribe commit x@b --from b.1 --all',
      'GET /repos/default/x/branches/b/subscribe?from=b.1&all=true',
      lines,
    ],
    [`wait commit ${ID}`, [`GET /commit-sets/${ID}`, `GET /commit-sets/${ID}/wait`], waits],
    [
      `flush commit ${ID} --all`,
      [`GET /commit-sets/${ID}?all=true`, `GET /commit-sets/${ID}/wait?all=true`],
      waits,
    ],
    [
      'merge branch x@b --into c',
      'POST /repos/default/x/branches/c/merge {"source":"b"}',
      merged('merged'),
    ],
    [
      'merge branch x b^ c --no-ff --theirs -m why',
      'POST /repos/default/x/branches/c/merge {"source":"b^","favour":"theirs","fastForward":false,"description":"why"}',
      merged('fast_forward'),
    ],
    ['revert commit x@b^', 'POST /repos/default/x/commits/b%5E/revert {}', merged('reverted')],
    [
      `revert commit x ${ID} -b b -m why`,
      `POST /repos/default/x/commits/${ID}/revert {"branch":"b","description":"why"}`,
      merged('reverted'),
    ],
    [`squash commit ${ID}`, `POST /commit-sets/${ID}/squash`, removed],
    [`squash commit ${ID} -r`, `POST /commit-sets/${ID}/squash?recursive=true`, removed],
    [`drop commit ${ID} --recursive`, `DELETE /commit-sets/${ID}?recursive=true`, removed],
    [`delete commit ${ID}`, `DELETE /commit-sets/${ID}`, removed],
    [`drop commit ${ID}`, `DELETE /commit-sets/${ID}`, removed],
    ['inspect file x@b:/f', 'GET /repos/default/x/files/b/inspect?path=/f', doc],
    ['list file x@b', 'GET /repos/default/x/files/b/list?path=/'],
    ['list file x b /d -r', 'GET /repos/default/x/files/b/list?path=/d&recursive=true'],
    ['glob file x@b:/*.png', 'GET /repos/default/x/files/b/glob?pattern=/*.png'],
    [
      'delete file x@b:/a /c',
      [
        'GET /repos/default/x/files/b/inspect?path=/a',
        'GET /repos/default/x/files/b/inspect?path=/c',
        'POST /repos/default/x/files/b/delete {"paths":["/a","/c"]}',
      ],
      doc,
    ],
    ['delete file x b /a /c -f', 'POST /repos/default/x/files/b/delete {"paths":["/a","/c"]}', doc],
    [
      'copy file x@b:/f t/y@m:/g -a',
      'POST /repos/t/y/files/m/copy {"source":{"repo":{"project":"default","name":"x"},"ref":"b","path":"/f"},"path":"/g","append":true}',
      doc,
    ],
    [
      'copy file x b /f y m /g',
      'POST /repos/default/y/files/m/copy {"source":{"repo":{"project":"default","name":"x"},"ref":"b","path":"/f"},"path":"/g"}',
      doc,
    ],
    ['diff file x@b:/d --stat', 'GET /repos/default/x/files/b/diff?path=/d'],
    ['diff file x@b:/d -s', 'GET /repos/default/x/files/b/diff?path=/d&shallow=true'],
    [
      'diff file x@b y@c:/e --name-only',
      'GET /repos/default/x/files/b/diff?path=/&old=default/y@c:/e',
    ],
    ['find commit x@b:/d -n 3', 'GET /repos/default/x/files/b/commits?path=/d&limit=3', lines],
    ['find commit x b /d --json', 'GET /repos/default/x/files/b/commits?path=/d', lines],
    ['get file x@b:/f', 'GET /repos/default/x/files/b/content?path=/f'],
    [
      'create pipeline -',
      'POST /pipelines?project=default&file=standard input {}',
      (_, response) => sendJson(response, 200, []),
    ],
    [
      'update pipeline -f - --reprocess',
      'POST /pipelines?update=true&reprocess=true&project=default&file=standard input {}',
      (_, response) => sendJson(response, 200, []),
    ],
    [
      'create pipeline - --dry-run',
      'POST /previews?file=standard input&project=default {}',
      (_, response) => sendJson(response, 200, []),
    ],
    [
      'update pipeline - --dry-run --reprocess',
      'POST /previews?update=true&reprocess=true&file=standard input&project=default {}',
      (_, response) => sendJson(response, 200, []),
    ],
    ['list datum -f -', 'POST /previews/datums?project=default&file=standard input {}', lines],
    ['inspect pipeline p --version 2', 'GET /pipelines/default/p?version=2', doc],
    ['list pipeline', 'GET /pipelines'],
    ['delete pipeline p --keep-repo', 'DELETE /pipelines/default/p?keep-repo=true', doc],
    ['start pipeline p', 'POST /pipelines/default/p/start', doc],
    ['stop pipeline t/p', 'POST /pipelines/t/p/stop', doc],
    ['run cron p', 'POST /pipelines/default/p/tick', doc],
    ['list job', 'GET /jobs'],
    ['list job -p p --state failure', 'GET /jobs?project=default&pipeline=p&state=failure'],
    [`list job ${ID}`, `GET /job-sets/${ID}`],
    [`inspect job p@${ID}`, `GET /pipelines/default/p/jobs/${ID}`, doc],
    [
      'inspect job p@master^',
      ['GET /repos/default/p/commits/master%5E', `GET /pipelines/default/p/jobs/${ID}`],
      (request, response) =>
        sendJson(response, 200, request.path.startsWith('/repos') ? { id: ID } : DOCUMENT),
    ],
    [
      `inspect job ${ID}`,
      [`GET /job-sets/${ID}`, `GET /pipelines/t/p/jobs/${ID}`],
      (request, response) =>
        sendJson(
          response,
          200,
          request.path.startsWith('/job-sets')
            ? { items: [{ project: 't', pipeline: 'p' }], next: null }
            : DOCUMENT,
        ),
    ],
    [
      'list datum p',
      [
        'GET /jobs?project=default&pipeline=p&limit=1',
        `GET /pipelines/default/p/jobs/${ID}/datums`,
      ],
      (request, response) =>
        sendJson(response, 200, {
          items: request.path === '/jobs' ? [{ id: ID }] : [],
          next: null,
        }),
    ],
    [`logs -j ${ID}`, `GET /logs?job=${ID}`, lines],
    [`stop job p ${ID}`, `POST /pipelines/default/p/jobs/${ID}/stop`, doc],
    [`list datum p@${ID}`, `GET /pipelines/default/p/jobs/${ID}/datums`],
    [
      `inspect datum p@${ID} d1`,
      `GET /pipelines/default/p/jobs/${ID}/datums/d1`,
      (_, response) => sendJson(response, 200, { ...DOCUMENT, job: ID }),
    ],
    ['logs p', 'GET /logs?project=default&pipeline=p', lines],
    [
      `logs -j p@${ID} --datum d -t 5`,
      `GET /logs?project=default&pipeline=p&job=${ID}&datum=d&tail=5`,
      lines,
    ],
    [`logs -p p -j ${ID} -f`, `GET /logs?project=default&pipeline=p&job=${ID}&follow=true`, lines],
    ['provenance x@b:/f --raw', 'GET /provenance?repo=default/x&ref=b&path=/f&direction=up', doc],
    ['provenance -d t/x b --raw', 'GET /provenance?repo=t/x&ref=b&direction=down', doc],
    ['log --after 7', 'GET /journal?after=7'],
  ];
  for (const [line, requests, handler] of cases) {
    it(line, async () => {
      const request = [requests].flat();
      engine.handler = handler ?? (() => false);
      assert.deepEqual(await asked(line, '{}'), request);
      const [verb, noun, ...rest] = line.split(' ');
      if (/^[a-z]+$/.test(noun ?? '') && !['logs', 'log', 'provenance'].includes(verb ?? '')) {
        assert.deepEqual(await asked([`${verb}-${noun}`, ...rest].join(' '), '{}'), request);
        assert.deepEqual(await asked([`${verb}`, `${noun}s`, ...rest].join(' '), '{}'), request);
      }
    });
  }
});

it('writes carry the token and an idempotency key, another for each command', async () => {
  await asked('create repo a');
  await runCli(['create-repo', 'b'], { address: engine.address });
  await runCli(['create-repo', 'c'], { address: engine.address });
  const keys = engine.seen.map(({ headers }) => String(headers['idempotency-key']));
  for (const [i, { headers }] of engine.seen.entries()) {
    assert.match(keys[i] ?? '', /^[0-9a-f]{32}$/);
    assert.equal(headers.authorization, 'Bearer secret');
  }
  assert.equal(new Set(keys).size, 2);
});

it('lists are read page by page, and no further than asked', async () => {
  engine.handler = ({ query }, response) => {
    const from = Number(query.after ?? 0);
    const items = [0, 1, 2].map((i) => ({ path: `/${from + i}`, size: 1 }));
    sendJson(response, 200, { items, next: from >= 6 ? null : String(from + 3) });
  };
  const { stdout } = await runCli(['list-file', 'x@b', '--raw'], { address: engine.address });
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { path: string }).path),
    ['/0', '/1', '/2', '/3', '/4', '/5', '/6', '/7', '/8'],
  );
  engine.seen.length = 0;
  const limited = await runCli(['list-job', '-n', '4', '--raw'], { address: engine.address });
  assert.equal(limited.stdout.trim().split('\n').length, 4);
  assert.equal(engine.seen.length, 2);
});

it('options that every command takes may stand before it', async () => {
  const { code, stdout } = await runCli(['-P', 't', '--raw', 'list', 'repo'], {
    address: engine.address,
  });
  assert.equal(code, 0);
  assert.equal(stdout, '');
  assert.equal(engine.seen[0]?.query.project, 't');
});

function lines(_: unknown, response: Parameters<Handler>[1]): void {
  response.end('\n');
}

/** An empty page for a list, an empty stream for a wait. */
function waits(request: Parameters<Handler>[0], response: Parameters<Handler>[1]): void {
  if (request.path.endsWith('/wait')) {
    response.end('\n');
  } else {
    sendJson(response, 200, { items: [], next: null });
  }
}

/** Enough of every kind of document for its fields to be printed. */
const DOCUMENT = {
  project: 'default',
  name: 'x',
  id: ID,
  repo: { project: 'default', name: 'x' },
  branch: 'b',
  branches: ['b'],
  created: '2026-11-22T11:57:00Z',
  started: '2026-11-22T11:57:00Z',
  finished: null,
  updated: '2026-11-22T11:57:00Z',
  size: 10,
  files: 1,
  repos: 1,
  pipelines: 1,
  description: '',
  reason: '',
  state: 'running',
  provenance: [],
  pipeline: null,
  job: null,
  image: null,
  git: { commit: null, tree: null },
  datums: { total: 1, processed: 0, skipped: 0, failed: 0, recovered: 0 },
  stats: { downloadBytes: 0, uploadBytes: 0, downloadMs: 0, processMs: 0, uploadMs: 0 },
  jobs: {},
  keys: [],
  usedBy: [],
  spec: {},
  userSpec: '',
  input: 'x:/',
  inputs: [],
  lastJob: null,
  path: '/f',
  type: 'file',
  parent: null,
  error: null,
  exitCode: null,
  version: 1,
  producedBy: null,
  restarts: 0,
  tries: 1,
  hash: 'h',
  outputBranch: 'master',
  crons: [],
};
