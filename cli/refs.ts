// How users name things: `project/repo@branch^2:/path` and its relatives. The only place that takes these apart.

import type { RepoName } from '../engine/server/wire.ts';
import { usageError } from './cli-error.ts';

/** A repo, perhaps a branch or commit of it, perhaps a path in that. */
export interface Ref {
  readonly repo: RepoName;
  /** The branch named, where one was named by its bare name. */
  readonly branch: string | undefined;
  /** Commit id, branch or either with `^N` or `.N`: what the engine resolves. Undefined where only a repo was named. */
  readonly ref: string | undefined;
  readonly path: string | undefined;
}

/** A ref that names a commit. */
export type CommitRef = Ref & { readonly ref: string };

const NAME = /^[a-zA-Z0-9_-]+$/;
const COMMIT_ID = /^[0-9a-f]{32}$/;
/** Dots as in `v1.2`: the engine tells a tag from the N-th commit of a line. */
const TAG = /^[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*$/;
const ANCESTRY = /^([a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*)((?:[\^~]\d*)+)$/;

/** Returns whether a project may have this name. */
export function isProjectName(text: string): boolean {
  return NAME.test(text);
}

/** Returns whether `text` is a commit id: 32 lower-case hex digits. */
export function isCommitId(text: string): boolean {
  return COMMIT_ID.test(text);
}

/**
 * Parses a name in the combined form `[project/]repo[.type][@ref[=commit]][:path]`; `project` is the default project.
 * Throws a usage error that says which part is wrong.
 */
export function parseRef(text: string, project: string): Ref {
  const at = text.indexOf('@');
  const colon = text.indexOf(':');
  const head = colon >= 0 ? text.slice(0, colon) : text;
  const path = colon >= 0 ? text.slice(colon + 1) : undefined;
  const hasRef = at >= 0 && (colon < 0 || at < colon);
  const repo = parseRepo(hasRef ? head.slice(0, at) : head, { project, whole: text });
  if (path === '') {
    throw usageError(
      `Cannot read "${text}": the path after ":" is empty; write ":/" for the whole commit`,
    );
  }
  if (!hasRef) {
    return { repo, branch: undefined, ref: undefined, path };
  }
  return { repo, path, ...parseCommit(head.slice(at + 1), text) };
}

/** Parses the words of a repo: `repo`, `project/repo`, `repo.spec`. */
export function parseRepoName(text: string, project: string): RepoName {
  const { repo, ref, path } = parseRef(text, project);
  if (ref !== undefined || path !== undefined) {
    throw usageError(
      `Cannot read "${text}": a repo is wanted here, without a branch, commit or path`,
    );
  }
  return repo;
}

/** Parses a pipeline's name: `pipeline` or `project/pipeline`. */
export function parsePipelineName(text: string, project: string): RepoName {
  const name = parseSlashed(text, { project, whole: text, thing: 'pipeline' });
  if (!NAME.test(name.name)) {
    throw badName('pipeline', name.name, text);
  }
  return name;
}

/**
 * Parses a branch or commit in either form: `repo@ref`, or the words `repo ref`. A word left over is a path
 * where `path` is true, an error else.
 */
export function parseRefWords(
  words: readonly string[],
  options: { readonly project: string; readonly path?: boolean },
): Ref {
  const [first = '', ...rest] = words;
  let ref = parseRef(first, options.project);
  const next = rest[0];
  if (ref.ref === undefined && ref.path === undefined && next !== undefined) {
    rest.shift();
    const colon = next.indexOf(':');
    const path = colon >= 0 ? next.slice(colon + 1) : undefined;
    if (path === '') {
      throw usageError(
        `Cannot read "${next}": the path after ":" is empty; write ":/" for the whole commit`,
      );
    }
    ref = { ...ref, path, ...parseCommit(colon >= 0 ? next.slice(0, colon) : next, next) };
  }
  const last = rest[0];
  if (options.path && ref.path === undefined && last !== undefined) {
    rest.shift();
    ref = { ...ref, path: last };
  }
  if (rest.length > 0) {
    throw usageError(`Cannot read "${words.join(' ')}": "${rest[0]}" is one word too many`);
  }
  if (!options.path && ref.path !== undefined) {
    throw usageError(
      `Cannot read "${words.join(' ')}": a path is not wanted here; leave out ":${ref.path}"`,
    );
  }
  return ref;
}

/** Returns the path of a ref that must have one. */
export function wantPath(ref: CommitRef): string {
  if (ref.path === undefined) {
    const name = showName(ref.repo);
    throw usageError(`Say which path is meant, as in ${name}@${ref.ref}:/name`);
  }
  return ref.path;
}

/** Parses two refs: `a@x:/p b@y:/q`, or the words `a x /p b y /q`. */
export function splitPairs(
  words: readonly string[],
  project: string,
): readonly [CommitRef, CommitRef] {
  const parse = (part: readonly string[]): CommitRef =>
    parseCommitWords(part, { project, path: true });
  const second = words.findIndex((word, i) => i > 0 && parseRefOrNothing(word, project));
  const at = words[0]?.includes('@') ? Math.max(second, 1) : words.length / 2;
  if (!Number.isInteger(at) || at >= words.length) {
    throw usageError(
      `Cannot read "${words.join(' ')}": two names are wanted, as in a@master:/x b@master:/y`,
    );
  }
  return [parse(words.slice(0, at)), parse(words.slice(at))];
}

function parseRefOrNothing(word: string, project: string): boolean {
  return /^[^/:]+(?:\/[^/:]+)?@/.test(word) && parseRef(word, project).ref !== undefined;
}

/** Parses words that must name a branch or commit, as {@link parseRefWords}. */
export function parseCommitWords(
  words: readonly string[],
  options: { readonly project: string; readonly path?: boolean },
): CommitRef {
  const ref = parseRefWords(words, options);
  if (ref.ref === undefined) {
    const repo = showName(ref.repo);
    throw usageError(
      `Cannot read "${words.join(' ')}": it names a repo without a branch or commit; add one, as in ${repo}@master`,
    );
  }
  return { ...ref, ref: ref.ref };
}

/** Parses words that must name a branch, without commit or ancestry. */
export function parseBranchWords(
  words: readonly string[],
  project: string,
): { repo: RepoName; branch: string } {
  const ref = parseCommitWords(words, { project });
  if (ref.branch === undefined || ref.branch !== ref.ref) {
    const state = COMMIT_ID.test(ref.ref) ? 'is the id of a commit' : 'names an ancestor';
    throw usageError(
      `Cannot read "${words.join(' ')}": "${ref.ref}" ${state}, and a branch is wanted here`,
    );
  }
  return { repo: ref.repo, branch: ref.branch };
}

/** Parses words that must name a tag. */
export function parseTagWords(
  words: readonly string[],
  project: string,
): { repo: RepoName; tag: string } {
  const { repo, ref } = parseCommitWords(words, { project });
  if (!TAG.test(ref) || COMMIT_ID.test(ref)) {
    throw usageError(
      `Cannot read "${words.join(' ')}": "${ref}" is no name for a tag; write one as in ${repo.name}@v1.2`,
    );
  }
  return { repo, tag: ref };
}

/** Returns the ref in the words that name a commit of `repo`: `master^`, or in full as `training@master^`. */
export function refWithin(text: string, repo: RepoName): string {
  const whole = text.includes('@') ? text : `${repo.project}/${repo.name}@${text}`;
  const parsed = parseRef(whole, repo.project);
  if (showName(parsed.repo) !== showName(repo) || parsed.ref === undefined) {
    throw usageError(`Cannot use "${text}" here: a commit of repo "${showName(repo)}" is wanted`);
  }
  return parsed.ref;
}

/** Returns the name of a repo or pipeline as users write it: the default project is left out. */
export function showName(name: RepoName): string {
  return name.project === 'default' ? name.name : `${name.project}/${name.name}`;
}

function parseRepo(text: string, where: { project: string; whole: string }): RepoName {
  const { project, name } = parseSlashed(text, { ...where, thing: 'repo' });
  const dot = name.lastIndexOf('.');
  const base = dot < 0 ? name : name.slice(0, dot);
  const type = dot < 0 ? 'user' : name.slice(dot + 1);
  if (!NAME.test(base)) {
    throw badName('repo', base, where.whole);
  }
  if (type !== 'user' && type !== 'spec' && type !== 'meta') {
    throw usageError(
      `Cannot read "${where.whole}": a repo has no type "${type}"; the types are user, spec and meta`,
    );
  }
  return { project, name: type === 'user' ? base : `${base}.${type}` };
}

function parseSlashed(
  text: string,
  where: { project: string; whole: string; thing: string },
): RepoName {
  const slash = text.indexOf('/');
  const project = slash < 0 ? where.project : text.slice(0, slash);
  const name = slash < 0 ? text : text.slice(slash + 1);
  if (name === '') {
    throw usageError(`Cannot read "${where.whole}": the name of the ${where.thing} is missing`);
  }
  if (!NAME.test(project)) {
    throw badName('project', project, where.whole);
  }
  return { project, name };
}

function parseCommit(text: string, whole: string): { ref: string; branch: string | undefined } {
  if (text === '') {
    throw usageError(`Cannot read "${whole}": the branch or commit after "@" is missing`);
  }
  const equals = text.indexOf('=');
  if (equals >= 0) {
    const branch = text.slice(0, equals);
    const { ref } = parseCommit(text.slice(equals + 1), whole);
    if (!NAME.test(branch) || COMMIT_ID.test(branch)) {
      throw badName('branch', branch, whole);
    }
    return { ref, branch };
  }
  if (COMMIT_ID.test(text)) {
    return { ref: text, branch: undefined };
  }
  if (NAME.test(text)) {
    return { ref: text, branch: text };
  }
  if (TAG.test(text)) {
    return { ref: text, branch: undefined };
  }
  const ancestry = ANCESTRY.exec(text);
  if (!ancestry) {
    if (/[\^~].*\.|\..*[\^~]/.test(text)) {
      throw usageError(`Cannot read "${whole}": "^" and "." do not go together; use one of them`);
    }
    throw usageError(
      `Cannot read "${whole}": "${text}" is neither a branch, a tag nor a commit id; a name has letters, digits, "_" and "-", and ^2 or .3 may follow it`,
    );
  }
  const [, base = '', steps = ''] = ancestry;
  return { ref: base + ancestorSuffix(steps), branch: undefined };
}

/** `^`, `~`, `^2^` … as one `^N`. */
function ancestorSuffix(steps: string): string {
  const count = [...steps.matchAll(/[\^~](\d*)/g)].reduce(
    (sum, [, digits]) => sum + (digits ? Number(digits) : 1),
    0,
  );
  return count === 0 ? '' : count === 1 ? '^' : `^${count}`;
}

function badName(thing: string, name: string, whole: string): Error {
  return usageError(
    name === ''
      ? `Cannot read "${whole}": the name of the ${thing} is missing`
      : `Cannot read "${whole}": "${name}" is not a name for a ${thing}; letters, digits, "_" and "-" are`,
  );
}
