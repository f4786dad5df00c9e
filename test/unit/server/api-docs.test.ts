// What docs/api.md tells a reader to type is typed here, so that it stays true.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { scratchDirectory } from '../../support/scratch.ts';
import { TestServer, TOKEN } from '../../support/server.ts';

const run = promisify(execFile);

it('the commands of docs/api.md do what it says', async (t) => {
  const server = await TestServer.start(t);
  const blocks = [...readFileSync('docs/api.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)];
  const script = blocks.map(([, block = '']) => block).join('\necho; echo --\n');
  const env = { ...process.env, PFS_ADDRESS: `http://127.0.0.1:${server.port}`, PFS_TOKEN: TOKEN };
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: scratchDirectory(t),
    env,
  });
  const [calling = '', files = '', , again = '', list = '', found = '', whole = ''] =
    stdout.split('\n--\n');
  assert.match(calling, /"name":"images"/);
  assert.match(files, /\n?1,2,3\n1,2/, 'the file, and a part of it');
  const ids = [...again.matchAll(/"branch":"nightly"/g)];
  assert.equal(ids.length, 2, 'both tries are answered');
  assert.match(list, /"next":"[0-9a-f]{32}"/);
  assert.match(found, /"kind":"added"/);
  assert.match(whole, /"kind":"commit.start"/);
  const { items } = await server.json<{ items: { branch: string }[] }>(
    'GET',
    '/repos/default/images/commits',
  );
  assert.equal(items.filter(({ branch }) => branch === 'nightly').length, 1, 'and one was done');
  assert.ok(
    (await server.ask('GET', '/repos/default/images/files/master/inspect?path=/photos/cat.txt'))
      .status === 200,
  );
});
