// Which names of files and directories a Git tree may hold: what a strict check by stock Git rejects, with the
// reason in words.

import { EngineError } from '../base/errors.ts';
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from '../base/limits.ts';

/** Names like these need no closer look. */
const PLAIN = /^[A-Za-z0-9_+=,@%-][A-Za-z0-9_+=,@%. -]{0,84}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;
/** Code points that HFS+ ignores in names. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;
/** What NTFS takes for the same name: up to a stream's colon, without trailing spaces and dots. */
const NTFS_TAIL = /[ .]*(?::.*)?$/;

/** Refuses, with the reason, a name that can't stand in a Git tree. */
export function checkName(name: string): void {
  if (PLAIN.test(name) && !name.startsWith('git~') && !name.startsWith('GIT~')) {
    return;
  }
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new EngineError(
      'invalid',
      `Cannot use the file name ${JSON.stringify(name)}: ${problem}`,
    );
  }
}

/** Refuses, with the reason, a path (segments joined by `/`, no slash at either end) that can't be stored. */
export function checkPath(path: string): void {
  if (path.length * 3 > MAX_PATH_BYTES && Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new EngineError(
      'invalid',
      `Cannot use the path "${path.slice(0, 60)}…": it is longer than ${MAX_PATH_BYTES} bytes`,
    );
  }
  for (const name of path.split('/')) {
    checkName(name);
  }
}

function nameProblem(name: string): string | undefined {
  if (name === '') {
    return 'it is empty';
  }
  if (name === '.' || name === '..') {
    return 'it has a meaning of its own in paths';
  }
  if (name.includes('/')) {
    return 'it contains a slash';
  }
  if (CONTROL.test(name)) {
    return 'it contains a control character';
  }
  if (LONE_SURROGATE.test(name)) {
    return 'it is not valid Unicode';
  }
  if (name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return `it is longer than ${MAX_NAME_BYTES} bytes`;
  }
  return disguise(name);
}

/** Git keeps its own files under these names, and some file systems take other names for the same. */
function disguise(name: string): string | undefined {
  const hfs = name.replace(HFS_IGNORED, '').toLowerCase();
  if (hfs === '.git') {
    return 'Git keeps that name, and what some file systems take for it, to itself';
  }
  for (const part of name.split('\\')) {
    const ntfs = part.replace(NTFS_TAIL, '').toLowerCase();
    if (ntfs === '.git' || ntfs === 'git~1') {
      return 'Git keeps that name, and what some file systems take for it, to itself';
    }
  }
  return undefined;
}
