import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readableLog } from '../../../cli/log-view.ts';

it('the engine’s log is one line an entry, however it arrives, and what is no entry stays', async () => {
  const text = [
    '{"level":30,"time":1795677679212,"address":"http://127.0.0.1:1","msg":"the engine is ready"}',
    '{"level":40,"time":1795677679213,"err":{"stack":"Error\\n  at x"},"msg":"Cannot pull – it is gone"}',
    'node: out of memory',
    '{"no":"entry"}',
  ].join('\n');
  const bytes = Buffer.from(text);
  async function* pieces(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 7) {
      yield bytes.subarray(at, at + 7);
    }
  }
  let printed = '';
  for await (const part of readableLog(pieces())) {
    printed += part;
  }
  const [ready, warned, ...others] = printed.split('\n');
  assert.match(
    ready ?? '',
    /^2026-11-\d\d \d\d:\d\d:\d\d \S+ {2}info {5}the engine is ready address=http:\/\/127\.0\.0\.1:1$/,
  );
  assert.match(warned ?? '', / {2}warning {2}Cannot pull – it is gone$/);
  assert.deepEqual(others, ['node: out of memory', '{"no":"entry"}', '']);
});
