// What randomized tests begin with.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ASKED = process.env.PFS_SEED || undefined;
const MOST = 1_000_000_000;

/** The one seed that somebody asked for, to see a failure again. */
export const ONLY_SEED = ASKED === undefined || ASKED === 'new' ? undefined : seedOf(ASKED);

/**
 * Returns the seed of this run, which the test prints: that of PFS_SEED; one that no run had before where that is `new`; and else one
 * that follows from what is checked out, so that each state of the project has seeds of its own, and the same ones on every machine.
 */
export function chosenSeed(): number {
  if (ONLY_SEED !== undefined) {
    return ONLY_SEED;
  }
  return ASKED === 'new' ? newSeed() : (treeSeed() ?? newSeed());
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) {
    throw new Error(`Cannot use PFS_SEED "${text}": it is neither an integer nor "new"`);
  }
  return seed;
}

function newSeed(): number {
  return Date.now() % MOST;
}

/** Returns a number that the files of the commit name, or undefined where there is no repository. */
function treeSeed(): number | undefined {
  try {
    const tree = execFileSync('git', ['rev-parse', 'HEAD^{tree}'], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number.parseInt(tree.slice(0, 12), 16) % MOST;
  } catch {
    return undefined;
  }
}
