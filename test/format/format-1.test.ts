// A store of format 1, as it was made once: a reader that follows docs/format.md finds in it what was put there, every
// version of the engine too, and the document names all there is.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { openTree } from '../../engine/pfs/commits.ts';
import { walkFiles } from '../../engine/pfs/files.ts';
import { checkStore } from '../../engine/upkeep/check.ts';
import { allCommits } from '../../engine/upkeep/check-commits.ts';
import { gather, openTestPfs, type Pfs, put, readAll } from '../support/pfs.ts';
import { scratchDirectory } from '../support/scratch.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const DATA = join(here, '../data/format-1');
const CHANCE = { clock: new SystemClock(), random: new SeededRandom(3) };

interface Found {
  readonly sequence: number;
  readonly repos: Readonly<
    Record<
      string,
      {
        readonly commits: Readonly<
          Record<string, { readonly isGood: boolean; readonly sum: string }>
        >;
        readonly branches: Readonly<Record<string, string>>;
        readonly tags: Readonly<Record<string, string>>;
      }
    >
  >;
  readonly jobs: Readonly<Record<string, Readonly<Record<string, { readonly state: string }>>>>;
}

const expected: Found = JSON.parse(readFileSync(`${DATA}.json`, 'utf8'));

function unpack(t: Parameters<typeof scratchDirectory>[0]): string {
  const directory = scratchDirectory(t);
  execFileSync('tar', ['--extract', '--file', `${DATA}.tar.gz`, '--directory', directory]);
  return directory;
}

function readWithReader(directory: string, ...flags: readonly string[]): unknown {
  const reader = join(here, 'reader.mjs');
  return JSON.parse(execFileSync(process.execPath, [reader, directory, ...flags]).toString());
}

it('has one of everything', (t) => {
  const directory = unpack(t);
  const keys = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const part of ['journal/', 'snapshots/', 'history/', 'packs/', 'logs/']) {
    assert.ok(
      keys.some((key) => key.startsWith(part)),
      part,
    );
  }
  const indexes = keys
    .filter((key) => key.endsWith('.index'))
    .map((key) => readFileSync(join(directory, key)));
  const versions = indexes.map((index) => `${index.readUInt32BE(8)}/${index.readUInt32BE(12)}`);
  assert.ok(versions.includes('2/20'), 'a pack with deltas');
  assert.ok(versions.includes('1/32'), 'a pack of chunks');
  const states = Object.values(expected.jobs['default/count'] ?? {}).map(({ state }) => state);
  assert.deepEqual(new Set(states), new Set(['success']));
});

it('a reader that follows the document finds what was put there, with and without snapshots', (t) => {
  const directory = unpack(t);
  assert.deepEqual(readWithReader(directory), expected);
  assert.deepEqual(readWithReader(directory, '--log-only'), expected);
});

it('this engine reads all of it, finds nothing wrong with it, and goes on', async (t) => {
  const store = await FilesystemObjectStore.open(unpack(t), CHANCE);
  for await (const report of checkStore(store, { data: true, ...CHANCE })) {
    assert.ok(report.kind !== 'finding' || report.level !== 'damage', JSON.stringify(report));
  }
  const pfs = await openTestPfs({ t, store });
  const { state } = pfs.context.journal;
  const found = new Map<string, string>();
  for await (const { repo, id, finished, error } of allCommits(pfs.context)) {
    if (state.repos.has(repo) && finished !== null && error === null) {
      found.set(`${repo}@${id}`, await sumOf(pfs, repo, id));
    }
  }
  const wanted = Object.entries(expected.repos).flatMap(([repo, { commits }]) =>
    Object.entries(commits).flatMap(([id, { isGood, sum }]) =>
      isGood ? [[`${repo}@${id}`, sum]] : [],
    ),
  );
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(wanted));
  for (const [repo, { branches, tags }] of Object.entries(expected.repos)) {
    for (const [branch, head] of Object.entries(branches)) {
      assert.equal(state.branches.get(`${repo}@${branch}`)?.head ?? null, head);
    }
    for (const [tag, commit] of Object.entries(tags)) {
      assert.equal(state.tags.get(`${repo}@${tag}`)?.commit, commit);
    }
  }
  await put(pfs, 'data@master', { 'a.txt': 'written by a later version' });
  assert.equal((await readAll(pfs, 'data@master'))['a.txt'], 'written by a later version');
});

it('the document names every operation, every field of every record, and every table', () => {
  const document = readFileSync('docs/format.md', 'utf8');
  const source = (name: string) => readFileSync(`engine/journal/${name}.ts`, 'utf8');
  const named = (pattern: RegExp, text: string) =>
    new Set([...text.matchAll(pattern)].map(([, name = '']) => name));
  const words = new Set(document.match(/[A-Za-z.-]+/g));
  const isNamed = (word: string) => words.has(word) || document.includes(`\`${word}\``);
  const missing = [
    ...named(/readonly kind: '([a-z]+\.[a-z]+)'/g, source('operations')),
    ...named(/readonly ([A-Za-z]+)\??:/g, source('operations')),
    ...named(/readonly ([A-Za-z]+)\??:/g, source('records')),
    ...named(
      /readonly ([A-Za-z]+)\??:/g,
      ['secret-records', 'egress-records', 'git-records', 'auth-records', 'upkeep-record']
        .map(source)
        .join(''),
    ),
    ...named(/this\.table<[^>]+>\('([a-z-]+)'\)/g, source('state') + source('journal-state')),
  ].filter((word) => !isNamed(word));
  assert.deepEqual(missing, []);
});

/** As the reader sums up the files of a commit. */
async function sumOf(pfs: Pfs, repo: string, id: string): Promise<string> {
  const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
  const tree = await openTree(pfs.context, repo, id);
  const lines: string[] = [];
  try {
    const root = { path: '', mode: '40000' as const, id: tree.tree ?? '' };
    for await (const file of tree.tree ? walkFiles(tree.objects, root) : []) {
      const bytes = await gather(tree.readFile(file.id));
      lines.push(`${file.path} ${file.mode} ${bytes.length} ${sha256(bytes)}\n`);
    }
  } finally {
    tree.close();
  }
  return sha256(lines.toSorted().join(''));
}
