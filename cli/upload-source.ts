// Which local things go where: from the words of `put file` to sources with their destinations.

import { statSync } from 'node:fs';
import { basename, normalize } from 'node:path';
import { fileError, usageError } from './cli-error.ts';
import { isS3, parseS3 } from './s3-place.ts';

/** One thing to put. `target` is its path in the commit; for a folder, the path that its contents go below. */
export interface UploadSource {
  readonly kind: 'file' | 'folder' | 'url' | 's3' | 's3-folder' | 'stdin';
  readonly from: string;
  readonly target: string;
}

export interface UploadOptions {
  /** The path in the commit that the user named. */
  readonly target: string | undefined;
  readonly recursive: boolean;
  readonly fullPath: boolean;
  /** The sources are archives: what they hold goes below the target, whatever they are called. */
  readonly unpack?: boolean;
}

/**
 * Returns where each source goes. Without a target a thing keeps its base name; a target ending in `/`, or one for several
 * sources, is a directory; a folder's contents go below the target itself. Throws a usage error for what
 * cannot be meant.
 */
export function planUpload(
  sources: readonly string[],
  options: UploadOptions,
): readonly UploadSource[] {
  const { target } = options;
  if (target !== undefined && isUrl(target)) {
    throw usageError(`The path "${target}" looks like a URL; did you mean -f ${target}?`);
  }
  if (options.unpack) {
    return sources.map((from) => planArchive(from, target ?? '/'));
  }
  const several = sources.length > 1;
  const plan = sources.map((from) => planOne(from, several, options));
  const taken = new Map<string, string>();
  for (const { from, kind, target: path } of plan) {
    const other = taken.get(path);
    if (other !== undefined && kind !== 'folder' && kind !== 's3-folder') {
      throw usageError(
        `Cannot put both "${other}" and "${from}" at "${path}"; put them one by one`,
      );
    }
    taken.set(path, from);
  }
  return plan;
}

/** Returns whether a word names something on the web. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

function planOne(from: string, several: boolean, options: UploadOptions): UploadSource {
  if (from === '-') {
    return planStdin(several, options);
  }
  if (isS3(from)) {
    return planS3(from, several, options);
  }
  if (isUrl(from)) {
    return planUrl(from, several, options);
  }
  let isFolder: boolean;
  try {
    isFolder = statSync(from).isDirectory();
  } catch (error) {
    throw fileError(`read "${from}"`, error);
  }
  if (isFolder && !options.recursive) {
    throw usageError(`Cannot put "${from}": it is a directory; add -r to put what is in it`);
  }
  const own = options.fullPath ? fullPath(from) : basename(from);
  if (!isFolder) {
    return { kind: 'file', from, target: place(own, several || options.fullPath, options.target) };
  }
  // "." and ".." have no name of their own, so their contents go to the top.
  const name = /^\.*$/.test(own) ? '' : own;
  if (options.target !== undefined && !several && !options.fullPath) {
    return { kind: 'folder', from, target: absolute(options.target) };
  }
  return { kind: 'folder', from, target: absolute(`${options.target ?? ''}/${name}`) };
}

function planArchive(from: string, target: string): UploadSource {
  const plan = planOne(from, false, { target: 'archive', recursive: false, fullPath: false });
  return { ...plan, target: absolute(target) };
}

function planStdin(several: boolean, options: UploadOptions): UploadSource {
  const { target } = options;
  if (several) {
    throw usageError('Cannot put standard input together with other files; put it by itself');
  }
  if (target === undefined || target.endsWith('/')) {
    throw usageError(
      'Standard input has no name: say the path of the file, as in pfs put file repo@master:/name -f -',
    );
  }
  return { kind: 'stdin', from: 'standard input', target: absolute(target) };
}

/** With -r everything below it, as of a folder; else one object. */
function planS3(from: string, several: boolean, options: UploadOptions): UploadSource {
  const { bucket, key } = parseS3(from);
  const below = several || options.fullPath;
  if (options.recursive) {
    const path = key.replace(/\/+$/, '');
    const name = options.fullPath ? `${bucket}/${path}` : basename(path);
    const target =
      options.target !== undefined && !below ? options.target : `${options.target ?? ''}/${name}`;
    return { kind: 's3-folder', from, target: absolute(target) };
  }
  if (key === '' || key.endsWith('/')) {
    throw usageError(`Cannot put "${from}": it names no object; add -r to put what is below it`);
  }
  const name = options.fullPath ? `${bucket}/${key}` : basename(key);
  return { kind: 's3', from, target: place(name, below, options.target) };
}

function planUrl(from: string, several: boolean, options: UploadOptions): UploadSource {
  if (!/^https?:/i.test(from)) {
    throw usageError(
      `Cannot put "${from}": only http, https and s3 URLs can be fetched; download it first`,
    );
  }
  let path: string;
  try {
    const url = new URL(from);
    path = decodeURIComponent(
      options.fullPath ? `${url.host}${url.pathname}` : basename(url.pathname),
    );
  } catch (cause) {
    throw Object.assign(usageError(`Cannot put "${from}": it is not a valid URL`), { cause });
  }
  if (path === '' && (options.target === undefined || options.target.endsWith('/') || several)) {
    throw usageError(`Cannot put "${from}": it ends in no name; say the path of the file`);
  }
  return { kind: 'url', from, target: place(path, several || options.fullPath, options.target) };
}

function place(name: string, below: boolean, target: string | undefined): string {
  if (target === undefined) {
    return absolute(name);
  }
  return absolute(below || target.endsWith('/') ? `${target}/${name}` : target);
}

function fullPath(from: string): string {
  return normalize(from).replace(/^(?:\.\.?\/)+/, '');
}

/** With one leading slash and none at the end; `/` for the top. */
function absolute(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`;
}
