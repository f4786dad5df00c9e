// `diff file`: as lists, or line by line for text.

import { refParams } from '../client/params.ts';
import type { File, FileChange } from '../engine/server/wire.ts';
import type { ParsedArguments } from './arguments.ts';
import { CliError } from './cli-error.ts';
import type { Context } from './context.ts';
import { formatSize } from './format.ts';
import { type CommitRef, parseCommitWords, splitPairs } from './refs.ts';
import { unifiedDiff } from './unified-diff.ts';

const OPERATIONS = { added: '+', removed: '-', changed: 'M' } as const;

/** Runs `diff file`. */
export async function diffFile(context: Context, args: ParsedArguments): Promise<void> {
  const words = args.positionals;
  const isPair = words.length > 1 && (words[0]?.includes('@') || words.length > 3);
  const [now, old] = isPair
    ? splitPairs(words, context.project)
    : [parseCommitWords(words, { project: context.project, path: true }), undefined];
  const { output } = context;
  const shallow = args.flag('shallow');
  let count = 0;
  const counted = async function* (items: AsyncIterable<FileChange>) {
    for await (const change of items) {
      count += 1;
      yield change;
    }
  };
  if (output.raw || shallow || args.flag('stat') || args.flag('name-only')) {
    const changes = counted(changesOf(context, { now, old, shallow }));
    await printList(context, changes, args.flag('name-only'));
  } else {
    // By id, so that what is fetched is what was compared, wherever the branches are by then.
    const [newer, older] = await pin(context, now, old);
    for await (const change of counted(changesOf(context, { now: newer, old: older, shallow }))) {
      const text = await unifiedDiff(change, {
        readOld: (file) => read(context, older ?? newer, file),
        readNew: (file) => read(context, newer, file),
      });
      await output.write(output.paintDiff(text));
    }
  }
  if (count > 0 && args.flag('exit-code')) {
    throw new CliError('differs', '');
  }
}

async function printList(
  context: Context,
  changes: AsyncIterable<FileChange>,
  isNameOnly: boolean,
): Promise<void> {
  const { output } = context;
  if (isNameOnly && !output.raw) {
    for await (const change of changes) {
      await output.line(change.path);
    }
    return;
  }
  await output.table(changes, {
    heading: ['OP', 'SIZE', 'NAME'],
    row: (change) => [
      OPERATIONS[change.kind],
      formatSize((change.new ?? change.old)?.size ?? 0),
      (change.new ?? change.old)?.path ?? change.path,
    ],
  });
}

function changesOf(
  context: Context,
  sides: {
    readonly now: CommitRef;
    readonly old: CommitRef | undefined;
    readonly shallow: boolean;
  },
): AsyncIterable<FileChange> {
  const { now, old, shallow } = sides;
  const { repo, ref } = now;
  return context.client.items('GET /repos/{project}/{repo}/files/{ref}/diff', {
    params: refParams(repo, ref),
    query: {
      path: now.path ?? '/',
      old: old && `${old.repo.project}/${old.repo.name}@${old.ref}:${old.path ?? '/'}`,
      shallow,
    },
  });
}

/** Returns both sides with commit ids as refs; the older one, where none is named, is the last good ancestor. */
async function pin(
  context: Context,
  now: CommitRef,
  old: CommitRef | undefined,
): Promise<readonly [CommitRef, CommitRef | undefined]> {
  const commitOf = async ({ repo, ref }: CommitRef) =>
    await context.client.call('GET /repos/{project}/{repo}/commits/{ref}', {
      params: refParams(repo, ref),
    });
  const commit = await commitOf(now);
  const newer = { ...now, ref: commit.id };
  if (old) {
    return [newer, { ...old, ref: (await commitOf(old)).id }];
  }
  for (let { parent } = commit; parent !== null; ) {
    const before = await commitOf({ ...now, ref: parent });
    if (before.state === 'finished') {
      return [newer, { ...now, ref: before.id }];
    }
    ({ parent } = before);
  }
  return [newer, undefined];
}

async function read(context: Context, { repo, ref }: CommitRef, file: File): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const bytes = await context.client.bytes('GET /repos/{project}/{repo}/files/{ref}/content', {
    params: refParams(repo, ref),
    query: { path: file.path, link: file.type === 'link' },
  });
  for await (const chunk of bytes) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
