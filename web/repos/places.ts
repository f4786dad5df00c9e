// Where the views of data are, and what the API calls what they show.

import type { RepoName } from '../../engine/server/wire.ts';
import { pathOf, withQuery } from '../app/router.ts';

/** A file or directory of a commit. */
export interface FilePlace {
  readonly repo: RepoName;
  readonly ref: string;
  /** Without slashes at its ends; '' for all of the commit. */
  readonly path: string;
}

/** The view of a repo; with the name of a part, that. */
export function repoPlace({ project, name }: RepoName, ...part: readonly string[]): string {
  return pathOf('repos', project, name, ...part);
}

export function commitPlace(repo: RepoName, id: string): string {
  return repoPlace(repo, 'commits', id);
}

/** The view of a file or directory, or of another thing about it. */
export function filePlace(
  { repo, ref, path }: FilePlace,
  view: 'files' | 'history' = 'files',
): string {
  return repoPlace(repo, view, ref, ...segments(path));
}

export function provenancePlace(
  { repo, ref, path }: FilePlace,
  direction: 'up' | 'down' = 'up',
): string {
  const where = pathOf('provenance', repo.project, repo.name, ref, ...segments(path));
  return withQuery(where, { direction: direction === 'up' ? undefined : direction });
}

/** The comparison of two refs of a repo, of all that differs or of one path. */
export function diffPlace(
  repo: RepoName,
  {
    old,
    now,
    path,
  }: { readonly old?: string | undefined; readonly now: string; readonly path?: string },
): string {
  return withQuery(repoPlace(repo, 'diff'), { old, new: now, path });
}

/** The view of a file as its path is shown by the API: with a slash before it, and after a directory. */
export function shownPlace(repo: RepoName, ref: string, shown: string): string {
  return filePlace({ repo, ref, path: trimPath(shown) });
}

/** Returns a path without slashes at its ends. */
export function trimPath(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** Returns the last name of a path. */
export function nameOf(path: string): string {
  return trimPath(path).split('/').at(-1) ?? '';
}

/** A repo, or a pipeline, as people name it: the default project goes without saying. */
export function repoText({ project, name }: RepoName): string {
  return project === 'default' ? name : `${project}/${name}`;
}

/** A repo, ref and path as commands take them. */
export function commandPlace({ repo, ref, path }: FilePlace): string {
  return `${repoText(repo)}@${ref}:/${path}`;
}

/** Reads the repo that a view's path names. */
export function repoOf(params: Readonly<Record<string, string>>): RepoName {
  return { project: params.project ?? '', name: params.repo ?? '' };
}

function segments(path: string): string[] {
  return path === '' ? [] : path.split('/');
}
