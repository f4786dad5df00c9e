// Versions of objects at the door for S3: commits in which they changed.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { VersionPage } from '../../../engine/server/s3/version-page.ts';
import { ACTOR } from '../../support/pfs.ts';
import { ask, startS3Door, type TestDoor } from '../../support/s3-door.ts';
import { chosenSeed } from '../../support/seed.ts';

async function start(t: Parameters<typeof startS3Door>[0]): Promise<TestDoor> {
  const door = await startS3Door(t);
  await createRepo(door.engine.pfs.context, { key: 'default/data', description: '' }, ACTOR);
  return door;
}

/** `key version` of each version, with `-` before that of a deletion and `*` after the latest; or a common beginning. */
async function page(door: TestDoor, query: Readonly<Record<string, string>>) {
  const { status, text } = await ask(door, 'GET', '/master.data', {
    query: { versions: '', ...query },
  });
  assert.equal(status, 200, text);
  const lines = [
    ...text.matchAll(
      /<(Version|DeleteMarker)><Key>(.*?)<\/Key><VersionId>(.*?)<\/VersionId><IsLatest>(\w+)</g,
    ),
  ].map(([, kind, key, id, isLatest]) => {
    const version = `${kind === 'Version' ? '' : '-'}${id}${isLatest === 'true' ? '*' : ''}`;
    return { key: key ?? '', text: `${key} ${version}` };
  });
  const prefixes = [...text.matchAll(/<CommonPrefixes><Prefix>(.*?)<\/Prefix>/g)].map(
    ([, prefix = '']) => ({ key: prefix, text: prefix }),
  );
  const all = [...lines, ...prefixes].sort((a, b) =>
    Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
  );
  const next = (name: string) => new RegExp(`<Next${name}>(.*?)<`).exec(text)?.[1];
  const [key, version] = [next('KeyMarker'), next('VersionIdMarker')];
  return {
    lines: all.map((line) => line.text),
    next: key === undefined ? undefined : { key, version },
  };
}

async function pages(door: TestDoor, query: Readonly<Record<string, string>>) {
  const found: string[] = [];
  for (let more: Record<string, string> = {}; ; ) {
    const { lines, next } = await page(door, { ...query, ...more });
    found.push(...lines);
    if (!next) {
      return found;
    }
    more = {
      'key-marker': next.key,
      ...(next.version === undefined ? {} : { 'version-id-marker': next.version }),
    };
  }
}

it('they are listed in order, whatever was put, deleted and asked for', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const door = await start(t);
  const { context } = door.engine.pfs;
  const names = ['a', 'a-b', 'd/a', 'd/e/f', 'd/g', 'z'];
  const now = new Map<string, string>();
  const history = new Map<string, { id: string; text: string }[]>();
  const change = async (n: number): Promise<void> => {
    const key = names[below(names.length)] ?? '';
    const isDeletion = now.has(key) && below(3) === 0;
    const { headers } = await ask(door, isDeletion ? 'DELETE' : 'PUT', `/master.data/${key}`, {
      body: isDeletion ? '' : `${n}`,
    });
    const id = String(headers['x-amz-version-id']);
    const list = history.get(key) ?? [];
    const isSameCommit = list[0]?.id === id;
    const had = list[isSameCommit ? 1 : 0];
    const rest = isSameCommit ? list.slice(1) : list;
    // What was put and deleted in one commit has never been.
    const isNothing = isDeletion && (had === undefined || had.text.startsWith('-'));
    history.set(key, isNothing ? rest : [{ id, text: `${isDeletion ? '-' : ''}${id}` }, ...rest]);
    isDeletion ? now.delete(key) : now.set(key, `${n}`);
  };
  for (let n = 0; n < 24; n++) {
    if (below(6) === 0) {
      await startCommit(
        context,
        { repo: 'default/data', branch: 'master', description: '' },
        ACTOR,
      );
      for (let m = 0; m < 4; m++) {
        await change(100 * n + m);
      }
      await finishCommit(context, { repo: 'default/data', ref: 'master' }, ACTOR);
    } else {
      await change(n);
    }
  }
  const order = (list: Iterable<string>) =>
    [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (let round = 0; round < 10; round++) {
    const prefix = ['', '', 'a', 'd/', 'd/e'][below(5)] ?? '';
    const delimiter = ['', '/'][below(2)] ?? '';
    const wanted = new Set<string>();
    for (const key of order(history.keys())) {
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      for (const [at, { text }] of (key.startsWith(prefix)
        ? (history.get(key) ?? [])
        : []
      ).entries()) {
        wanted.add(end < 0 ? `${key} ${text}${at === 0 ? '*' : ''}` : key.slice(0, end + 1));
      }
    }
    const query = { prefix, delimiter, 'max-keys': String(1 + below(9)) };
    assert.deepEqual(await pages(door, query), [...wanted], JSON.stringify(query));
  }
});

