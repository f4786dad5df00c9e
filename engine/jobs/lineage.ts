// Where something came from, and what came of it: commits, and the datums between them.

import type { CommitRecord, ImageRecord, RepoKey } from '../journal/records.ts';
import { listCommits } from '../pfs/commit-list.ts';
import { findCommit } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { findFile } from '../pfs/files.ts';
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
  readonly inputs: readonly ResultInput[];
}

export interface Lineage {
  readonly commit: CommitRecord;
  /** Without a leading slash; null for a whole commit. */
  readonly path: string | null;
  readonly datums: readonly LineageDatum[];
  /** Datums beyond those listed. */
  readonly omitted: number;
  readonly next: readonly Lineage[];
}

const MAX_DATUMS = 100;

/** Returns what a commit, or a path in it, was made from, back to the commits that users made. */
export async function lineageUp(
  context: PfsContext,
  commit: CommitRecord,
  path: string | null,
): Promise<Lineage> {
  const { datums, omitted } = await datumsOf(context, commit, async ({ output }) => {
    return path === null || (await findFile(context.objects, output, path)) !== undefined;
  });
  const next: Lineage[] = [];
  for (const link of commit.provenance) {
    if (link.repo.endsWith('.spec')) {
      continue;
    }
    const read = datums
      .flatMap((datum) => datum.inputs)
      .filter(
        (input) => `${input.project}/${input.repo}` === link.repo && input.branch === link.branch,
      );
    // A datum of a union reads only some of the inputs: the others did not take part in this path.
    if (path !== null && datums.length > 0 && read.length === 0) {
      continue;
    }
    const paths = new Set(read.map((input) => normalizePath(input.path)));
    const [only] = paths;
    const source = context.journal.state.repos.has(link.repo)
      ? await findCommit(context, link.repo, link.commit)
      : undefined;
    if (source) {
      next.push(await lineageUp(context, source, paths.size === 1 && only ? only : null));
    }
  }
  return { commit, path, datums, omitted, next };
}

/** Returns what was made from a commit, or from a path in it, down to what nothing was made from. */
export async function lineageDown(
  context: PfsContext,
  commit: CommitRecord,
  path: string | null,
): Promise<Lineage> {
  const next: Lineage[] = [];
  for (const repo of readers(context, commit.repo)) {
    for await (const candidate of listCommits(context, repo)) {
      const link = candidate.provenance.find(
        (one) => one.repo === commit.repo && one.commit === commit.id,
      );
      if (link === undefined) {
        continue;
      }
      const { datums, omitted } = await datumsOf(context, candidate, ({ inputs }) =>
        Promise.resolve(
          path === null ||
            inputs.some(
              (input) =>
                `${input.project}/${input.repo}` === commit.repo && covers(input.path, path),
            ),
        ),
      );
      if (path === null || datums.length > 0) {
        const below = await lineageDown(context, candidate, null);
        next.push({ ...below, datums, omitted });
      }
    }
  }
  return { commit, path, datums: [], omitted: 0, next };
}

/** Returns the repos, but for those of results, with a branch that has one of `repo` as provenance. */
function readers(context: PfsContext, repo: RepoKey): RepoKey[] {
  const { branches } = context.journal.state;
  const found = new Set<RepoKey>();
  for (const key of branches.keysBy('source', 'downstream')) {
    const branch = branches.get(key);
    if (
      branch &&
      !branch.repo.endsWith('.meta') &&
      branch.provenance.some((source) => source.repo === repo)
    ) {
      found.add(branch.repo);
    }
  }
  return [...found];
}

async function datumsOf(
  context: PfsContext,
  commit: CommitRecord,
  keep: (datum: {
    readonly output: string | null;
    readonly inputs: readonly ResultInput[];
  }) => Promise<boolean>,
): Promise<{ readonly datums: LineageDatum[]; readonly omitted: number }> {
  const datums: LineageDatum[] = [];
  let omitted = 0;
  const { repos, pipelines } = context.journal.state;
  if (commit.pipeline === null || !pipelines.has(commit.repo) || !repos.has(commit.repo)) {
    return { datums, omitted };
  }
  const job = await findJob(context, commit.repo, commit.id);
  for await (const { datum, result, inputs } of job ? listDatums(context, job) : []) {
    if (result && (await keep({ output: result.output, inputs }))) {
      if (datums.length < MAX_DATUMS) {
        const { version, image } = result;
        datums.push({ id: datum.id, job: result.job, version, image, inputs });
      } else {
        omitted += 1;
      }
    }
  }
  return { datums, omitted };
}

/** Returns whether an input that matched `glob` path holds `path`: it is the same, or a directory above it. */
function covers(matched: string, path: string): boolean {
  const above = normalizePath(matched);
  return above === '' || above === path || path.startsWith(`${above}/`);
}
