// `get file`: to standard output, to one file, or into a folder.

import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type RefParams, refParams } from '../client/params.ts';
import type { QueryOf } from '../engine/server/operations/types.ts';
import { PieceMemory } from './answer-memory.ts';
import type { ParsedArguments } from './arguments.ts';
import { usageError } from './cli-error.ts';
import type { Context } from './context.ts';
import { resumeFile, writeFile } from './file-writer.ts';
import { writeFolder } from './folder-writer.ts';
import { isGlob } from './glob.ts';
import { startProgress } from './progress.ts';
import { parseCommitWords } from './refs.ts';
import { readOn } from './resume.ts';
import { isS3 } from './s3-place.ts';

/** Runs `get file`. */
export async function getFile(context: Context, args: ParsedArguments): Promise<void> {
  const ref = parseCommitWords(args.positionals, { project: context.project, path: true });
  const params = refParams(ref.repo, ref.ref);
  const output = args.string('output');
  const offset = offsetOf(args);
  const archive = args.string('archive');
  if (archive !== undefined) {
    await getArchive(context, args, { params, path: ref.path ?? '/', format: archive });
    return;
  }
  if (output !== undefined && isS3(output)) {
    const { getToS3 } = await import('./s3-download.ts');
    const recursive = args.flag('recursive');
    if (offset > 0 || args.flag('retry') || (ref.path === undefined && !recursive)) {
      throw usageError(
        'Say which file goes into the bucket, or -r for everything, without --offset and --retry: what is there already is not sent again',
      );
    }
    await getToS3(context, { ref, path: ref.path ?? '/', recursive, destination: output });
    return;
  }
  if (args.flag('recursive')) {
    await getFolder(context, { params, path: ref.path ?? '/', folder: output ?? '.' });
    return;
  }
  if (ref.path === undefined) {
    throw usageError(
      `Say which file to get, as in ${ref.repo.name}@${ref.ref}:/name; or add -r for everything`,
    );
  }
  if (output === undefined || output === '-') {
    const memory = new PieceMemory();
    const from = { params, path: ref.path, from: offset, memory };
    for await (const chunk of readOn(context.client, from)) {
      await context.output.write(chunk);
      memory.giveBack(chunk);
    }
    return;
  }
  await getOne(context, { params, path: ref.path, output, offset, keep: args.flag('retry') });
}

async function getArchive(
  context: Context,
  args: ParsedArguments,
  { params, path: from, format }: { params: RefParams; path: string; format: string },
): Promise<void> {
  const output = args.string('output') ?? '-';
  if (args.flag('recursive') || args.flag('retry') || args.number('offset') || isS3(output)) {
    throw usageError(
      '--archive makes one file or goes to standard output: leave out -r, --offset and --retry, and name no bucket',
    );
  }
  const source = await context.client.bytes('GET /repos/{project}/{repo}/files/{ref}', {
    params,
    // The engine says what is no format.
    query: {
      path: from,
      format: format as QueryOf<'GET /repos/{project}/{repo}/files/{ref}'>['format'],
    },
  });
  if (output === '-') {
    for await (const chunk of source) {
      await context.output.write(chunk);
    }
    return;
  }
  if (isFolder(output)) {
    throw usageError(`Cannot write the archive to "${output}": it is a folder; name a file`);
  }
  await writeFile(output, { source, executable: false });
}

function offsetOf(args: ParsedArguments): number {
  const offset = args.number('offset') ?? 0;
  const toFile = (args.string('output') ?? '-') !== '-';
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw usageError(`--offset ${offset} is no number of bytes`);
  }
  if (args.flag('recursive') && (offset > 0 || args.flag('retry'))) {
    throw usageError('--offset and --retry are for one file; leave out -r');
  }
  if (args.flag('retry') && (!toFile || offset > 0)) {
    throw usageError('--retry goes on writing a file: name it with -o, and leave out --offset');
  }
  return offset;
}

async function getOne(
  context: Context,
  options: {
    readonly params: RefParams;
    readonly path: string;
    readonly output: string;
    readonly offset: number;
    readonly keep: boolean;
  },
): Promise<void> {
  const { params, path: from, output, offset, keep } = options;
  const { client } = context;
  const status = isGlob(from)
    ? undefined
    : await client.call('GET /repos/{project}/{repo}/files/{ref}/inspect', {
        params,
        query: { path: from },
      });
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
  if (keep && !status) {
    throw usageError(`Cannot go on with "${from}": --retry is for one file, not for a pattern`);
  }
  const progress = await startProgress(context.output, {
    label: 'Getting',
    bytes: true,
    total: status && status.size - offset,
  });
  const memory = new PieceMemory();
  const read = (at: number) =>
    readOn(client, { params, path: from, from: at, id: status?.id, memory });
  const executable = status?.executable ?? false;
  const onProgress = (bytes: number) => progress.update(bytes, '');
  const onWritten = (chunk: Uint8Array) => memory.giveBack(chunk);
  try {
    await (keep && status
      ? resumeFile(file, {
          id: status.id,
          size: status.size,
          read,
          executable,
          onProgress,
          onWritten,
        })
      : writeFile(file, { source: read(offset), executable, onProgress, onWritten }));
  } finally {
    progress.stop();
  }
}

async function getFolder(
  context: Context,
  { params, path: from, folder }: { params: RefParams; path: string; folder: string },
): Promise<void> {
  const { client, output, signal } = context;
  const watched = output.stderr.isTTY && !output.raw && !isGlob(from);
  const status = watched
    ? await client.call('GET /repos/{project}/{repo}/files/{ref}/inspect', {
        params,
        query: { path: from },
      })
    : undefined;
  const progress = await startProgress(output, {
    label: 'Getting',
    bytes: true,
    total: status?.size,
  });
  try {
    const written = await writeFolder(folder, {
      source: await client.bytes('GET /repos/{project}/{repo}/files/{ref}/frames', {
        params,
        query: { path: from },
      }),
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
