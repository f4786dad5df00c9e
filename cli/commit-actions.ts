// What commands on commits do that takes more than a request.

import { type RefParams, refParams } from '../client/params.ts';
import type { RevertCommit } from '../engine/server/wire-versions.ts';
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

/** Returns how the API's paths name what a ref names. */
export function commitParams({ repo, ref }: CommitRef): RefParams {
  return refParams(repo, ref);
}

/** Returns the set that the words name by its id or by a commit of it. */
export async function setOf(context: Context, words: readonly string[]): Promise<string> {
  const [id = ''] = words;
  if (isCommitId(id) && words.length === 1) {
    return id;
  }
  const ref = parseCommitWords(words, { project: context.project });
  return (
    await context.client.call('GET /repos/{project}/{repo}/commits/{ref}', {
      params: commitParams(ref),
    })
  ).id;
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
  const result = await context.change('POST /repos/{project}/{repo}/commits/{ref}/revert', {
    params: commitParams(ref),
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
  const asked = { params: { id }, query: { recursive: args.flag('recursive') } };
  const removed = await (how === 'delete'
    ? context.change('DELETE /commit-sets/{id}', asked)
    : context.change('POST /commit-sets/{id}/squash', asked));
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
  const found = context.client.lines('GET /repos/{project}/{repo}/files/{ref}/commits', {
    params: commitParams(ref),
    query: { path: wantPath(ref), limit: args.number('limit') },
  });
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
