// The names users give: projects, repos, branches. Checked where they come in, trusted inside.

import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import type { RepoKey } from '../journal/records.ts';

export const DEFAULT_PROJECT = 'default';

const NAME = /^[a-zA-Z0-9_-]+$/;
/** The longest name, in characters. */
export const MAX_NAME = 63;

/** Returns the key of a repo; rejects with `invalid` when a name may not be one. */
export function repoKeyOf(project: string, name: string): RepoKey {
  const plain = name.replace(/\.(spec|meta)$/, '');
  checkName('project', project);
  checkName('repo', plain);
  return `${project}/${name}`;
}

/** Splits a repo key into what users see. */
export function splitRepoKey(key: RepoKey): { project: string; name: string } {
  const slash = key.indexOf('/');
  return { project: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Returns a repo's key as users write it: the default project needs no prefix. */
export function shortRepo(key: RepoKey): string {
  return key.startsWith(`${DEFAULT_PROJECT}/`) ? key.slice(DEFAULT_PROJECT.length + 1) : key;
}

/** Rejects with `invalid` when a project, repo or pipeline may not have this name. */
export function checkName(kind: string, name: string): void {
  if (!NAME.test(name) || name.length > MAX_NAME) {
    throw new EngineError(
      'invalid',
      `Cannot use ${kind} name "${name}": names are 1 to ${MAX_NAME} letters, digits, underscores and dashes`,
    );
  }
}

/** Rejects with `invalid` when a branch may not have this name. */
export function checkBranchName(name: string): void {
  checkName('branch', name);
  if (isId(name)) {
    throw new EngineError(
      'invalid',
      `Cannot use branch name "${name}": it has the form of a commit id; choose another name`,
    );
  }
}

/** Returns a path in the form the engine uses inside: no leading or trailing slash, '' for the root. */
export function normalizePath(path: string): string {
  return path.replace(/^\/+|\/+$/g, '').replace(/\/{2,}/g, '/');
}
