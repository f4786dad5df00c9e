// Leaving out what a machine lacks the means for, unless it is one on which nothing may be left out.

import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** Returns the reason, for the `skip` of a test; throws instead where PFS_REQUIRE_TOOLS is 1 (`npm test -- --strict`). */
export function lacking(reason: string): string {
  if (process.env.PFS_REQUIRE_TOOLS === '1') {
    throw new Error(`PFS_REQUIRE_TOOLS is 1, but ${reason}`);
  }
  return reason;
}

/** Returns why this kernel allows no user namespaces, which only trying tells, for the `skip` of a test; false where it does. */
export function withoutNamespaces(): string | false {
  const words = ['--user', '--map-root-user', '--mount', '--pid', '--fork', 'true'];
  const { status, stderr, error } = spawnSync('unshare', words, { encoding: 'utf8' });
  return status === 0
    ? false
    : lacking(`no user namespaces here: ${(error?.message ?? stderr).trim()}`);
}

/** Skips the test and says why; fails it instead where PFS_REQUIRE_TOOLS is 1 (`npm test -- --strict`). */
export function leaveOut(t: Pick<TestContext, 'skip'>, reason: string): void {
  t.skip(lacking(reason));
}
