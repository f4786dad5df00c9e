// A directory of a test's own, removed with all that is in it when the test ends.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Makes an empty directory; whatever the test leaves in it is removed, unreadable or not. */
export function scratchDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'pfs-test-'));
  t.after(() => {
    chmodSync(directory, 0o700);
    execFileSync('chmod', ['-R', 'u+rwX', directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}
