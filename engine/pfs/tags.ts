// Tags: lasting names of finished commits. They resolve wherever a branch does, and nothing can be committed to them.

import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { branchKey, type RepoKey, type TagRecord, tagKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { type Change, makeChange } from './change.ts';
import { commitByRef } from './commit-facts.ts';
import { resolveRepo } from './commit-lookup.ts';
import type { PfsContext, Request } from './context.ts';
import { MAX_NAME, shortRepo } from './names.ts';

/** Dots as in `v1.2`, but not where Git forbids them. */
const TAG = /^[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*$/;

/** Rejects with `invalid` when a tag may not have this name. */
export function checkTagName(name: string): void {
  if (!TAG.test(name) || name.length > MAX_NAME || name.endsWith('.lock') || isId(name)) {
    throw new EngineError(
      'invalid',
      `Cannot use tag name "${name}": names are 1 to ${MAX_NAME} letters, digits, underscores, dashes and single dots between them, and not of the form of a commit id`,
    );
  }
}

/** Returns a tag's record; `not_found` when there is none. */
export function resolveTag(context: PfsContext, repo: RepoKey, name: string): TagRecord {
  resolveRepo(context, repo);
  const tag = context.journal.state.tags.get(tagKey(repo, name));
  if (tag === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find tag "${name}" in repo "${shortRepo(repo)}"; pfs list-tag ${shortRepo(repo)} shows its tags`,
    );
  }
  return tag;
}

/** Returns the tags of a repo, in the order of their names. */
export function tagsOf(state: State, repo: RepoKey): TagRecord[] {
  return [...state.tags.keysBy('repo', repo)].flatMap((key) => state.tags.get(key) ?? []);
}

export interface PutTag {
  readonly repo: RepoKey;
  readonly name: string;
  /** Any ref of the same repo. */
  readonly head: string;
  readonly description: string;
  readonly force: boolean;
}

/**
 * Names a good finished commit. A tag that names another one is `already_exists` unless `force` moves it; a branch of
 * that name is `failed_precondition`.
 */
export function putTag(context: PfsContext, tag: PutTag, request: Request): Promise<TagRecord> {
  return makeChange(context, request, (change) => putTagIn(change, tag));
}

/** As {@link putTag}, within a change. */
export function putTagIn(change: Change, tag: PutTag): TagRecord {
  const { repo, name, description, force } = tag;
  const { state } = change;
  checkTagName(name);
  resolveRepo(change.context, repo);
  const commit = commitByRef(change, repo, tag.head);
  if (commit.finished === null || commit.error !== null) {
    throw new EngineError(
      'failed_precondition',
      `Cannot tag commit ${commit.id}: it ${commit.finished === null ? 'has not finished; wait for it, or finish it first' : 'failed; tag another one'}`,
    );
  }
  if (state.branches.has(branchKey(repo, name))) {
    throw new EngineError(
      'failed_precondition',
      `Cannot create tag "${name}" in repo "${shortRepo(repo)}": a branch has that name; use another one`,
    );
  }
  const old = state.tags.get(tagKey(repo, name));
  if (old !== undefined && !force) {
    throw new EngineError(
      'already_exists',
      `Cannot create tag "${name}" in repo "${shortRepo(repo)}": it names commit ${old.commit}; move it with --force, or use another name`,
    );
  }
  const record: TagRecord = { repo, name, commit: commit.id, description, created: change.time };
  change.add({ kind: 'tag.put', tag: record });
  return record;
}

export interface DeleteTag {
  readonly repo: RepoKey;
  readonly name: string;
}

/** Deletes a tag; its commit stays. */
export function deleteTag(context: PfsContext, tag: DeleteTag, request: Request): Promise<null> {
  return makeChange(context, request, (change) => deleteTagIn(change, tag));
}

/** As {@link deleteTag}, within a change. */
export function deleteTagIn(change: Change, tag: DeleteTag): null {
  const { repo, name } = resolveTag(change.context, tag.repo, tag.name);
  change.add({ kind: 'tag.deleted', repo, tag: name });
  return null;
}
