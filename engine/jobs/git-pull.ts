// Taking what is new on a Git server into the repo of an input: each commit there is one here, in their order. Which was
// taken stands in the journal, with the commit that it made: none is lost, and none is made twice, whoever looks.

import { join } from 'node:path';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { IncomingPack } from '../git/incoming-pack.ts';
import { RemoteRepository } from '../git/remote.ts';
import { newCommits, type RemoteCommit } from '../git/remote-history.ts';
import type { GitRecord } from '../journal/git-records.ts';
import type { PipelineKey, PipelineRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { makeChange } from '../pfs/change.ts';
import type { PfsContext } from '../pfs/context.ts';
import { applyEdits } from '../pfs/edits.ts';
import { stageFiles } from '../pfs/staging.ts';
import type { WriteSession } from '../pfs/write-session.ts';
import { gitInputs } from '../pipeline/input-tree.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { gitFiles, Omissions } from './git-files.ts';
import { addMadeCommit } from './made-commit.ts';
import { makerProblem } from './pipeline-maker.ts';

export interface PullOptions {
  readonly context: PfsContext;
  readonly secrets: Secrets;
  /** A folder for packs on their way. */
  readonly scratch: string;
}

export interface Followed {
  readonly pipeline: PipelineKey;
  readonly input: string;
}

/** Returns how an input follows its server; undefined once it does not any more. */
export function followedNow(
  state: State,
  { pipeline: key, input }: Followed,
): { readonly pipeline: PipelineRecord; readonly git: GitRecord } | undefined {
  const pipeline = state.pipelines.get(key);
  const git = pipeline?.gits?.find((one) => one.input === input);
  return pipeline && git && !pipeline.stopped ? { pipeline, git } : undefined;
}

/**
 * Looks at the server, and takes what is new. Rejects with what keeps it from that: `unavailable`, `failed_precondition`,
 * `not_found` where the branch is not there, `permission_denied` where its maker may not read the secret, `invalid` where a file can't be stored here.
 */
export async function pull(
  options: PullOptions,
  followed: Followed,
  signal: AbortSignal,
): Promise<{ readonly head: string | undefined }> {
  const { context, scratch } = options;
  const now = followedNow(context.journal.state, followed);
  if (now === undefined) {
    return { head: undefined };
  }
  const { git } = now;
  const remote = remoteOf(options, now, signal);
  const head = await remote.head(git.branch ?? undefined);
  if (head === undefined || head === git.taken) {
    return { head };
  }
  const pack = await remote.fetch(head, {
    path: join(scratch, `pull-${context.ids.next()}`),
    ...(git.taken === null ? {} : { since: git.takenTime }),
  });
  try {
    const { commits, goesOn } = await newCommits(pack, { head, last: git.taken ?? undefined });
    let last = git.taken;
    for (const [index, commit] of commits.entries()) {
      signal.throwIfAborted();
      try {
        await take(context, { followed, git, pack, commit, last, goesOn });
        last = commit.id;
      } catch (error) {
        // The newest is waited for; one that others have followed upon is passed over.
        if (!isEngineError(error, 'invalid') || index === commits.length - 1) {
          throw error;
        }
      }
    }
  } finally {
    await pack.close();
  }
  return { head };
}

interface Taking {
  readonly followed: Followed;
  readonly git: GitRecord;
  readonly pack: IncomingPack;
  readonly commit: RemoteCommit;
  /** The commit of the server that must have been taken before. */
  readonly last: string | null;
  readonly goesOn: boolean;
}

async function take(context: PfsContext, taking: Taking): Promise<void> {
  const { followed, git, pack, commit, last, goesOn } = taking;
  await makeChange(context, { actor: 'engine' }, (change) => {
    const now = followedNow(change.state, followed)?.git;
    const isSame = now?.url === git.url && now.branch === git.branch && now.repo === git.repo;
    if (!isSame || now.taken !== last) {
      // Another engine was faster, or somebody changed the pipeline.
      return null;
    }
    const { pipeline, input } = followed;
    const [taken, takenTime] = [commit.id, commit.time];
    change.add({ kind: 'pipeline.pulled', pipeline, input, taken, takenTime });
    addMadeCommit(change, {
      repo: git.repo,
      key: `pull ${commit.id}`,
      write: async (session) => {
        const { tree, omissions } = await storeFiles(session, { pack, tree: commit.tree });
        return { tree, description: describe(commit, { url: git.url, goesOn, omissions }) };
      },
    });
    return null;
  });
}

async function storeFiles(
  session: WriteSession,
  from: { readonly pack: IncomingPack; readonly tree: string },
): Promise<{ readonly tree: string | null; readonly omissions: Omissions }> {
  const stage = async (withLinks: boolean) => {
    const omissions = new Omissions();
    const files = gitFiles(from.pack, { tree: from.tree, omissions, withLinks });
    const edits = await stageFiles(session, files, { append: false, symlinks: 'follow' });
    return { edits, omissions };
  };
  // Links that each lead somewhere may still go round in a circle through directories.
  const { edits, omissions } = await stage(true).catch((error: unknown) => {
    if (isEngineError(error, 'invalid') && /link/.test(error.message)) {
      return stage(false);
    }
    throw error;
  });
  return { tree: await applyEdits(session, null, edits), omissions };
}

function describe(
  commit: RemoteCommit,
  more: { readonly url: string; readonly goesOn: boolean; readonly omissions: Omissions },
): string {
  const { id, subject, author, time } = commit;
  const date = new Date(time * 1000).toISOString().replace('.000Z', 'Z');
  return [
    subject === '' ? `commit ${id}` : subject,
    '',
    `Git commit ${id} of ${more.url}, by ${author} at ${date}`,
    ...(more.goesOn ? [] : ['the branch does not go on from the commit before: it was moved']),
    ...more.omissions.text,
  ].join('\n');
}

function remoteOf(
  { secrets, context }: PullOptions,
  { pipeline, git }: { readonly pipeline: PipelineRecord; readonly git: GitRecord },
  signal: AbortSignal,
): RemoteRepository {
  const spec = pipeline.spec as unknown as PipelineSpec;
  const secret = gitInputs(spec.input).find(({ name }) => name === git.input)?.secret?.name;
  if (secret === undefined) {
    return new RemoteRepository({ url: git.url, signal });
  }
  const problem = makerProblem(context.journal.state, pipeline);
  if (problem !== undefined) {
    throw new EngineError('permission_denied', `Cannot read ${git.url}: ${problem}`);
  }
  const { values } = secrets.open(secret);
  const text = (key: string) => values.get(key)?.toString('utf8').trim();
  const token = text('token');
  const username = text('username') ?? 'git';
  const password = text('password') ?? token ?? secrets.value(secret, 'password').toString();
  return new RemoteRepository({ url: git.url, login: { username, password }, signal });
}
