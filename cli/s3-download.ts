// `get file -o s3://…`: files of a commit as objects of a bucket. Each object appears whole or not at all, and what is there
// already is not sent again: a run that broke off is started again.

import { type RefParams, refParams } from '../client/params.ts';
import type { S3Files } from '../engine/object/s3-files.ts';
import type { File } from '../engine/server/wire.ts';
import { CliError, usageError } from './cli-error.ts';
import type { Context } from './context.ts';
import { isGlob } from './glob.ts';
import { startProgress } from './progress.ts';
import { type CommitRef, showName } from './refs.ts';
import { readOn } from './resume.ts';
import { openS3, parseS3, s3Failure } from './s3-place.ts';

/** Files that are sent at once. */
const AT_ONCE = 16;
/** Of larger ones no more than this is on its way at once; each is sent in several parts by itself. */
const LARGE_BYTES = 8 * 1024 * 1024;

/** Puts the file at `ref.path`, or with `recursive` the files below it or that it matches, to `destination`. */
export async function getToS3(
  context: Context,
  options: {
    readonly ref: CommitRef;
    readonly path: string;
    readonly recursive: boolean;
    readonly destination: string;
  },
): Promise<void> {
  const { ref, recursive, destination } = options;
  const { client, output, signal, env } = context;
  const place = parseS3(destination);
  // One commit for all of it, whatever happens to the branch meanwhile.
  const commit = await client.call('GET /repos/{project}/{repo}/commits/{ref}', {
    params: refParams(ref.repo, ref.ref),
  });
  const params = refParams(ref.repo, commit.id);
  const s3 = await openS3(place, { env, signal });
  const progress = await startProgress(output, { label: 'Putting', bytes: true });
  const done = { files: 0, bytes: 0, skipped: 0 };
  const send = async ({ file, key }: Sending): Promise<void> => {
    if (await isThere(s3, key, file)) {
      done.skipped += 1;
    } else {
      const data = readOn(client, {
        params,
        path: file.path,
        from: 0,
        id: file.id,
      });
      await s3.put(key, { size: file.size, id: file.id, data });
    }
    done.files += 1;
    done.bytes += file.size;
    progress.update(done.bytes, `in ${done.files} files`);
  };
  try {
    const from = { params, path: options.path, name: `${showName(ref.repo)}@${ref.ref}` };
    const files = recursive
      ? below(context, { ...from, prefix: place.key })
      : one(context, { ...from, key: place.key });
    await inParallel(files, send);
  } catch (error) {
    throw s3Failure(error, signal);
  } finally {
    progress.stop();
    s3.close();
  }
  if (output.raw) {
    await output.json({ destination, commit: commit.id, ...done });
  }
}

interface Sending {
  readonly file: File;
  readonly key: string;
}

interface From {
  readonly params: RefParams;
  readonly path: string;
  readonly name: string;
}

async function* one(
  context: Context,
  from: From & { readonly key: string },
): AsyncGenerator<Sending> {
  const file = await context.client.call('GET /repos/{project}/{repo}/files/{ref}/inspect', {
    params: from.params,
    query: { path: from.path },
  });
  if (file.type === 'dir') {
    throw usageError(`Cannot get "${from.path}": it is a directory; add -r to get what is in it`);
  }
  const isFolder = from.key === '' || from.key.endsWith('/');
  const base = file.path.slice(file.path.lastIndexOf('/') + 1);
  yield { file: checked(file), key: isFolder ? from.key + base : from.key };
}

/** Paths are relative to the parent of what was named, as in a folder. */
async function* below(
  context: Context,
  from: From & { readonly prefix: string },
): AsyncGenerator<Sending> {
  const { client } = context;
  const { params } = from;
  const top = from.prefix === '' || from.prefix.endsWith('/') ? from.prefix : `${from.prefix}/`;
  const exact = await client
    .call('GET /repos/{project}/{repo}/files/{ref}/inspect', { params, query: { path: from.path } })
    .catch((error: unknown) => {
      if (error instanceof CliError && error.code === 'not_found' && isGlob(from.path)) {
        return undefined;
      }
      throw error;
    });
  const named = exact
    ? [exact]
    : client.items('GET /repos/{project}/{repo}/files/{ref}/glob', {
        params,
        query: { pattern: from.path },
      });
  let last: string | undefined;
  for await (const start of named) {
    // What lies below a directory that matched comes with it.
    if (last !== undefined && start.path.startsWith(last)) {
      continue;
    }
    // The top itself has no parent: what is in it goes without a name before it.
    const base = Math.max(1, start.path.replace(/\/$/, '').lastIndexOf('/') + 1);
    if (start.type !== 'dir') {
      yield { file: checked(start), key: top + start.path.slice(base) };
      continue;
    }
    last = start.path;
    const files = client.items('GET /repos/{project}/{repo}/files/{ref}/list', {
      params,
      query: { path: start.path, recursive: true },
    });
    for await (const file of files) {
      if (file.type !== 'dir') {
        yield { file: checked(file), key: top + file.path.slice(base) };
      }
    }
  }
}

function checked(file: File): File {
  if (file.type === 'link') {
    throw new CliError(
      'invalid',
      `Cannot put "${file.path}" into a bucket: it is a symbolic link, and those can hold none; delete it, or get into a folder`,
    );
  }
  return file;
}

/** An object that was put from the same file has its id. */
async function isThere(s3: S3Files, key: string, file: File): Promise<boolean> {
  const there = await s3.head(key);
  return there?.id === file.id && there.size === file.size;
}

async function inParallel(
  files: AsyncIterable<Sending>,
  send: (file: Sending) => Promise<void>,
): Promise<void> {
  const sending = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const file of files) {
      const sent = send(file)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => sending.delete(sent));
      sending.add(sent);
      if (file.file.size > LARGE_BYTES) {
        await sent;
      } else if (sending.size >= AT_ONCE) {
        await Promise.race(sending);
      }
      if (failure) {
        break;
      }
    }
  } finally {
    await Promise.all(sending);
  }
  if (failure) {
    throw failure.error;
  }
}
