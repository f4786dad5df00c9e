import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deflateSync, inflateSync } from 'node:zlib';
import git from 'isomorphic-git';
import { SeededRandom } from '../../../engine/base/random.ts';
import { type Commit, encodeCommit, type Person, parseCommit } from '../../../engine/git/commit.ts';
import { objectId } from '../../../engine/git/object-id.ts';
import { newSeed } from '../object/pack-rig.ts';

const random = new SeededRandom(newSeed());
const WORDS = ['wine', 'ü', '日本', '😀', 'a: b', 'tree', 'parent', '<x>', '-', 'Signed-off-by'];

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(random.fraction() * from.length)] as T;
}

function text(most: number, between: readonly string[]): string {
  const words = Array.from({ length: Math.floor(random.fraction() * most) }, () => pick(WORDS));
  return words.reduce((all, word) => `${all}${all && pick(between)}${word}`, '');
}

function person(): Person {
  const name = `n${text(3, [' ']).replace(/[<>]/g, '')}`.trim();
  return { name, email: pick(['', 'a@b', 'ü@x']), time: Math.floor(random.fraction() * 4e9) };
}

function randomCommit(): Commit {
  const count = Math.floor(random.fraction() * 4);
  return {
    tree: random.bytes(20).toString('hex'),
    parents: Array.from({ length: count }, () => random.bytes(20).toString('hex')),
    author: person(),
    committer: person(),
    message: text(8, [' ', '\n', '\n\n']),
    trailers: pick([
      [],
      [
        { key: 'Pfs-Commit', value: 'x/y@z' },
        { key: 'Pfs-Commit', value: 'ü' },
      ],
    ]),
  };
}

/** Answers as a file system of these files. */
function memoryFs(files: Map<string, Uint8Array>) {
  const absent = async (): Promise<never> => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const nothing = async () => undefined;
  return {
    promises: {
      readFile: async (path: string) => files.get(path) ?? absent(),
      writeFile: async (path: string, bytes: Uint8Array) => void files.set(path, bytes),
      stat: async (path: string) => (files.has(path) ? { isFile: () => true } : absent()),
      lstat: absent,
      readdir: absent,
      readlink: absent,
      mkdir: nothing,
      rmdir: nothing,
      unlink: nothing,
      symlink: nothing,
    },
  };
}

it('writes commits byte for byte as another program of Git does, and both read them alike', async () => {
  for (let round = 0; round < 300; round += 1) {
    const commit = randomCommit();
    const content = encodeCommit(commit);
    const id = objectId('commit', content);
    const header = Buffer.from(`commit ${content.length}\0`);
    const path = `/git/objects/${id.slice(0, 2)}/${id.slice(2)}`;
    const files = new Map([[path, deflateSync(Buffer.concat([header, content]))]]);
    const read = await git.readCommit({ fs: memoryFs(files), gitdir: '/git', oid: id });
    const written = new Map<string, Uint8Array>();
    await git.writeCommit({ fs: memoryFs(written), gitdir: '/git', commit: read.commit });
    const [theirs = Buffer.alloc(0)] = written.values();
    assert.deepEqual(inflateSync(theirs), Buffer.concat([header, content]), content.toString());
    const parsed = parseCommit(content, id);
    const plain = ({ name, email, timestamp }: typeof read.commit.author) => {
      return { name, email, time: timestamp };
    };
    assert.deepEqual(parsed.author, plain(read.commit.author));
    assert.deepEqual(parsed.committer, plain(read.commit.committer));
    assert.deepEqual([parsed.tree, parsed.parents], [read.commit.tree, read.commit.parent]);
    assert.deepEqual([parsed.author, parsed.committer], [commit.author, commit.committer]);
    const said = commit.trailers.length;
    assert.deepEqual(said === 0 ? [] : parsed.trailers.slice(-said), commit.trailers);
  }
});

it('reads what others write: signatures, time zones, no message', () => {
  const id = 'ab'.repeat(20);
  const head = `tree ${id}\nparent ${id}\nauthor A B <a@b> 12 -0330\ncommitter  <> 13 +1400\n`;
  const signed = `${head}gpgsig -----BEGIN\n tree x\n -----END\nencoding x\n\nHello\n\nKey: v\n`;
  const person = { name: 'A B', email: 'a@b', time: 12 };
  assert.deepEqual(parseCommit(Buffer.from(signed), id), {
    tree: id,
    parents: [id],
    author: person,
    committer: { name: '', email: '', time: 13 },
    message: 'Hello',
    trailers: [{ key: 'Key', value: 'v' }],
  });
  assert.equal(parseCommit(Buffer.from(head), id).message, '');
  const nobody = Buffer.from(signed.replace('author', 'actor'));
  assert.throws(() => parseCommit(nobody, id), /does not say who made it/);
});
