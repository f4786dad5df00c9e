import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { EngineError } from '../../engine/base/errors.ts';
import { probeBinds } from '../../engine/executor/bind-probe.ts';
import type { Worker } from '../../engine/executor/executor.ts';

/** Stands in for a container: runs scripts here, in directories that `share` fills from the real ones. */
function workerOn(share: () => Promise<{ input: string; output: string }>): Worker {
  return {
    id: 'stand-in',
    sharesInputs: true,
    run: async ({ command, onOutput }) => {
      const script = command[2] ?? '';
      const { input, output } = await share();
      const local = script.replaceAll('/pfs/out', output).replaceAll('/pfs', input);
      await new Promise<void>((resolve) => {
        execFile('/bin/sh', ['-c', local], (_error, stdout) => {
          void onOutput(Buffer.from(stdout));
          resolve();
        });
      });
      return { kind: 'exited', code: 0 };
    },
    takeOver: async () => {},
    attach: () => Promise.reject(new Error('nobody attaches')),
    stop: async () => {},
  };
}

async function probe(
  share: (
    real: { input: string; output: string },
    copy: string,
  ) => Promise<{ input: string; output: string }>,
): Promise<string | undefined> {
  const root = await mkdtemp(join(tmpdir(), 'bind-probe-'));
  try {
    const findings = await probeBinds(join(root, 'probe'), async (real) =>
      workerOn(() => share(real, join(root, 'copy'))),
    );
    assert.equal(findings.ok, findings.problem === undefined);
    await assert.rejects(access(join(root, 'probe')), 'the probe leaves nothing behind');
    return findings.problem;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

it('probeBinds() finds nothing wrong with true binds', async () => {
  assert.equal(await probe(async (real) => real), undefined);
});

it('probeBinds() notices files that are not seen', async () => {
  const problem = await probe(async (real) => ({ ...real, input: '/nowhere' }));
  assert.match(problem ?? '', /is not seen/);
});

it('probeBinds() notices a cache that shows old contents', async () => {
  let filled = false;
  const problem = await probe(async (real, copy) => {
    if (!filled) {
      await cp(real.input, copy, { recursive: true });
      filled = true;
    }
    return { ...real, input: copy };
  });
  assert.match(problem ?? '', /old content/);
});

it('probeBinds() notices lost modes', async () => {
  const problem = await probe(async (real, copy) => {
    await rm(copy, { recursive: true, force: true });
    await cp(real.input, copy, { recursive: true });
    await chmod(join(copy, 'tool'), 0o644).catch(() => {});
    return { ...real, input: copy };
  });
  assert.match(problem ?? '', /executable bits are lost/);
});

it('probeBinds() notices outputs that do not arrive', async () => {
  const problem = await probe(async (real) => ({ ...real, output: '/nowhere' }));
  assert.match(problem ?? '', /can't be read on this host/);
});

it('probeBinds() takes a bind that Docker refuses for a finding, and other failures for failures', async () => {
  const root = await mkdtemp(join(tmpdir(), 'bind-probe-'));
  const failing = (code: 'invalid' | 'unavailable') =>
    probeBinds(join(root, 'probe'), () => Promise.reject(new EngineError(code, 'no such path')));
  assert.match((await failing('invalid')).problem ?? '', /can't bind.*no such path/);
  await assert.rejects(failing('unavailable'), { code: 'unavailable' });
  await rm(root, { recursive: true });
});
