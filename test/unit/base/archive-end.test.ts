// Whether a tar is whole, as GNU tar writes it in its formats.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { ArchiveEnd } from '../../../engine/base/archive-end.ts';

const BLOCK = 512;

async function isWhole(tar: Buffer, step = tar.length): Promise<boolean> {
  const end = new ArchiveEnd();
  async function* parts() {
    for (let at = 0; at < tar.length; at += step) {
      yield tar.subarray(at, at + step);
    }
  }
  const passed: Buffer[] = [];
  for await (const chunk of end.watch(parts())) {
    passed.push(chunk);
  }
  assert.ok(Buffer.concat(passed).equals(tar));
  return end.isThere;
}

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'pfs-archive-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  mkdirSync(join(made, 'd/e'), { recursive: true });
  writeFileSync(join(made, 'd/zeros'), Buffer.alloc(4096));
  writeFileSync(join(made, 'd/e/one'), 'x');
  writeFileSync(join(made, `d/${'ü'.repeat(110)}`), Buffer.alloc(513));
  writeFileSync(join(made, 'd/empty'), '');
  return made;
}

for (const format of ['v7', 'ustar', 'pax', 'gnu']) {
  it(`a tar in the format ${format} is whole as it is written, and no part of it is`, async (t) => {
    const made = folder(t);
    if (format === 'v7' || format === 'ustar') {
      rmSync(join(made, `d/${'ü'.repeat(110)}`));
    }
    const tar = execFileSync('tar', ['-C', made, `--format=${format}`, '-b1', '-cf', '-', 'd']);
    assert.ok(await isWhole(tar));
    assert.ok(await isWhole(tar, 100), 'however it comes');
    const end = tar.length - 2 * BLOCK;
    assert.ok(await isWhole(tar.subarray(0, end + BLOCK)), 'one block of zeros is enough');
    for (let at = 0; at <= end; at += BLOCK) {
      assert.equal(await isWhole(tar.subarray(0, at)), false, `the first ${at} bytes of ${end}`);
    }
  });
}

it('the size of a file is what its pax header says', async () => {
  const header = (name: string, type: string, size: string) => {
    const block = Buffer.alloc(BLOCK);
    block.write(name);
    block.write(size, 124);
    block.write(type, 156);
    return block;
  };
  const said = Buffer.alloc(BLOCK);
  said.write('13 size=1024\n');
  const tar = [header('pax', 'x', '15'), said, header('large', '0', '0'), Buffer.alloc(1024)];
  assert.equal(await isWhole(Buffer.concat(tar)), false);
  assert.equal(await isWhole(Buffer.concat([...tar, Buffer.alloc(BLOCK)])), true);
});

it('sizes are read in bytes too, where octal digits do not do', async () => {
  const block = Buffer.alloc(BLOCK);
  block.write('large');
  block[124] = 0x80;
  block.writeUInt16BE(1024, 134);
  const tar = Buffer.concat([block, Buffer.alloc(1024)]);
  assert.equal(await isWhole(tar), false);
  assert.equal(await isWhole(Buffer.concat([tar, Buffer.alloc(BLOCK)])), true);
});
