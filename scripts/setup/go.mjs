// Programs that are built from their sources with Go, where no package brings them.

import { mkdirSync } from 'node:fs';
import { cacheBin } from './paths.mjs';
import { run } from './run.mjs';
import { say, step } from './say.mjs';

/** Builds a program into the cache; returns why that failed, or undefined. `name` is what people call it. */
export async function goInstall(module, name) {
  mkdirSync(cacheBin, { recursive: true });
  const result = await step(`building ${name} with Go, once (some minutes)`, () =>
    run('go', ['install', module], {
      env: { GOBIN: cacheBin, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
      timeoutMs: 15 * 60_000,
      cwd: cacheBin,
    }),
  );
  if (result.code === 0) {
    return undefined;
  }
  const state = result.timedOut ? 'no end after 15 min' : result.stderr.trim().split('\n').at(-1);
  say(`${name} could not be built: ${state}`);
  return state;
}
