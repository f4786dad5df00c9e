import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { scratchDirectory } from '../../support/scratch.ts';
import { FakeEngine, runCli, sendJson } from './fake-engine.ts';

let engine: FakeEngine;

before(async () => {
  engine = await FakeEngine.start();
});
after(() => engine.stop());
afterEach(() => {
  engine.seen.length = 0;
  engine.handler = () => false;
});

it('a project that is set holds for names and lists, by option before environment before setting', async (t) => {
  const home = scratchDirectory(t);
  const run = async (line: string, env: Record<string, string> = {}) => {
    const options = { address: engine.address, env: { PFS_HOME: home, ...env } };
    const { code, stdout } = await runCli(line.split(' '), options);
    assert.equal(code, 0, line);
    const [request] = engine.seen.splice(0);
    return `${stdout.trim()}${request?.path ?? ''}${request?.query.project ?? ''}`;
  };
  engine.handler = ({ path }, response) =>
    path.endsWith('s') ? false : sendJson(response, 200, { provenance: [] });
  const raw = 'inspect repo x --raw';
  const asked = async (line: string, env?: Record<string, string>) =>
    (await run(line, env)).replace(/^\{.*\}/, '');
  assert.equal(await asked(raw), '/repos/default/x');
  await run('config set project set');
  assert.equal(await run('config get project'), 'set');
  assert.equal(await asked(raw), '/repos/set/x');
  assert.equal(await asked(`${raw} -P option`), '/repos/option/x');
  assert.equal(await asked(raw, { PFS_PROJECT: 'env' }), '/repos/env/x');
  assert.equal(await asked(`${raw} -P option`, { PFS_PROJECT: 'env' }), '/repos/option/x');
  assert.equal(await asked('inspect repo t/x --raw'), '/repos/t/x');
  assert.match(await run('list repo'), /\/reposset$/);
  assert.match(await run('list pipeline', { PFS_PROJECT: 'env' }), /\/pipelinesenv$/);
  assert.match(await run('list repo --all-projects'), /^PROJECT +NAME.*\/repos$/s);
  assert.match(await run('config list'), /^project +set /m);
  await run('config unset project');
  assert.equal(await asked(raw), '/repos/default/x');
  const get = await runCli(['config', 'get', 'project'], { env: { PFS_HOME: home } });
  assert.equal(get.code, 3);
  for (const wrong of ['config set store x', 'config set project a/b', 'config get colour']) {
    assert.equal((await runCli(wrong.split(' '), { env: { PFS_HOME: home } })).code, 2, wrong);
  }
});

it('a merge with conflicts lists them, says that nothing was changed, and ends with code 4', async () => {
  engine.handler = (_, response) =>
    sendJson(response, 200, {
      outcome: 'conflicts',
      commit: null,
      conflicts: [{ path: '/a', ours: 'changed', theirs: 'removed' }],
      conflictCount: 1,
    });
  const run = (line: string) => runCli(line.split(' '), { address: engine.address });
  const merge = await run('merge branch x@dev --into master');
  assert.equal(merge.code, 4);
  assert.match(merge.stdout, /^PATH +MASTER +DEV\n\/a +changed it +removed it\n$/);
  assert.match(merge.stderr, /^Nothing was changed: both sides changed a path; .* --theirs\n$/);
  const raw = await run('revert commit x@dev --raw');
  assert.equal(raw.code, 4);
  assert.equal((JSON.parse(raw.stdout) as { conflictCount: number }).conflictCount, 1);
  assert.equal((await run('merge branch x@dev')).code, 2);
  assert.equal((await run('merge branch x@dev --into a --ours --theirs')).code, 2);
});
