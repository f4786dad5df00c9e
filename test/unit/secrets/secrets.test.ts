import assert from 'node:assert/strict';
import fs, { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { it } from 'node:test';
import { SystemRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { KeyRing } from '../../../engine/secrets/key-ring.ts';
import { checkSecrets } from '../../../engine/secrets/secret-checks.ts';
import { parseSecret } from '../../../engine/secrets/secret-document.ts';
import { Secrets } from '../../../engine/secrets/secrets.ts';
import { ACTOR, openTestPfs, type Pfs } from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const VALUE = 'correct horse battery staple';

interface Rig {
  readonly pfs: Pfs;
  readonly keys: KeyRing;
  readonly secrets: Secrets;
  /** The secrets of the same store, seen from another home. */
  elsewhere(): Secrets;
}

async function rig(t: Parameters<typeof scratchDirectory>[0]): Promise<Rig> {
  const directory = scratchDirectory(t);
  const pfs = await openTestPfs({ t });
  const random = new SystemRandom();
  const ringAt = (name: string) =>
    new KeyRing({ file: join(directory, name), clock: new SystemClock(), random });
  const keys = ringAt('secret-keys.json');
  const secretsWith = (ring: KeyRing) => new Secrets(pfs.context, { keys: ring, random });
  return { pfs, keys, secrets: secretsWith(keys), elsewhere: () => secretsWith(ringAt('other')) };
}

function put(secrets: Secrets, name: string, values: Record<string, string>, update = false) {
  const bytes = new Map(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)]));
  return secrets.put({ name, type: 'Opaque', values: bytes, update }, ACTOR);
}

it('a secret is opened again, in its newest version, and its values are nowhere in the store', async (t) => {
  const { pfs, secrets } = await rig(t);
  await put(secrets, 'db', { user: 'ann', password: 'old value' });
  const second = await put(secrets, 'db', { password: VALUE }, true);
  assert.deepEqual([second.version, second.keys], [2, ['password']]);
  assert.equal(secrets.value('db', 'password').toString(), VALUE);
  assert.deepEqual([...secrets.open('db').values.keys()], ['password']);
  await pfs.context.journal.snapshot();
  const wanted = [VALUE, 'old value', Buffer.from(VALUE).toString('base64')];
  let objects = 0;
  for await (const { key } of pfs.store.list('')) {
    const text = (await pfs.store.get(key)).toString('latin1');
    objects += 1;
    assert.deepEqual(
      wanted.filter((one) => text.includes(one)),
      [],
      key,
    );
  }
  assert.ok(objects > 2);
});

it('one that is there is refused unless updated, one that is not can be neither updated nor deleted', async (t) => {
  const { secrets } = await rig(t);
  await put(secrets, 'db', { a: '1' });
  await assert.rejects(put(secrets, 'db', { a: '2' }), { code: 'already_exists' });
  await assert.rejects(put(secrets, 'other', { a: '2' }, true), { code: 'not_found' });
  await assert.rejects(secrets.delete('other', ACTOR), { code: 'not_found' });
  await secrets.delete('db', ACTOR);
  assert.deepEqual(secrets.list(), []);
  assert.equal((await put(secrets, 'db', { a: '3' })).version, 1);
});

for (const [what, name, values] of [
  ['a name with a slash', 'a/b', { a: '1' }],
  ['a value whose name leads out', 'db', { '../a': '1' }],
  ['a value named ".."', 'db', { '..': '1' }],
  ['no values', 'db', {}],
  ['more than a mebibyte', 'db', { a: 'x'.repeat(1024 * 1024) }],
] as const) {
  it(`${what} is refused, and no message quotes a value`, async (t) => {
    const { secrets } = await rig(t);
    await assert.rejects(put(secrets, name, values as Record<string, string>), (error: Error) => {
      assert.match(error.message, /^Cannot (put|name a) secret ".*": /);
      assert.ok(error.message.length < 250);
      return true;
    });
  });
}

it('the key is a file for its owner, and an engine without it says so until it is imported', async (t) => {
  const { keys, secrets, elsewhere } = await rig(t);
  await put(secrets, 'db', { a: VALUE });
  assert.equal(statSync(keys.file).mode & 0o777, 0o600);
  const other = elsewhere();
  assert.deepEqual(
    other.list().map(({ name, keys: names }) => [name, names]),
    [['db', ['a']]],
  );
  assert.throws(() => other.open('db'), {
    code: 'failed_precondition',
    message: /does not have the key [0-9a-f]{16} .*import-key/,
  });
  await assert.rejects(put(other, 'second', { a: '1' }), { message: /import-key.*lost.*delete/ });
  const text = keys.exportText();
  assert.throws(() => other.keys.importText(text.replace(/[A-Za-z0-9](?==)/, '!')), {
    code: 'invalid',
    message: /line 1 is none/,
  });
  other.keys.importText(`# kept in the safe\n${text}`);
  assert.equal(other.value('db', 'a').toString(), VALUE);
  await put(other, 'second', { a: '1' });
  assert.equal(secrets.value('second', 'a').toString(), '1', 'all have one key');
});