it('a page costs what it holds, not what the key was before or what other directories hold', async (t) => {
  const door = await start(t);
  const put = async (changes: Readonly<Record<string, string>>) => {
    const { context } = door.engine.pfs;
    await startCommit(context, { repo: 'default/data', branch: 'master', description: '' }, ACTOR);
    for (const [key, body] of Object.entries(changes)) {
      await ask(door, 'PUT', `/master.data/${key}`, { body });
    }
    await finishCommit(context, { repo: 'default/data', ref: 'master' }, ACTOR);
  };
  for (let n = 0; n < 40; n++) {
    await put({ 'a/key': `${n}`, [`b/${n}/key`]: '1' });
  }
  const { objects } = door.engine.pfs.context;
  let reads = 0;
  for (const name of ['readTree', 'stat'] as const) {
    const read = objects[name].bind(objects) as (id: string) => never;
    t.mock.method(objects, name, (id: string) => {
      reads += 1;
      return read(id);
    });
  }
  const costs: number[] = [];
  const keys: string[] = [];
  for (let more: Record<string, string> = {}; ; ) {
    reads = 0;
    const { lines, next } = await page(door, { prefix: 'a/key', 'max-keys': '4', ...more });
    costs.push(reads);
    keys.push(...lines);
    if (!next) {
      break;
    }
    more = { 'key-marker': next.key, 'version-id-marker': next.version ?? '' };
  }
  assert.equal(keys.length, 40);
  // The first tells what every page may cost: its four versions, one more, and their directories.
  assert.ok(Math.max(...costs.slice(0, -1)) <= 2 * (costs[0] ?? 0), `reads: ${costs}`);
  // A page behind all of these looks into no directory before it.
  await put({ 'c/1': '1', 'c/2': '2' });
  const whole = await cost({});
  const late = await cost({ 'key-marker': 'c/1' });
  assert.ok(late < whole / 2, `reads: ${late} of ${whole}`);

  async function cost(query: Readonly<Record<string, string>>): Promise<number> {
    reads = 0;
    await page(door, query);
    return reads;
  }
});

it('no more versions of one key are held than a page shows', () => {
  const query = { prefix: '', delimiter: '', keyMarker: '', versionMarker: '', max: 10 };
  const held = new VersionPage(query);
  let taken = 0;
  for (let n = 0; n < 100_000; n++) {
    if (held.wants('key')) {
      held.add('key', { id: `${n}`, modified: n, size: 0, entry: undefined });
      taken += 1;
    }
  }
  assert.equal(taken, 11);
  const { shown, isTruncated } = held.cut();
  assert.deepEqual([shown.length, shown[0]?.version?.isLatest, isTruncated], [10, true, true]);
});

it('a file that becomes a directory, or the other way round, hides nothing that stands between', async (t) => {
  const door = await start(t);
  const { context } = door.engine.pfs;
  await door.client.putObject('master.data', 'a', 'file');
  await door.client.putObject('master.data', 'a-b', 'between');
  await startCommit(context, { repo: 'default/data', branch: 'master', description: '' }, ACTOR);
  await door.client.removeObject('master.data', 'a');
  await door.client.removeObject('master.data', 'a-b');
  for (const name of ['x', 'y', 'z']) {
    await door.client.putObject('master.data', `a/${name}`, 'below');
  }
  await finishCommit(context, { repo: 'default/data', ref: 'master' }, ACTOR);
  const all = await pages(door, {});
  assert.deepEqual(
    all.map((line) => line.split(' ')[0]),
    ['a', 'a', 'a-b', 'a-b', 'a/x', 'a/y', 'a/z'],
  );
  assert.deepEqual(await pages(door, { 'max-keys': '1' }), all);
});

it('a version is read by its commit; deleting one is refused, with what to do', async (t) => {
  const door = await start(t);
  const first = await ask(door, 'PUT', '/master.data/k', { body: 'one' });
  await ask(door, 'PUT', '/master.data/k', { body: 'two' });
  const versionId = String(first.headers['x-amz-version-id']);
  assert.equal((await ask(door, 'GET', '/master.data/k', { query: { versionId } })).text, 'one');
  const head = await ask(door, 'HEAD', '/master.data/k', { query: { versionId } });
  assert.deepEqual([head.status, head.headers['x-amz-version-id']], [200, versionId]);
  const none = await ask(door, 'GET', '/master.data/k', { query: { versionId: '0'.repeat(32) } });
  assert.match(none.text, /NoSuchVersion/);
  const refused = await ask(door, 'DELETE', '/master.data/k', { query: { versionId } });
  assert.deepEqual([refused.status, /stays as it is/.test(refused.text)], [403, true]);
  const many = await ask(door, 'POST', '/master.data', {
    query: { delete: '' },
    body: `<Delete><Object><Key>k</Key><VersionId>${versionId}</VersionId></Object></Delete>`,
  });
  assert.match(many.text, /<Error><Key>k<\/Key>.*<Code>AccessDenied</);
  assert.equal((await ask(door, 'GET', '/master.data/k')).text, 'two');
  const alone = await ask(door, 'GET', '/master.data', {
    query: { versions: '', 'version-id-marker': versionId },
  });
  assert.match(alone.text, /InvalidArgument/);
});
