import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchDirectory } from '../../support/scratch.ts';

it('puts and gets a file larger than the memory it may use', (t) => {
  const script = fileURLToPath(new URL('../../support/streaming-process.ts', import.meta.url));
  const args = ['--import', 'tsx', script, scratchDirectory(t), '512'];
  const said = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  console.log(`peak ${said.peakMiB} MiB, put ${said.putMs} ms, get ${said.getMs} ms`);
  assert.equal(said.same, true);
  assert.ok(said.peakMiB < 500, `peak of ${said.peakMiB} MiB`);
});
