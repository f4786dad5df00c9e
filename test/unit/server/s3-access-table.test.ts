// Who may do what at the door for S3, operation by operation and role by role: every one that the door knows is tried by everyone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { createToken } from '../../../engine/auth/tokens.ts';
import { createUser, grantRole } from '../../../engine/auth/users.ts';
import { SystemRandom } from '../../../engine/base/random.ts';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { userCredentials } from '../../../engine/server/s3/user-credentials.ts';
import { type AskOptions, ask, startS3Door, type TestDoor } from '../../support/s3-door.ts';
import { BUCKET, ROWS, type Row, WHO, type Who } from './s3-access-rows.ts';

const LOCAL = { actor: 'local' };
it('the table has every operation of the door', () => {
  const source = readFileSync(
    new URL('../../../engine/server/s3/door.ts', import.meta.url),
    'utf8',
  );
  const routes = source.slice(source.indexOf('async function route('));
  const called = [...routes.matchAll(/(\w+)\(request\)/g)].map(([, name = '']) => name);
  const done = called.filter((name) => !name.startsWith('route'));
  assert.deepEqual([...new Set(ROWS.map(({ by }) => by))].sort(), [...new Set(done)].sort());
});

it('every operation is done for who may, and for nobody else', { timeout: 240_000 }, async (t) => {
  const { door, as } = await people(t);
  for (const row of ROWS) {
    for (const [at, who] of WHO.entries()) {
      const { status, text } = await tried(door, row, { who, as });
      assert.equal(status, row.gives[at], `${who}: ${row.name}: ${text}`);
    }
  }
  assert.deepEqual(door.faults, []);
});

it('a list of buckets has those that one may read', async (t) => {
  const { as } = await people(t);
  for (const [who, sees] of [
    ['nobody', []],
    ['reader', [BUCKET]],
    ['writer', [BUCKET]],
    ['owner', [BUCKET]],
  ] as const) {
    const { text } = await as(who, 'GET', '/');
    const names = [...text.matchAll(/<Name>([^<]+)</g)].map(([, name]) => name);
    assert.deepEqual(names, sees, who);
  }
});

it('what may not be read is refused in the words for what is not there', async (t) => {
  const { as } = await people(t);
  for (const [method, rest] of [
    ['GET', ''],
    ['GET', '/kept'],
    ['PUT', '/b'],
    ['PUT', ''],
    ['DELETE', ''],
    ['DELETE', '/kept'],
  ] as const) {
    const [there, missing] = await Promise.all(
      ['hidden', 'absent'].map(async (repo) => {
        const { status, text } = await as('owner', method, `/master.${repo}.other${rest}`);
        return [status, text.replace(/<RequestId>.*?<\/RequestId>/, '').replaceAll(repo, '')];
      }),
    );
    assert.deepEqual(there, missing, `${method} ${rest}`);
    assert.equal(there?.[0], 403);
  }
});

type Ask = (who: Who, method: string, path: string, more?: AskOptions) => ReturnType<typeof ask>;

/** A door, and somebody of each role on project `team`, who has none on `other`. */
async function people(t: Parameters<typeof startS3Door>[0]): Promise<{ door: TestDoor; as: Ask }> {
  const door = await startS3Door(t);
  const { context } = door.engine.pfs;
  const { sealer } = door.engine.secrets;
  for (const [key, bucket] of [
    ['team/data', BUCKET],
    ['other/hidden', 'master.hidden.other'],
  ] as const) {
    await createRepo(context, { key, description: '' }, LOCAL);
    await door.client.putObject(bucket, 'kept', 'kept');
  }
  const keys = new Map<Who, { readonly accessKey: string; readonly secret: string }>();
  for (const user of WHO) {
    await createUser(context, { name: user, robot: true }, LOCAL);
    if (user !== 'nobody') {
      await grantRole(context, { user, scope: 'project/team', role: user }, LOCAL);
    }
    const made = { user, name: '', sealer };
    const options = { random: new SystemRandom(), request: LOCAL };
    const { token, secret } = await createToken(context, made, options);
    const signer = userCredentials(context, sealer).find(token.id);
    assert.ok(signer);
    door.signers.set(token.id, signer);
    keys.set(user, { accessKey: token.id, secret });
  }
  const as: Ask = (who, method, path, more = {}) =>
    ask(door, method, path, { ...keys.get(who), ...more });
  return { door, as };
}

/** Tries a row once what it needs is there. */
async function tried(
  door: TestDoor,
  { asks, body, copies }: Row,
  { who, as }: { readonly who: Who; readonly as: Ask },
): ReturnType<typeof ask> {
  await door.client.putObject(BUCKET, 'a', 'a');
  if (asks.includes('old-')) {
    await ask(door, 'PUT', `/old-${who}.data.team`);
  }
  const upload = asks.includes('<upload>') ? await begun(door) : '';
  const [method = '', where = ''] = asks.replace('<who>', who).split(' ');
  const [path = '', query = ''] = where.replace('<upload>', upload).split('?');
  return await as(who, method, path, {
    query: Object.fromEntries(new URLSearchParams(query)),
    ...(body === undefined ? {} : { body }),
    ...(copies === undefined ? {} : { headers: { 'x-amz-copy-source': copies } }),
  });
}

/** Begins an upload with one part; resolves with its id. */
async function begun(door: TestDoor): Promise<string> {
  const { text } = await ask(door, 'POST', `/${BUCKET}/u`, { query: { uploads: '' } });
  const [, uploadId = ''] = /<UploadId>([^<]+)</.exec(text) ?? [];
  await ask(door, 'PUT', `/${BUCKET}/u`, { query: { uploadId, partNumber: '1' }, body: 'u' });
  return uploadId;
}
