// Where something came from, and what came of it: commits, and the datums between them.

import {
  branchKey,
  type CommitRecord,
  commitKey,
  type ImageRecord,
  type RepoKey,
} from '../journal/records.ts';
import { listCommits } from '../pfs/commit-list.ts';
import { findCommit } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { findFile, walkFiles } from '../pfs/files.ts';
import { normalizePath } from '../pfs/names.ts';
import { listDatums } from './datum-list.ts';
import type { ResultInput } from './datum-result.ts';
import { findJob } from './job-lookup.ts';

/** A datum that stands between an output and what it was made from. */
export interface LineageDatum {
  readonly id: string;
  /** The job, pipeline version and image that produced what the output holds of it. */
  readonly job: string;
  readonly version: number;
  readonly image: ImageRecord | null;
  readonly secrets?: readonly string[];
  readonly inputs: readonly ResultInput[];
}

export interface Lineage {
  readonly commit: CommitRecord;
  /** Files and directories of the commit that take part, without leading slashes; null for all of it. */
  readonly paths: readonly string[] | null;
  readonly datums: readonly LineageDatum[];
  /** Datums beyond those listed. */
  readonly omitted: number;
  readonly next: readonly Lineage[];
  /** The same commit and paths stand elsewhere, before this, with their datums and what comes next. */
  readonly isRepeated: boolean;
}

const MAX_DATUMS = 100;
/** Beyond so many, paths are not told apart any more. */
const MAX_PATHS = 100;

/** Returns what a commit, or a path in it, was made from, back to the commits that users made. */
export async function lineageUp(
  context: PfsContext,
  commit: CommitRecord,
  path: string | null,
): Promise<Lineage> {
  return await up(context, { commit, paths: path === null ? null : [path] }, new Set());
}

/** Returns what was made from a commit, or from a path in it, down to what nothing was made from. */
export async function lineageDown(
  context: PfsContext,
  commit: CommitRecord,
  path: string | null,
): Promise<Lineage> {
  return await down(context, { commit, paths: path === null ? null : [path] }, new Set());
}

interface Place {
  readonly commit: CommitRecord;
  readonly paths: readonly string[] | null;
}

async function up(context: PfsContext, place: Place, seen: Set<string>): Promise<Lineage> {
  const { commit, paths } = place;
  if (!isFirst(place, seen)) {
    return { ...place, datums: [], omitted: 0, next: [], isRepeated: true };
  }
  const found = await datumsOf(context, commit, async ({ output }) => {
    return paths === null || (await writesAny(context, output, paths));
  });
  const next: Lineage[] = [];
  for (const link of commit.provenance) {
    if (link.repo.endsWith('.spec')) {
      continue;
    }
    const read = found.reads.get(branchKey(link.repo, link.branch));
    // A datum of a union reads only some of the inputs: the others did not take part in these paths.
    if (paths !== null && found.reads.size > 0 && read === undefined) {
      continue;
    }
    const source = context.journal.state.repos.has(link.repo)
      ? await findCommit(context, link.repo, link.commit)
      : undefined;
    if (source) {
      next.push(await up(context, { commit: source, paths: pathsOf(read) }, seen));
    }
  }
  const { datums, omitted } = found;
  return { ...place, datums, omitted, next, isRepeated: false };
}

async function down(context: PfsContext, place: Place, seen: Set<string>): Promise<Lineage> {
  const { commit, paths } = place;
  const next: Lineage[] = [];
  if (!isFirst(place, seen)) {
    return { ...place, datums: [], omitted: 0, next, isRepeated: true };
  }
  for (const repo of readers(context, commit.repo)) {
    for await (const candidate of listCommits(context, repo)) {
      const link = candidate.provenance.find(
        (one) => one.repo === commit.repo && one.commit === commit.id,
      );
      if (link === undefined) {
        continue;
      }
      const written = new Set<string>();
      const { datums, omitted } = await datumsOf(context, candidate, async (datum) => {
        const takesPart =
          paths === null ||
          datum.inputs.some(
            ({ project, repo: from, path }) =>
              `${project}/${from}` === commit.repo && paths.some((one) => touches(path, one)),
          );
        if (takesPart) {
          await addPaths(context, datum.output, written);
        }
        return takesPart;
      });
      if (paths === null || datums.length > 0) {
        const below = { commit: candidate, paths: paths === null ? null : pathsOf(written) };
        next.push({ ...(await down(context, below, seen)), datums, omitted });
      }
    }
  }
  return { ...place, datums: [], omitted: 0, next, isRepeated: false };
}

