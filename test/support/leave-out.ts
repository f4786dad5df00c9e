// Leaving out what a machine lacks the means for, unless it is one on which nothing may be left out.

import type { TestContext } from 'node:test';

/** Skips the test and says why; fails it instead where PFS_REQUIRE_TOOLS is 1 (`npm test -- --strict`). */
export function leaveOut(t: Pick<TestContext, 'skip'>, lacking: string): void {
  if (process.env.PFS_REQUIRE_TOOLS === '1') {
    throw new Error(`PFS_REQUIRE_TOOLS is 1, but ${lacking}`);
  }
  t.skip(lacking);
}
