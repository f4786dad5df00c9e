// Waiting for what nobody tells: what Docker does by itself, or a state that ends no wait.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

const LOOKS = 600;
const PAUSE_MS = 50;

/** Looks again and again, 600 times with 50 ms between; fails where it never comes to be. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    if (await holds()) {
      return;
    }
    await delay(PAUSE_MS);
  }
  assert.fail(`it never came to be that ${what}`);
}