it('a sealed value that was moved or changed is not opened', async (t) => {
  const { pfs, secrets } = await rig(t);
  const first = await put(secrets, 'first', { a: '1' });
  await put(secrets, 'second', { a: '2' });
  const { state } = pfs.context.journal;
  const second = state.secrets.get('second');
  assert.ok(second);
  const secret = { ...second, version: 2, sealed: first.sealed };
  await pfs.context.journal.transact(
    () => ({ operations: [{ kind: 'secret.put' as const, secret }], result: null }),
    ACTOR,
  );
  assert.throws(() => secrets.open('second'), { code: 'corrupt', message: /"second".*damaged/ });
});

it('the checks name a key without a copy, a missing key, and a file that others may read', async (t) => {
  const { keys, secrets, elsewhere } = await rig(t);
  assert.deepEqual(checkSecrets(secrets), []);
  await put(secrets, 'db', { a: VALUE });
  const states = (of: Secrets) => checkSecrets(of).map(({ state, remedy }) => `${state} ${remedy}`);
  assert.match(states(secrets).join(), /^warning keep a copy.*export-key/);
  keys.exportText();
  assert.deepEqual(states(secrets), ['ok ']);
  chmodSync(keys.file, 0o644);
  assert.match(states(secrets).join(), /^problem chmod 600/);
  assert.match(states(elsewhere()).join(), /^problem bring it/);
  rmSync(keys.file);
  assert.match(states(secrets).join(), /^problem bring it/);
});

it('documents are read as Kubernetes writes them, in JSON and YAML', () => {
  const json = parseSecret(
    '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"a":"MQ=="},"stringData":{"b":"2"}}',
    'db.json',
  );
  const yaml = parseSecret(
    'kind: Secret\nmetadata:\n  name: db\ndata:\n  a: MQ==\nstringData: {b: "2"}\n',
    'db.yaml',
  );
  for (const { name, type, values } of [json, yaml]) {
    const shown = [...values].map(([key, value]) => `${key}=${value.toString()}`);
    assert.deepEqual([name, type, shown], ['db', 'Opaque', ['a=1', 'b=2']]);
  }
});

for (const [what, text, says] of [
  ['no document', '', /none or several|no object/],
  ['a syntax error', `data: {a: "${VALUE}\nb: [`, /neither JSON nor YAML; look at line \d/],
  ['another kind', `{"kind":"Pod","stringData":{"a":"${VALUE}"}}`, /kind is not/],
  ['data that is not base64', `{"data":{"a":"${VALUE}"}}`, /data\.a is not base64/],
  ['a number', `{"stringData":{"a":5},"x":"${VALUE}"}`, /stringData\.a must be text/],
] as const) {
  it(`${what} is an error that quotes nothing`, () => {
    assert.throws(
      () => parseSecret(text, 'db'),
      (error: Error) => {
        assert.match(error.message, says);
        assert.ok(!error.message.includes(VALUE), error.message);
        return true;
      },
    );
  });
}

it('a damaged file of keys is told, and never written over', async (t) => {
  const { keys, secrets } = await rig(t);
  await put(secrets, 'db', { a: VALUE });
  const before = readFileSync(keys.file, 'utf8');
  const damaged = before.slice(0, 40);
  writeFileSync(keys.file, damaged);
  assert.throws(() => secrets.open('db'), { code: 'corrupt', message: /move it away/ });
  await assert.rejects(put(secrets, 'b', { a: '1' }), { code: 'corrupt' });
  assert.equal(readFileSync(keys.file, 'utf8'), damaged);
});

it('the file of keys is whole where the system takes less of each write than it is given', async (t) => {
  const { keys } = await rig(t);
  const { writeSync } = fs;
  const half = (file: number, bytes: string | Uint8Array, at = 0, length = bytes.length - at) =>
    writeSync(file, Buffer.from(bytes as string), at, Math.ceil(length / 2));
  t.mock.method(fs, 'writeSync', half);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const id = keys.make();
  assert.equal(keys.find(id)?.length, 32);
});
