import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import isomorphic from 'isomorphic-git';
import { type Random, SeededRandom } from '../../../engine/base/random.ts';
import type { Commit } from '../../../engine/git/commit.ts';
import { GitReader } from '../../../engine/git/git-reader.ts';
import { GitWriter } from '../../../engine/git/git-writer.ts';
import type { TreeEntry } from '../../../engine/git/tree.ts';
import type { NewPack } from '../../../engine/object/pack-ref.ts';
import { newRig, newSeed } from '../object/pack-rig.ts';
import { layOut } from './bare-repo.ts';

const AT = { name: 'Ada', email: 'ada@example.org' };
const NAMES = [
  'a',
  'a.b',
  'a-b',
  'a0',
  'A',
  'ü',
  '日本',
  '😀',
  '\uffee',
  'b c',
  'z~',
  'é',
  'x.csv',
];
const SIZES = [0, 1, 15, 16, 100, 4096, 65_535, 65_536, 131_070, 200_000];

const removals: (() => void)[] = [];
after(() => {
  for (const remove of removals) {
    remove();
  }
});

function pick<T>(random: Random, from: readonly T[]): T {
  const item = from[Math.floor(random.fraction() * from.length)];
  assert.ok(item !== undefined);
  return item;
}

function content(random: Random): Buffer {
  const size = pick(random, SIZES);
  return random.fraction() < 0.5
    ? random.bytes(size)
    : Buffer.alloc(size, `row ${random.fraction()}\n`);
}

/** Writes a random directory and notes in `files` what every path below it holds. */
async function randomTree(
  writer: GitWriter,
  options: { random: Random; depth: number; prefix: string; files: Map<string, Buffer> },
): Promise<{ id: string; size: number; files: number }> {
  const { random, depth, prefix, files } = options;
  const entries: TreeEntry[] = [];
  let size = 0;
  let count = 0;
  for (const name of NAMES) {
    const dice = random.fraction();
    const path = `${prefix}${name}`;
    if (dice < 0.25 && depth > 0) {
      const below = await randomTree(writer, {
        random,
        depth: depth - 1,
        prefix: `${path}/`,
        files,
      });
      entries.push({ name, mode: '40000', id: below.id });
      size += below.size;
      count += below.files;
    } else if (dice < 0.6) {
      const bytes = content(random);
      const mode = dice < 0.35 ? '100755' : '100644';
      entries.push({ name, mode, id: await writer.blob(bytes) });
      files.set(path, bytes);
      size += bytes.length;
      count += 1;
    }
  }
  const id = await writer.tree(entries.sort(() => random.fraction() - 0.5));
  return { id, size, files: count };
}

it('writes histories that stock Git finds flawless and reads back byte for byte', async () => {
  const random = new SeededRandom(newSeed());
  const rig = newRig();
  const packs: NewPack[] = [];
  let head: string | undefined;
  let last: { files: Map<string, Buffer>; tree: string; commit: Commit } | undefined;
  for (let round = 0; round < 6; round++) {
    const writer = new GitWriter(rig.live, { uploader: rig.uploader, targetBytes: 700_000 });
    const files = new Map<string, Buffer>();
    const root = await randomTree(writer, { random, depth: 3, prefix: '', files });
    const time = 1_700_000_000 + round;
    const commit: Commit = {
      tree: root.id,
      parents: head ? [head] : [],
      author: { ...AT, time },
      committer: { ...AT, time: time + 1 },
      message: round % 2 ? `Round ${round}\n\nwith a body: and more` : '',
      trailers: [
        { key: 'Pfs-Commit', value: String(round).repeat(32) },
        { key: 'Pfs-Provenance', value: 'data@master=0123' },
        { key: 'Pfs-Provenance', value: 'p/other@b=4567' },
      ],
    };
    head = await writer.commit(commit);
    assert.deepEqual(await writer.stat(root.id), {
      kind: 'tree',
      size: root.size,
      files: root.files,
    });
    assert.deepEqual(await writer.readCommit(head), commit);
    // Another history, or none, changes nothing but the parents.
    for (const parents of [[], [head], [head, ...commit.parents], commit.parents]) {
      const other = await writer.reparent(head, parents);
      assert.equal(other, await writer.commit({ ...commit, parents }));
      assert.equal(
        other === head,
        parents === commit.parents || parents.join() === commit.parents.join(),
      );
    }
    const written = await writer.finish();
    rig.publish(written);
    packs.push(...written.packs);
    last = { files, tree: root.id, commit };
  }
  assert.ok(head && last);
  assert.ok(packs.length > 6, 'sessions filled several packs');

  const bare = await layOut(rig.store, packs, head);
  removals.push(bare.remove);
  bare.git(['fsck', '--strict', '--full', '--no-dangling']);
  const trailers = bare.git(['log', '-1', '--format=%(trailers:key=Pfs-Provenance,valueonly)']);
  assert.equal(trailers.toString().trim(), 'data@master=0123\np/other@b=4567');
  assert.equal(bare.git(['rev-list', '--count', 'master']).toString().trim(), '6');

  const reader = new GitReader(rig.reopened());
  assert.deepEqual(await reader.readCommit(head), last.commit);
  const listing = bare.git(['ls-tree', '-r', '-z', '--full-tree', 'master']).toString().split('\0');
  assert.equal(listing.length - 1, last.files.size);
  const ids: string[] = [];
  for (const line of listing.slice(0, -1)) {
    const [, id = '', path = ''] = /^\d+ blob (\w+)\t(.*)$/.exec(line) ?? [];
    assert.deepEqual(await reader.readBlob(id), last.files.get(path));
    ids.push(id);
  }
  let streamed = 0;
  for await (const object of reader.readMany(ids)) {
    assert.deepEqual(object.content, await reader.readBlob(object.id));
    streamed += 1;
  }
  assert.equal(streamed, new Set(ids).size);

  const theirs = await isomorphic.readTree({ fs, gitdir: bare.dir, oid: last.tree });
  // It lists entries by name alone, so only the set of them can be compared.
  const ours = [...(await reader.readTree(last.tree))].sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(
    ours.map((e) => [e.name, e.mode, e.id]),
    theirs.tree
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map((e) => [e.path, e.mode.replace(/^0/, ''), e.oid]),
  );

  const clone = mkdtempSync(join(tmpdir(), 'pfs-clone-'));
  removals.push(() => rmSync(clone, { recursive: true, force: true }));
  execFileSync('git', ['clone', '-q', bare.dir, clone], { stdio: 'pipe' });
  for (const [path, bytes] of last.files) {
    assert.deepEqual(readFileSync(join(clone, path)), bytes);
  }
});
