import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { type SplitOptions, splitFiles } from '../../../engine/pfs/split.ts';
import { type FilePart, putFiles } from '../../../engine/pfs/upload.ts';
import {
  ACTOR,
  batches,
  createRepos,
  openTestPfs,
  type Pfs,
  put,
  readAll,
  target,
} from '../../support/pfs.ts';
import { chosenSeed } from '../../support/seed.ts';

/** Cuts a file into parts at the given places, each a batch of its own. */
async function* cut(path: string, data: Buffer, at: readonly number[]) {
  const ends = [...new Set([...at, data.length])].sort((a, b) => a - b);
  let from = 0;
  for (const [i, end] of ends.entries()) {
    const part: FilePart = {
      path,
      executable: false,
      data: data.subarray(from, end),
      first: i === 0,
      last: i === ends.length - 1,
    };
    yield [part];
    from = end;
  }
}

/** Splits a text, sent in parts that end at `at`; returns the pieces in order. */
async function pieces(
  text: string,
  options: SplitOptions,
  at: readonly number[] = [],
): Promise<string[]> {
  const found: string[] = [];
  const names: string[] = [];
  for await (const batch of splitFiles(cut('f', Buffer.from(text), at), options)) {
    for (const part of batch) {
      if (part.first) {
        found.push('');
        names.push(part.path);
      }
      found.push(`${found.pop()}${part.data.toString('latin1')}`);
    }
  }
  assert.deepEqual(
    names,
    names.map((_, i) => `f/${i.toString(16).padStart(16, '0')}`),
  );
  return found;
}

it('splits lines, by number, by size, or each by itself', async () => {
  assert.deepEqual(await pieces('a\nb\n\nc', { format: 'line' }), ['a\n', 'b\n', '\n', 'c']);
  assert.deepEqual(await pieces('a\nb\nc\n', { format: 'line', datums: 2 }), ['a\nb\n', 'c\n']);
  assert.deepEqual(await pieces('aaaa\nb\nc\n', { format: 'line', bytes: 4 }), [
    'aaaa\n',
    'b\nc\n',
  ]);
  const both = { format: 'line' as const, bytes: 100, datums: 2 };
  assert.deepEqual(await pieces('a\nb\nc\n', both), ['a\nb\n', 'c\n']);
  assert.deepEqual(await pieces('', { format: 'line' }), []);
});

it('splits JSON values, whatever stands between them', async () => {
  const text = ' {"a":"}\\"["} \n[1,[2]]"x" 12 true{"b":{}}null';
  const each = ['{"a":"}\\"["}\n', '[1,[2]]\n', '"x"\n', '12\n', 'true\n', '{"b":{}}\n', 'null\n'];
  for (let at = 0; at <= text.length; at++) {
    assert.deepEqual(await pieces(text, { format: 'json' }, [at]), each, `cut at ${at}`);
  }
  assert.deepEqual(await pieces('{}\n{} ', { format: 'json', datums: 5 }), ['{}\n{}\n']);
  const bad: [string, RegExp][] = [
    ['{"a":1', /ends within a value/],
    ['"open', /ends within a value/],
    ['{]', /brackets/],
    ['1}', /brackets/],
    ['{},{}', /no value/],
    ['['.repeat(10_001), /nested/],
  ];
  for (const [text, why] of bad) {
    await assert.rejects(pieces(text, { format: 'json' }), why, text.slice(0, 10));
  }
});

it('splits CSV at rows, not at line ends within quotes, and puts the header in front of each piece', async () => {
  const text = 'id,text\n1,"a\nb"\n2,"say ""x\n"""\n3,5" pipe\n4,';
  const rows = ['1,"a\nb"\n', '2,"say ""x\n"""\n', '3,5" pipe\n', '4,'];
  for (let at = 0; at <= text.length; at++) {
    const options = { format: 'csv', headerRecords: 1 } as const;
    assert.deepEqual(
      await pieces(text, options, [at]),
      rows.map((row) => `id,text\n${row}`),
    );
  }
  assert.deepEqual(await pieces('h\n', { format: 'csv', headerRecords: 1 }), ['h\n']);
  assert.deepEqual(await pieces('h\n1\n2\n3\n', { format: 'csv', headerRecords: 1, datums: 2 }), [
    'h\n1\n2\n',
    'h\n3\n',
  ]);
  await assert.rejects(pieces('a,"b\n', { format: 'csv' }), /quoted field/);
});

