// What commands on commits do that takes more than a request.

import type { Commit } from '../engine/server/wire.ts';
import type {
  FoundCommit,
  MergeResult,
  RemovedSet,
  RevertCommit,
} from '../engine/server/wire-versions.ts';
import { path } from './client.ts';
import type { Command } from './command.ts';
import type { Context } from './context.ts';
import { formatSize, formatTime } from './format.ts';
import { printMerge } from './merge-result.ts';
import {
  type CommitRef,
  isCommitId,
  parseCommitWords,
  refWithin,
  showName,
  wantPath,
} from './refs.ts';

/** Returns the route of one commit. */
export function commitPath({ repo, ref }: CommitRef): string {
  return path`/repos/${repo.project}/${repo.name}/commits/${ref}`;
}

/** Returns the set that the words name by its id or by a commit of it. */
export async function setOf(context: Context, words: readonly string[]): Promise<string> {
  const [id = ''] = words;
  if (isCommitId(id) && words.length === 1) {
    return id;
  }
  const ref = parseCommitWords(words, { project: context.project });
  return (await context.client.get<Commit>(commitPath(ref))).id;
}

/** Makes a commit that takes another one back. */
export async function revertCommit(
  context: Context,
  args: Parameters<Command['run']>[1],
): Promise<void> {
  const ref = parseCommitWords(args.positionals, { project: context.project });
  const branch = args.string('branch');
  const description = args.string('message');
  const body: RevertCommit = {
    ...(branch === undefined ? {} : { branch: refWithin(branch, ref.repo) }),
    ...(description === undefined ? {} : { description }),
  };
  const result = await context.change<MergeResult>('POST', `${commitPath(ref)}/revert`, {
    body,
  });
  await printMerge(context, result, {
    ours: 'since',
    theirs: 'taking back',
    hint: 'put the right files there, or revert the later commits first',
  });
}

/** Drops or squashes a commit set and prints what went. */
export async function removeSet(
  context: Context,
  args: Parameters<Command['run']>[1],
  how: 'delete' | 'squash',
): Promise<void> {
  const { output } = context;
  const id = await setOf(context, args.positionals);
  const route = path`/commit-sets/${id}`;
  const options = args.flag('recursive') ? { query: { recursive: true } } : {};
  const removed = await (how === 'delete'
    ? context.change<RemovedSet>('DELETE', route, options)
    : context.change<RemovedSet>('POST', `${route}/squash`, options));
  if (output.raw) {
    await output.json(removed);
    return;
  }
  for (const { repo, commit } of removed.commits) {
    await output.line(`${showName(repo)}@${commit}`);
  }
}

const CHANGES = { added: '+', changed: 'M', removed: '-' } as const;

/** Lists the commits that changed a path. */
export async function findCommit(
  context: Context,
  args: Parameters<Command['run']>[1],
): Promise<void> {
  const ref = parseCommitWords(args.positionals, { project: context.project, path: true });
  const { repo } = ref;
  const found = context.client.lines<FoundCommit>(
    path`/repos/${repo.project}/${repo.name}/files/${ref.ref}/commits`,
    { path: wantPath(ref), limit: args.number('limit') },
  );
  if (args.flag('json') && !context.output.raw) {
    for await (const one of found) {
      await context.output.json(one);
    }
    return;
  }
  const { times } = context.output;
  await context.output.table(found, {
    live: true,
    heading: ['CHANGE', 'COMMIT', 'FINISHED', 'SIZE', 'DESCRIPTION'],
    row: ({ kind, commit, file }) => [
      CHANGES[kind],
      commit.id,
      formatTime(commit.finished, times),
      file === null ? '-' : formatSize(file.size),
      commit.description,
    ],
  });
}
