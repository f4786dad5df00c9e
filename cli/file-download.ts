// `get file`: to standard output, to one file, or into a folder.

import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { File } from '../engine/server/wire.ts';
import type { ParsedArguments } from './arguments.ts';
import { usageError } from './cli-error.ts';
import { path } from './client.ts';
import type { Context } from './context.ts';
import { writeFile } from './file-writer.ts';
import { writeFolder } from './folder-writer.ts';
import { startProgress } from './progress.ts';
import { parseCommitWords } from './refs.ts';

/** Runs `get file`. */
export async function getFile(context: Context, args: ParsedArguments): Promise<void> {
  const ref = parseCommitWords(args.positionals, { project: context.project, path: true });
  const route = path`/repos/${ref.repo.project}/${ref.repo.name}/files/${ref.ref}`;
  const output = args.string('output');
  if (args.flag('recursive')) {
    await getFolder(context, { route, path: ref.path ?? '/', folder: output ?? '.' });
    return;
  }
  if (ref.path === undefined) {
    throw usageError(
      `Say which file to get, as in ${ref.repo.name}@${ref.ref}:/name; or add -r for everything`,
    );
  }
  if (output === undefined || output === '-') {
    for await (const chunk of await context.client.bytes(`${route}/content`, { path: ref.path })) {
      await context.output.write(chunk);
    }
    return;
  }
  await getOne(context, { route, path: ref.path, output });
}

/** Returns whether a path holds characters of the glob dialect. */
export function isGlob(text: string): boolean {
  return /[*?[\]{}!]|[@+]\(/.test(text);
}

async function getOne(
  context: Context,
  { route, path: from, output }: { route: string; path: string; output: string },
): Promise<void> {
  const { client } = context;
  const status = isGlob(from)
    ? undefined
    : await client.get<File>(`${route}/inspect`, { path: from });
  if (status?.type === 'dir') {
    throw usageError(`Cannot get "${from}": it is a directory; add -r to get what is in it`);
  }
  const inFolder = output.endsWith('/') || isFolder(output);
  if (inFolder && !status) {
    throw usageError(
      `Cannot get "${from}" into the folder "${output}": add -r to get each match under its own name`,
    );
  }
  const file = inFolder ? join(output, basename(from)) : output;
  const progress = await startProgress(context.output, {
    label: 'Getting',
    bytes: true,
    total: status?.size,
  });
  try {
    await writeFile(file, {
      source: await client.bytes(`${route}/content`, { path: from }),
      executable: status?.executable ?? false,
      onProgress: (bytes) => progress.update(bytes, ''),
    });
  } finally {
    progress.stop();
  }
}

async function getFolder(
  context: Context,
  { route, path: from, folder }: { route: string; path: string; folder: string },
): Promise<void> {
  const { client, output, signal } = context;
  const watched = output.stderr.isTTY && !output.raw && !isGlob(from);
  const status = watched ? await client.get<File>(`${route}/inspect`, { path: from }) : undefined;
  const progress = await startProgress(output, {
    label: 'Getting',
    bytes: true,
    total: status?.size,
  });
  try {
    const written = await writeFolder(folder, {
      source: await client.bytes(`${route}/frames`, { path: from }),
      signal,
      onProgress: ({ files, bytes }) => progress.update(bytes, `in ${files} files`),
    });
    if (output.raw) {
      await output.json({ folder, ...written });
    }
  } finally {
    progress.stop();
  }
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
