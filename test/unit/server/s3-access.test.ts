// Who may do what at the door for S3.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { ACTOR } from '../../support/pfs.ts';
import { type AskOptions, ask, startS3Door } from '../../support/s3-door.ts';

it('a key that may do less sees, reads, writes and makes no more than that', async (t) => {
  const door = await startS3Door(t);
  const { client, engine } = door;
  for (const name of ['data', 'other']) {
    await createRepo(engine.pfs.context, { key: `default/${name}`, description: '' }, ACTOR);
  }
  await client.putObject('master.data', 'a', 'one');
  await client.putObject('master.other', 'secret', 'two');
  door.signers.set('reader', {
    secret: 'of the reader',
    actor: 'robot',
    may: (action, repo) => repo === 'default/data' && action === 'read',
  });
  door.signers.set('writer', {
    secret: 'of the writer',
    actor: 'robot',
    may: (action, repo, branch) =>
      repo === 'default/data' && action !== 'make' && (action === 'read' || branch === 'mine'),
  });
  const reader = (method: string, path: string, more: AskOptions = {}) =>
    ask(door, method, path, { accessKey: 'reader', secret: 'of the reader', ...more });
  const writer = (method: string, path: string, more: AskOptions = {}) =>
    ask(door, method, path, { accessKey: 'writer', secret: 'of the writer', ...more });

  const all = (await reader('GET', '/')).text;
  assert.match(all, /master\.data/);
  assert.doesNotMatch(all, /other/);
  assert.equal((await reader('GET', '/master.data/a')).text, 'one');
  const copy = { 'x-amz-copy-source': '/master.other/secret' };
  const refused = [
    await reader('GET', '/master.other/secret'),
    await reader('GET', '/master.other'),
    await reader('HEAD', '/master.other'),
    await reader('PUT', '/master.data/b', { body: 'x' }),
    await reader('PUT', '/new.data'),
    await reader('PUT', '/master.newer'),
    await reader('DELETE', '/master.data/a'),
    await reader('DELETE', '/master.data'),
    await reader('POST', '/master.data', {
      query: { delete: '' },
      body: '<Delete><Object><Key>a</Key></Object></Delete>',
    }),
    await reader('POST', '/master.data/b', { query: { uploads: '' } }),
    await writer('PUT', '/mine.data/stolen', { headers: copy }),
    await writer('PUT', '/master.data/b', { body: 'x' }),
    await writer('PUT', '/mine.newer'),
  ];
  assert.deepEqual(
    refused.map(({ status }) => status),
    refused.map(() => 403),
  );
  assert.match(refused[1]?.text ?? '', /may not read bucket &quot;master\.other&quot;/);
  assert.equal((await writer('PUT', '/mine.data/b', { body: 'x' })).status, 200);
  const commit = await resolveCommit(engine.pfs.context, 'default/data', 'mine');
  assert.equal(commit.files, 1);
  door.signers.delete('writer');
  assert.match((await writer('GET', '/mine.data/b')).text, /InvalidAccessKeyId/);
});
