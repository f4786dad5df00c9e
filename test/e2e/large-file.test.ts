import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { CliHome, checkout } from '../support/cli.ts';

const MiB = 2 ** 20;
const SIZE = 2048 * MiB;

it('a file of 2 GiB goes in and comes out whole, and the engine stays below 600 MiB', async () => {
  const home = new CliHome();
  try {
    await home.pfs('create-repo', 'data');
    const sent = await put(home, 'data@master:/large');
    const file = await home.inspect<{ size: number }>('inspect-file', 'data@master:/large');
    assert.equal(file.size, SIZE);
    assert.equal(await get(home, 'data@master:/large'), sent);
    const peak = peakOfEngine(home);
    assert.ok(peak < 600, `the engine took ${peak} MiB`);
  } finally {
    await home.close();
  }
});

/** Streams bytes that look random into a file; returns their SHA-256. */
async function put(home: CliHome, to: string): Promise<string> {
  const child = start(home, ['put-file', to, '-f', '-'], 'pipe');
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16));
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(MiB);
  for (let done = 0; done < SIZE; done += MiB) {
    const bytes = cipher.update(zeros);
    hash.update(bytes);
    if (child.stdin?.write(bytes) === false) {
      await once(child.stdin, 'drain');
    }
  }
  child.stdin?.end();
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  return hash.digest('hex');
}

/** Returns the SHA-256 of what `get-file` prints. */
async function get(home: CliHome, from: string): Promise<string> {
  const child = start(home, ['get-file', from], 'ignore');
  const closed = once(child, 'close');
  const hash = createHash('sha256');
  for await (const bytes of child.stdout ?? []) {
    hash.update(bytes as Buffer);
  }
  assert.deepEqual(await closed, [0, null]);
  return hash.digest('hex');
}

function start(home: CliHome, args: readonly string[], stdin: 'pipe' | 'ignore') {
  return spawn(process.execPath, [join(checkout, 'bin/pfs'), ...args], {
    env: { ...process.env, ...home.environment },
    stdio: [stdin, 'pipe', 'inherit'],
  });
}

/** In MiB, since the engine began. */
function peakOfEngine(home: CliHome): number {
  const record = readFileSync(join(home.folder, 'home/engine.json'), 'utf8');
  const { pid } = JSON.parse(record) as { pid: number };
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}
