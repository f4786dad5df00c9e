import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type CommandResult, checkout, containersOf, skipWithoutDocker } from '../support/cli.ts';
import { startS3Server } from '../support/s3-server.ts';

const image = 'pachyderm/iris-train:python-svm';

describe('npm run demo', { skip: skipWithoutDocker([image]) }, () => {
  it('shows a model, a second one from more rows, and where both came from', async () => {
    const { stdout } = await demo();
    assertShown(stdout);
  });

  it('does the same with its bucket on an S3 server', async (test) => {
    const server = await startS3Server();
    if ('skip' in server) {
      test.skip(server.skip);
      return;
    }
    try {
      const bucket = await server.createBucket();
      const store = `s3://${bucket}/demo?endpoint=${server.endpoint}`;
      const { stdout } = await demo({
        args: ['--store', store],
        env: {
          AWS_ACCESS_KEY_ID: server.accessKey,
          AWS_SECRET_ACCESS_KEY: server.secretKey,
          AWS_REGION: server.region,
        },
      });
      assertShown(stdout);
    } finally {
      await server.stop();
    }
  });

  it('leaves nothing behind when it is interrupted in the middle of a job', async () => {
    const result = await demo({ interruptAt: (text) => text.includes('wait job') });
    assert.equal(result.code, 130, result.stderr);
    assert.doesNotMatch(result.stdout, /provenance/);
  });
});

function assertShown(text: string): void {
  const accuracies = [...text.matchAll(/^.*\baccuracy (\d\.\d{3})$/gm)].map(([, value]) => value);
  assert.deepEqual(accuracies.slice(0, 2), ['0.978', '0.981']);
  assert.match(text, /\/model\.pkl/);
  assert.match(text, /A new model was made/);
  assert.match(text, /\$ pfs create-repo training/);
  assert.equal([...text.matchAll(/\$ pfs provenance model@\S+:\/model\.pkl/g)].length, 2);
  assert.match(text, /iris\.csv|training/);
}

interface DemoOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The demo gets a SIGINT as soon as what it printed satisfies this; otherwise it has to succeed. */
  readonly interruptAt?: (printed: string) => boolean;
}

/** Runs the whole demo in a temporary folder of its own; asserts that it leaves nothing there and no container. */
async function demo(options: DemoOptions = {}): Promise<CommandResult> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'pfs-demo-test-'));
  try {
    const result = await runDemo({ ...options, env: { ...options.env, TMPDIR: folder } });
    if (options.interruptAt === undefined) {
      assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
    }
    // The set-up's locks, and what tsx and Node keep for themselves, are no leftovers of the demo.
    const left = readdirSync(folder).filter((name) => !/^(pfs-setup-|tsx-|node-)/.test(name));
    assert.deepEqual(left, [], 'the demo left files behind');
    assert.deepEqual(containersOf(folder), [], 'the demo left containers behind');
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runDemo({ args = [], env = {}, interruptAt }: DemoOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(checkout, 'scripts/demo.mjs'), ...args], {
      cwd: checkout,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 600_000,
    });
    let stdout = '';
    let stderr = '';
    let interrupted = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (!interrupted && interruptAt?.(stdout)) {
        interrupted = true;
        child.kill('SIGINT');
      }
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
