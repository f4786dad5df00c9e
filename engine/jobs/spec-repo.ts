// The spec repo of a pipeline: one commit per version, with the canonical spec and the author's own text.

import { EngineError } from '../base/errors.ts';
import type { Operation } from '../journal/operations.ts';
import {
  branchKey,
  type CommitRecord,
  type PipelineKey,
  SYSTEM_BRANCH,
  specRepo,
} from '../journal/records.ts';
import { getCommit } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { writeDirectory } from '../pfs/directory.ts';
import { findFile } from '../pfs/files.ts';
import { writeGitCommit } from '../pfs/git-commit.ts';
import type { WriteSession } from '../pfs/write-session.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';

const SPEC_FILE = 'spec.json';
const AUTHOR_FILE = 'author.txt';

/** A commit of the spec repo, and the operations that make it once the repo exists. */
export interface SpecCommit {
  readonly record: CommitRecord;
  readonly operations: readonly Operation[];
}

/** Writes a version of a spec into `session` as the next commit of its repo. */
export async function prepareSpecCommit(
  context: PfsContext,
  session: WriteSession,
  version: {
    readonly key: PipelineKey;
    readonly spec: PipelineSpec;
    readonly text: string;
    readonly version: number;
  },
): Promise<SpecCommit> {
  const repo = specRepo(version.key);
  const head = context.journal.state.branches.get(branchKey(repo, SYSTEM_BRANCH));
  const parent = head?.head ? await getCommit(context, repo, head.head) : undefined;
  const time = context.clock.now();
  const tree = await writeDirectory(
    session,
    {
      entries: [
        { name: AUTHOR_FILE, mode: '100644', id: await session.blob(Buffer.from(version.text)) },
        {
          name: SPEC_FILE,
          mode: '100644',
          id: await session.blob(Buffer.from(`${JSON.stringify(version.spec, null, 2)}\n`)),
        },
      ],
      large: new Set(),
    },
    { isRoot: true },
  );
  const record: CommitRecord = {
    repo,
    id: context.ids.next(),
    branch: SYSTEM_BRANCH,
    parent: parent?.id ?? null,
    depth: (parent?.depth ?? -1) + 1,
    origin: 'user',
    description: `version ${version.version}`,
    started: time,
    finished: null,
    error: null,
    provenance: [],
    tree: null,
    git: null,
    size: 0,
    files: 0,
    edits: [],
    pipeline: null,
    image: null,
  };
  const written = await writeGitCommit(session, record, {
    tree,
    parent: parent?.git ?? null,
    time,
    description: record.description,
  });
  const branch = {
    repo,
    name: SYSTEM_BRANCH,
    head: record.id,
    provenance: [],
    created: head?.created ?? time,
  };
  return {
    record,
    operations: [
      { kind: 'commit.started', commit: record },
      { kind: 'commit.finished', repo, commit: record.id, time, ...written, error: null },
      { kind: 'branch.put', branch },
    ],
  };
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
