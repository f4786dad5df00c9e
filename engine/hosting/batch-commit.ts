// A batch of a spout becomes a commit, and what it says of where to go on becomes the marker, in one transaction.

import { EngineError } from '../base/errors.ts';
import { collectOutput } from '../jobs/outputs.ts';
import { SessionWriter } from '../jobs/session-writer.ts';
import {
  branchKey,
  type CommitRecord,
  type ImageRecord,
  metaRepo,
  type PipelineKey,
  type PipelineRecord,
  type RepoKey,
  SYSTEM_BRANCH,
  specRepo,
} from '../journal/records.ts';
import { type Change, makeChange } from '../pfs/change.ts';
import { commitById, goodCommit } from '../pfs/commit-facts.ts';
import { findCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { applyEdits } from '../pfs/edits.ts';
import { findFile } from '../pfs/files.ts';
import { type FinishedTree, writeGitCommit } from '../pfs/git-commit.ts';
import { shortRepo } from '../pfs/names.ts';
import type { WriteSession } from '../pfs/write-session.ts';
import type { Batch } from './batches.ts';

/** Where the marker lies in the repo of a pipeline's results. */
const MARKER_PATH = 'marker';

/** A file of the store. */
export interface Marker {
  readonly id: string;
  readonly mode: string;
}

export interface BatchCommit {
  readonly batch: Batch;
  readonly pipeline: Pick<PipelineRecord, 'key' | 'id' | 'version' | 'specCommit'>;
  /** The engine that hosts it: nobody else commits its batches. */
  readonly self: string;
  readonly outputBranch: string;
  /** Name of the file that is the marker; undefined where the spout keeps none. */
  readonly marker: string | undefined;
  readonly image: ImageRecord | null;
  /** The id of the request that sends it: sent again, it gets the first answer for as long as the journal remembers that. */
  readonly request?: string | undefined;
}

/** What became of a batch. */
export interface BatchOutcome {
  /** The commit of its files; null where there were none beside the marker. */
  readonly commit: string | null;
  readonly hasMarker: boolean;
}

/** Returns the marker of a spout as it is now. */
export async function readMarker(
  context: PfsContext,
  pipeline: PipelineKey,
): Promise<Marker | undefined> {
  const repo = metaRepo(pipeline);
  const head = context.journal.state.branches.get(branchKey(repo, SYSTEM_BRANCH))?.head ?? null;
  const commit = await lastGood(context, repo, head);
  const file = commit && (await findFile(context.objects, commit.tree, MARKER_PATH));
  return file && { id: file.id, mode: file.mode };
}

/** Returns whether a batch of this id has been committed. */
export async function isCommitted(
  context: PfsContext,
  pipeline: PipelineKey,
  id: string,
): Promise<boolean> {
  const found = await Promise.all(
    [pipeline, metaRepo(pipeline)].map((repo) => findCommit(context, repo, id)),
  );
  return found.some((commit) => commit !== undefined);
}

/**
 * Commits a batch under its id, whole or not at all; one without any file changes nothing. Rejects with `invalid`, and the reason,
 * for what can't be stored, with the system's EACCES where this user may not read it, and with `conflict` once another
 * engine hosts the spout.
 */
export async function commitBatch(
  context: PfsContext,
  options: BatchCommit,
): Promise<BatchOutcome> {
  const { batch, pipeline, self, request } = options;
  return await makeChange(
    context,
    { actor: 'engine', ...(request === undefined ? {} : { id: request }) },
    (change) => {
      const now = change.state.pipelines.get(pipeline.key);
      if (now?.id !== pipeline.id || now.host?.owner !== self) {
        throw new EngineError(
          'conflict',
          `Cannot commit a batch of pipeline "${shortRepo(pipeline.key)}": another engine hosts it, or it is gone`,
        );
      }
      return decide(change, options);
    },
    { set: batch.id },
  );
}

/** What a batch holds, as it was stored. */
interface Written {
  readonly output: FinishedTree | null;
  readonly meta: FinishedTree | null;
}

function decide(change: Change, options: BatchCommit): BatchOutcome {
  const { pipeline, outputBranch, image, batch } = options;
  const output = nextCommit(change, { ...options, repo: pipeline.key, branch: outputBranch });
  const meta = nextCommit(change, {
    ...options,
    repo: metaRepo(pipeline.key),
    branch: SYSTEM_BRANCH,
  });
  const nothing = { tree: null, git: '', size: 0, files: 0 };
  const written = change.store<Written>(`batch ${batch.id} ${output.git} ${meta.git}`, {
    repos: [pipeline.key, meta.commit.repo],
    standIn: { output: nothing, meta: nothing },
    write: (session) => write(session, { ...options, output, meta }),
  });
  const { time } = change;
  for (const [{ commit }, finished] of [
    [output, written.output],
    [meta, written.meta],
  ] as const) {
    if (finished) {
      const { repo, id, branch } = commit;
      change.add(
        { kind: 'commit.started', commit },
        { kind: 'commit.finished', repo, commit: id, time, ...finished, error: null, image },
        { kind: 'branch.moved', repo, branch, head: id },
      );
    }
  }
  if (written.output) {
    change.moved({ repo: pipeline.key, branch: outputBranch });
  }
  return {
    commit: written.output ? output.commit.id : null,
    hasMarker: written.meta !== null,
  };
}

/** The next commit of a branch, and the Git commit that it follows. */
interface Next {
  readonly commit: CommitRecord;
  readonly git: string | null;
}

function nextCommit(
  change: Change,
  options: BatchCommit & { readonly repo: RepoKey; readonly branch: string },
): Next {
  const { pipeline, repo, branch } = options;
  const headId = change.state.branches.get(branchKey(repo, branch))?.head ?? null;
  const head = headId === null ? undefined : commitById(change, repo, headId);
  const base = goodCommit(change, repo, headId);
  const source = { repo: specRepo(pipeline.key), branch: SYSTEM_BRANCH };
  const commit: CommitRecord = {
    repo,
    id: change.set,
    branch,
    parent: headId,
    depth: (head?.depth ?? -1) + 1,
    origin: 'auto',
    description: '',
    started: change.time,
    finished: null,
    error: null,
    provenance: [{ ...source, commit: pipeline.specCommit }],
    tree: base?.tree ?? null,
    git: null,
    size: 0,
    files: 0,
    edits: [],
    pipeline: { name: pipeline.key, version: pipeline.version },
    image: null,
  };
  return { commit, git: base?.git ?? null };
}

async function write(
  session: WriteSession,
  options: BatchCommit & { readonly output: Next; readonly meta: Next },
): Promise<Written> {
  const { batch, marker: name, output, meta, image } = options;
  const collected = await collectOutput({
    directory: batch.directory,
    writer: new SessionWriter(session),
    inputs: { kind: 'partial', children: new Map() },
  });
  const marker = name === undefined ? undefined : await findFile(session, collected.tree, name);
  const data =
    marker && name !== undefined
      ? await applyEdits(session, collected.tree, [{ kind: 'delete', path: name }])
      : collected.tree;
  const finish = async ({ commit, git: parent }: Next, tree: string | null) =>
    await writeGitCommit(session, commit, {
      tree,
      parent,
      time: commit.started,
      description: '',
      image,
    });
  return {
    output:
      data === null
        ? null
        : await finish(
            output,
            await applyEdits(session, output.commit.tree, [{ kind: 'overlay', tree: data }]),
          ),
    meta: marker
      ? await finish(
          meta,
          await applyEdits(session, meta.commit.tree, [
            { kind: 'set', path: MARKER_PATH, entry: { id: marker.id, mode: marker.mode } },
          ]),
        )
      : null,
  };
}
