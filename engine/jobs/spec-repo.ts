// The spec repo of a pipeline: one commit per version, with the canonical spec and the author's own text.

import { EngineError } from '../base/errors.ts';
import { branchKey, type PipelineKey, SYSTEM_BRANCH, specRepo } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { commitById } from '../pfs/commit-facts.ts';
import { getCommit } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { writeDirectory } from '../pfs/directory.ts';
import { findFile } from '../pfs/files.ts';
import { type FinishedTree, writeGitCommit } from '../pfs/git-commit.ts';
import { newCommit } from '../pfs/new-commit.ts';
import type { WriteSession } from '../pfs/write-session.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';

const SPEC_FILE = 'spec.json';
const AUTHOR_FILE = 'author.txt';

/** Adds a version of a spec as the next commit of its repo, which must exist; returns that commit's id. */
export function addSpecCommit(
  change: Change,
  version: {
    readonly key: PipelineKey;
    readonly spec: PipelineSpec;
    /** As its author wrote it. */
    readonly text: string;
    readonly version: number;
  },
): string {
  const { state, time, set: id } = change;
  const repo = specRepo(version.key);
  const branch = state.branches.get(branchKey(repo, SYSTEM_BRANCH));
  const parent = branch?.head ? commitById(change, repo, branch.head) : undefined;
  const record = newCommit({
    repo,
    id,
    branch: SYSTEM_BRANCH,
    time,
    origin: 'user',
    by: change.asker.actor,
    description: `version ${version.version}`,
    parents: parent ? [parent] : [],
  });
  const written = change.store<FinishedTree>(`spec ${repo} ${version.version} ${parent?.git}`, {
    repos: [repo],
    // A version after one that is only to be stored would need that one's id: it is refused before (see `putPipeline`).
    isApart: parent?.git !== '',
    standIn: { tree: null, git: '', size: 0, files: 0 },
    write: async (session) =>
      await writeGitCommit(session, record, {
        tree: await writeSpec(session, version),
        parent: parent?.git ?? null,
        time,
        description: record.description,
      }),
  });
  change.add(
    { kind: 'commit.started', commit: record },
    { kind: 'commit.finished', repo, commit: id, time, ...written, error: null },
    {
      kind: 'branch.put',
      branch: {
        repo,
        name: SYSTEM_BRANCH,
        head: id,
        provenance: [],
        created: branch?.created ?? time,
      },
    },
  );
  return id;
}

async function writeSpec(
  session: WriteSession,
  version: { readonly spec: PipelineSpec; readonly text: string },
): Promise<string | null> {
  const spec = Buffer.from(`${JSON.stringify(version.spec, null, 2)}\n`);
  return await writeDirectory(
    session,
    {
      entries: [
        { name: AUTHOR_FILE, mode: '100644', id: await session.blob(Buffer.from(version.text)) },
        { name: SPEC_FILE, mode: '100644', id: await session.blob(spec) },
      ],
      large: new Set(),
    },
    { isRoot: true },
  );
}

/** Reads the spec of a version by its commit in the spec repo: canonical, and as its author wrote it. */
export async function readSpecCommit(
  context: PfsContext,
  pipeline: PipelineKey,
  commit: string,
): Promise<{ readonly spec: PipelineSpec; readonly text: string }> {
  const repo = specRepo(pipeline);
  const { tree } = await getCommit(context, repo, commit);
  const read = async (name: string) => {
    const file = await findFile(context.objects, tree, name);
    if (file === undefined) {
      throw new EngineError('corrupt', `Cannot read ${name} in ${repo}@${commit}: it is not there`);
    }
    return (await context.objects.readBlob(file.id)).toString();
  };
  const [spec, text] = [await read(SPEC_FILE), await read(AUTHOR_FILE)];
  return { spec: JSON.parse(spec) as PipelineSpec, text };
}
