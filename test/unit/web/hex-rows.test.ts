import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hexRow } from '../../../web/preview/hex-rows.ts';

it('bytes are shown sixteen in a row, the last row filled up', () => {
  const bytes = Uint8Array.from({ length: 19 }, (_, i) => 0x3e + i);
  assert.deepEqual(hexRow(bytes, 0), {
    offset: '00000000',
    hex: '3e 3f 40 41 42 43 44 45  46 47 48 49 4a 4b 4c 4d',
    text: '>?@ABCDEFGHIJKLM',
  });
  assert.deepEqual(hexRow(bytes, 1), {
    offset: '00000010',
    hex: '4e 4f 50'.padEnd(48),
    text: 'NOP',
  });
  assert.equal(hexRow(Uint8Array.of(0, 0x7f, 0xe9), 0).text, '···');
});
