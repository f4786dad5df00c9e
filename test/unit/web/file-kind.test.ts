import assert from 'node:assert/strict';
import { it } from 'node:test';
import { natureOf } from '../../../web/preview/file-kind.ts';

const bytes = (text: string) => Uint8Array.from(text, (sign) => sign.charCodeAt(0));
const kind = (name: string, content: string | Uint8Array, isWhole = true) => {
  const head = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return natureOf(name, head, isWhole).kind;
};

it('a file is what its bytes say, whatever it is called', () => {
  assert.equal(kind('a.txt', bytes('\x89PNG\r\n\x1a\n…')), 'image');
  assert.equal(natureOf('a', bytes('\xff\xd8\xff\xe0'), true).type, 'image/jpeg');
  assert.equal(natureOf('a', bytes('RIFF\0\0\0\0WEBPVP8 '), true).type, 'image/webp');
  assert.equal(natureOf('a', bytes('RIFF\0\0\0\0WAVEfmt '), true).type, 'audio/wav');
  assert.equal(kind('a', bytes('\0\0\0\x20ftypisom')), 'video');
  assert.equal(kind('a', bytes('\0\0\0\x20ftypM4A ')), 'audio');
  assert.equal(kind('a.csv', bytes('%PDF-1.7')), 'pdf');
  assert.equal(kind('a.png', 'no picture'), 'text');
  assert.equal(kind('a.json', bytes('{}\0')), 'bytes');
  assert.equal(kind('a.txt', bytes('\xc3(')), 'bytes');
});

it('text is shown by its name', () => {
  assert.equal(kind('a.CSV', 'a,b'), 'table');
  assert.equal(kind('a.tsv', 'a\tb'), 'table');
  assert.equal(kind('d.x/a.json', '{}'), 'json');
  assert.equal(kind('a.jsonl', '{}\n{}'), 'json');
  assert.equal(kind('README.md', '# é'), 'markdown');
  assert.equal(kind('a.svg', '<svg/>'), 'image');
  assert.equal(kind('Makefile', 'all:'), 'text');
  assert.equal(kind('empty', ''), 'text');
});

it('a character that is cut in the middle is text, unless the file ends there', () => {
  assert.equal(kind('a', bytes('caf\xc3'), false), 'text');
  assert.equal(kind('a', bytes('caf\xc3'), true), 'bytes');
  assert.equal(natureOf('a', bytes('\xff\xfea\0'), true).encoding, 'utf-16le');
});