it('loses and adds nothing, however the stream is cut', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const upTo = (most: number) => random.bytes(4).readUInt32BE() % (most + 1);
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: upTo(60) }, () => 'ab\n'[upTo(2)]).join('');
    const at = Array.from({ length: upTo(6) }, () => upTo(text.length));
    const datums = upTo(3) || undefined;
    const options: SplitOptions = { format: 'line', ...(datums ? { datums } : {}) };
    const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
    const expected: string[] = [];
    for (let i = 0; i < lines.length; i += datums ?? 1) {
      expected.push(lines.slice(i, i + (datums ?? 1)).join(''));
    }
    assert.deepEqual(await pieces(text, options, at), expected, JSON.stringify({ text, at }));
  }
});

const putSplit = (pfs: Pfs, files: Record<string, string>, options: { append?: boolean } = {}) =>
  putFiles(pfs.context, pfs.queue, {
    target: target('data@master'),
    append: options.append ?? false,
    split: { format: 'line' },
    parts: batches(
      Object.entries(files).map(([path, data]) => ({
        path,
        executable: false,
        data: Buffer.from(data),
        first: true,
        last: true,
      })),
    ),
    request: ACTOR,
  });
const piece = (i: number) => i.toString(16).padStart(16, '0');

it('stores pieces in the place of what was there, or numbers them on from it', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { 'log/old': 'x', other: 'y' });
  await putSplit(pfs, { log: 'a\nb\n', 'd/more': 'c\n' });
  assert.deepEqual(await readAll(pfs, 'data@master'), {
    [`log/${piece(0)}`]: 'a\n',
    [`log/${piece(1)}`]: 'b\n',
    [`d/more/${piece(0)}`]: 'c\n',
    other: 'y',
  });
  await startCommit(
    pfs.context,
    { repo: 'default/data', branch: 'master', description: '' },
    ACTOR,
  );
  await putSplit(pfs, { log: 'c\n' }, { append: true });
  await putSplit(pfs, { log: 'd\ne' }, { append: true });
  await finishCommit(pfs.context, { repo: 'default/data', ref: 'master' }, ACTOR);
  await putSplit(pfs, { '/log/': '' }, { append: true });
  const files = await readAll(pfs, 'data@master');
  const log = Object.keys(files).filter((path) => path.startsWith('log/'));
  assert.equal(
    log
      .sort()
      .map((path) => files[path])
      .join(''),
    'a\nb\nc\nd\ne',
  );
  await assert.rejects(putSplit(pfs, { other: 'z\n' }, { append: true }), /other/);
  await putSplit(pfs, { log: '' });
  assert.equal(Object.keys(await readAll(pfs, 'data@master')).join(), `d/more/${piece(0)},other`);
});

it('pieces that are appended at once all stay', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i}\n`);
  await Promise.all(lines.map((line) => putSplit(pfs, { log: line }, { append: true })));
  const files = await readAll(pfs, 'data@master');
  assert.deepEqual(Object.values(files).sort(), [...lines].sort());
  assert.deepEqual(
    Object.keys(files),
    lines.map((_, i) => `log/${piece(i)}`),
  );
});

it('refuses more pieces than a directory holds as soon as there are more', async () => {
  async function* endless() {
    const data = Buffer.from('\n'.repeat(100_000));
    for (let i = 0; ; i++) {
      assert.ok(i < 12, 'it reads no further');
      yield [{ path: 'f', executable: false, data, first: i === 0, last: false }];
    }
  }
  const split = async () => {
    for await (const _ of splitFiles(endless(), { format: 'line' })) {
      // What is yielded is of no interest.
    }
  };
  await assert.rejects(split(), /"\/f": it has more than 1000000 pieces.*--target-file-datums/);
});

it('refuses what can not be meant', async () => {
  const bad: [SplitOptions, RegExp][] = [
    [{ format: 'sql' as 'csv' }, /line, json or csv/],
    [{ format: 'line', datums: 0 }, /datums must be 1/],
    [{ format: 'line', bytes: Number.NaN }, /bytes must be 1/],
    [{ format: 'line', headerRecords: 1 }, /only csv/],
  ];
  const { checkSplit } = await import('../../../engine/pfs/split.ts');
  for (const [options, why] of bad) {
    assert.throws(() => checkSplit(options), why);
  }
});