function isFirst({ commit, paths }: Place, seen: Set<string>): boolean {
  const key = JSON.stringify([commitKey(commit.repo, commit.id), paths]);
  const first = !seen.has(key);
  seen.add(key);
  return first;
}

/** Returns paths as a place has them: null where they are all, or too many. */
function pathsOf(paths: ReadonlySet<string> | undefined): string[] | null {
  const isAll = paths === undefined || paths.has('') || paths.size > MAX_PATHS;
  return isAll ? null : [...paths].sort();
}

async function writesAny(
  context: PfsContext,
  output: string | null,
  paths: readonly string[],
): Promise<boolean> {
  for (const path of paths) {
    if ((await findFile(context.objects, output, path)) !== undefined) {
      return true;
    }
  }
  return false;
}

/** Adds the files of an output to `paths`, until those are too many. */
async function addPaths(
  context: PfsContext,
  output: string | null,
  paths: Set<string>,
): Promise<void> {
  if (output === null || paths.size > MAX_PATHS) {
    return;
  }
  const root = { path: '', mode: '40000' as const, id: output };
  for await (const file of walkFiles(context.objects, root)) {
    paths.add(file.path);
    if (paths.size > MAX_PATHS) {
      return;
    }
  }
}

/** Returns the repos, but for those of results, with a branch that has one of `repo` as provenance. */
function readers(context: PfsContext, repo: RepoKey): RepoKey[] {
  const { branches } = context.journal.state;
  const found = new Set<RepoKey>();
  for (const source of branches.keysBy('repo', repo)) {
    for (const key of branches.keysBy('source', source)) {
      const branch = branches.get(key);
      if (branch && !branch.repo.endsWith('.meta')) {
        found.add(branch.repo);
      }
    }
  }
  return [...found].sort();
}

async function datumsOf(
  context: PfsContext,
  commit: CommitRecord,
  keep: (datum: {
    readonly output: string | null;
    readonly inputs: readonly ResultInput[];
  }) => Promise<boolean>,
): Promise<{
  readonly datums: LineageDatum[];
  readonly omitted: number;
  /** What those datums read, listed or not: paths by the branch they are of. */
  readonly reads: ReadonlyMap<string, ReadonlySet<string>>;
}> {
  const datums: LineageDatum[] = [];
  const reads = new Map<string, Set<string>>();
  let omitted = 0;
  const { repos, pipelines } = context.journal.state;
  const isOutput = commit.pipeline !== null && pipelines.has(commit.repo) && repos.has(commit.repo);
  const job = isOutput ? await findJob(context, commit.repo, commit.id) : undefined;
  for await (const { datum, result, inputs } of job ? listDatums(context, job) : []) {
    if (!result || !(await keep({ output: result.output, inputs }))) {
      continue;
    }
    for (const { project, repo, branch, path } of inputs) {
      const key = branchKey(`${project}/${repo}`, branch);
      const paths = reads.get(key) ?? new Set();
      reads.set(key, paths.add(normalizePath(path)));
    }
    if (datums.length < MAX_DATUMS) {
      const { version, image, secrets } = result;
      const seen = secrets ? { secrets } : {};
      datums.push({ id: datum.id, job: result.job, version, image, ...seen, inputs });
    } else {
      omitted += 1;
    }
  }
  return { datums, omitted, reads };
}

/** Returns whether a path that an input matched has to do with `path`: one is the other, or holds it. */
function touches(matched: string, path: string): boolean {
  const one = normalizePath(matched);
  const holds = (above: string, below: string) => above === '' || below.startsWith(`${above}/`);
  return one === path || holds(one, path) || holds(path, one);
}
