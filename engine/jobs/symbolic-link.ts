// Where a symbolic link in `/pfs/out` leads, as the user's container sees it. Links are followed by their text alone:
// no link is ever followed by this machine.

import { lstatSync, readlinkSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';

/** Where a link leads: a path below the outputs or below the inputs, in names, or nowhere that can be stored. */
export type LinkTarget =
  | { readonly kind: 'output'; readonly path: readonly string[] }
  | { readonly kind: 'input'; readonly path: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

const MAX_LINKS = 40;

/**
 * Resolves the link at `path` (names below `/pfs/out`); `outputDirectory` is where that is on this machine. What an
 * input path holds is for the caller to look up.
 */
export function resolveLink(path: readonly string[], outputDirectory: string): LinkTarget {
  const text = readText(hostPath(outputDirectory, path));
  const seen: string[] = ['pfs', 'out', ...path.slice(0, -1)];
  const waiting: string[] = [];
  let links = 1;
  const follow = (target: string): void => {
    if (target.startsWith('/')) {
      seen.length = 0;
    }
    waiting.push(...target.split('/').reverse());
  };
  follow(text);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === '' || name === '.') {
      continue;
    }
    if (name === '..') {
      seen.pop();
      continue;
    }
    seen.push(name);
    if (seen[0] !== 'pfs') {
      return refused(text, 'which is outside /pfs');
    }
    if (seen[1] !== 'out' || seen.length < 3) {
      continue;
    }
    const here = hostPath(outputDirectory, seen.slice(2));
    const stat = lstat(here);
    if (stat === undefined) {
      return refused(text, 'which does not exist');
    }
    if (stat.isSymbolicLink()) {
      links += 1;
      if (links > MAX_LINKS) {
        return refused(text, 'which leads round in a loop');
      }
      seen.pop();
      follow(readText(here));
    } else if (!stat.isDirectory() && waiting.some((rest) => rest !== '')) {
      return refused(text, 'which does not exist');
    }
  }
  const [, place, ...rest] = seen;
  if (place === undefined) {
    return refused(text, 'which is not below an input or /pfs/out');
  }
  return {
    kind: place === 'out' ? 'output' : 'input',
    path: place === 'out' ? rest : [place, ...rest],
  };
}

/** The words for a link that can't be stored. */
export function linkReason(target: string, problem: string): string {
  return `it is a symbolic link to ${JSON.stringify(target)}, ${problem}`;
}

function refused(text: string, problem: string): LinkTarget {
  return { kind: 'refused', reason: linkReason(text, problem) };
}

function hostPath(outputDirectory: string, path: readonly string[]): string {
  return [outputDirectory, ...path].join('/');
}

function readText(path: string): string {
  return readlinkSync(path, 'utf8');
}

function lstat(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // Names that can't exist, too long or holding a NUL, and a file taken for a directory.
    if (['ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE', 'ENOTDIR'].includes(systemCode(error) ?? '')) {
      return undefined;
    }
    throw error;
  }
}
