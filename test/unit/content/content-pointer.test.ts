import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { encodePointer, mustBeLarge, parsePointer } from '../../../engine/content/pointer.ts';
import { leaveOut } from '../../support/leave-out.ts';

const sha256 = '4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393';

it('writes the pointer of the specification and reads it back', () => {
  const text = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize 12345\n`;
  assert.equal(encodePointer({ sha256, size: 12345 }).toString(), text);
  assert.deepEqual(parsePointer(Buffer.from(text)), { sha256, size: 12345 });
  for (const size of [0, 1, 2 ** 31, 2 ** 50]) {
    assert.deepEqual(parsePointer(encodePointer({ sha256, size })), { sha256, size });
  }
});

it('writes what git-lfs itself writes for the same file', (t) => {
  let theirs: Buffer;
  try {
    theirs = execFileSync('git-lfs', ['pointer', '--file=package.json'], { stdio: 'pipe' });
  } catch {
    leaveOut(t, 'git-lfs is not installed');
    return;
  }
  const pointer = parsePointer(theirs);
  assert.ok(pointer);
  assert.deepEqual(encodePointer(pointer), theirs);
});

it('takes nothing else for a pointer', () => {
  const good = encodePointer({ sha256, size: 5 }).toString();
  const bad = [
    '',
    'version https://git-lfs.github.com/spec/v1\n',
    good.trimEnd(),
    good.replace('size 5', 'size -5'),
    good.replace('size 5', 'size 05'),
    good.replace('size 5', 'size  5'),
    good.replace('sha256:4', 'sha256:'),
    good.replace('sha256', 'sha1'),
    good.replaceAll('\n', '\r\n'),
    `size 5\noid sha256:${sha256}\nversion https://git-lfs.github.com/spec/v1\n`,
    `${good}size 6\n`,
    `${good}\n`,
    good.padEnd(1100, 'x'),
  ];
  for (const text of bad) {
    assert.equal(parsePointer(Buffer.from(text)), undefined, JSON.stringify(text));
  }
});

it('stores as large every small file that a tool could take for a pointer', () => {
  for (const word of ['git-lfs', 'hawser', 'git-media']) {
    assert.ok(mustBeLarge(Buffer.from(`about ${word} and more`)));
    assert.ok(mustBeLarge(Buffer.from(word.padEnd(1023, 'x'))));
    assert.ok(!mustBeLarge(Buffer.from(word.padEnd(1024, 'x'))));
  }
  assert.ok(!mustBeLarge(Buffer.from('git lfs')));
  assert.ok(mustBeLarge(encodePointer({ sha256, size: 1 })));
  assert.ok(mustBeLarge(new Uint8Array(Buffer.from('xx hawser')).subarray(2)));
});
