// `put file`: reads what the user named and sends it as one request.

import { createReadStream, existsSync, fstatSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { refParams } from '../client/params.ts';
import { FRAMES_TYPE } from '../engine/server/wire.ts';
import type { ParsedArguments } from './arguments.ts';
import { CliError, failure, fileError, usageError } from './cli-error.ts';
import type { Context } from './context.ts';
import { formatSize } from './format.ts';
import { encodeFiles, type UploadFile } from './frame-encoder.ts';
import { gzipped } from './gzip.ts';
import { isWatched, startProgress } from './progress.ts';
import { parseCommitWords, showName } from './refs.ts';
import { isS3 } from './s3-place.ts';
import { s3Objects } from './s3-upload.ts';
import { type UploadWishes, uploadWishes } from './upload-options.ts';
import { isUrl, planUpload, type UploadSource } from './upload-source.ts';
import { walk } from './walk.ts';

/** Runs `put file`. */
export async function putFile(context: Context, args: ParsedArguments): Promise<void> {
  const words = args.positionals;
  const last = words.at(-1);
  if (words.length > 1 && last !== undefined && isUrl(last)) {
    throw usageError(`The path "${last}" looks like a URL; did you mean -f ${last}?`);
  }
  const {
    repo,
    ref,
    path: target,
  } = parseCommitWords(words, { project: context.project, path: true });
  const wishes = uploadWishes(args);
  const plan = planUpload(await readSources(context, args), {
    target,
    unpack: wishes.untar,
    recursive: args.flag('recursive'),
    fullPath: args.flag('full-path'),
  });
  const total = isWatched(context.output) ? sizeOf(plan) : undefined;
  const progress = await startProgress(context.output, { label: 'Putting', bytes: true, total });
  let files = 0;
  let bytes = 0;
  try {
    const sending = uploadFiles(context, plan, wishes);
    const source = encodeFiles(sending, (doneFiles, doneBytes) => {
      files = doneFiles;
      bytes = doneBytes;
      progress.update(bytes, `in ${files} ${files === 1 ? 'file' : 'files'}`);
    });
    const commit = await context.client.upload('POST /repos/{project}/{repo}/files/{ref}', {
      params: refParams(repo, ref),
      query: {
        own: args.flag('commit'),
        append: args.flag('append'),
        description: args.string('message'),
        ...wishes.query,
      },
      type: FRAMES_TYPE,
      source: wishes.compress ? gzipped(source) : source,
      isGzipped: wishes.compress,
    });
    progress.stop();
    if (context.output.raw) {
      await context.output.json(commit);
    } else if (context.output.stderr.isTTY) {
      const count = `${files} ${files === 1 ? 'file' : 'files'}, ${formatSize(bytes)}`;
      context.output.note(`Put ${count} into ${showName(repo)}@${commit.branch}=${commit.id}`);
    }
  } finally {
    progress.stop();
  }
}

/** The sources of `-f` and of the lists of `-i`, or standard input where neither is given. */
async function readSources(context: Context, args: ParsedArguments): Promise<readonly string[]> {
  const sources = [...args.strings('file')];
  for (const list of args.strings('input-file')) {
    sources.push(...(await readList(context, list)));
  }
  if (sources.length > 0) {
    return sources;
  }
  if (args.strings('input-file').length > 0) {
    throw usageError('Nothing to put: the list of sources is empty');
  }
  if (context.stdin.isTTY || isDevice(context)) {
    const last = args.positionals.length > 1 ? args.positionals.at(-1) : undefined;
    throw usageError(
      last !== undefined && existsSync(last)
        ? `Say what to put; did you mean -f ${last}?`
        : 'Say what to put: -f <file, folder, URL or - for standard input>',
    );
  }
  return ['-'];
}

/** Whether standard input is a device, as /dev/null is for cron: empty, but nobody means to put nothing into a file. */
function isDevice({ stdin }: Context): boolean {
  return stdin.fd !== undefined && fstatSync(stdin.fd).isCharacterDevice();
}

async function readList(context: Context, list: string): Promise<readonly string[]> {
  const input =
    list === '-'
      ? context.stdin
      : isUrl(list)
        ? await fetchText(context, list)
        : createReadStream(list);
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (line.trim() !== '') {
        lines.push(line.trim());
      }
    }
  } catch (error) {
    throw error instanceof CliError ? error : fileError(`read the list "${list}"`, error);
  }
  return lines;
}

async function fetchText(context: Context, url: string): Promise<NodeJS.ReadableStream> {
  const { Readable } = await import('node:stream');
  return Readable.from(isS3(url) ? objectText(context, url) : fetchUrl(url, context.signal));
}

async function* objectText(context: Context, url: string): AsyncIterable<Uint8Array> {
  const { env, signal } = context;
  for await (const { stream } of s3Objects(url, { target: '/', below: false, env, signal })) {
    yield* stream;
  }
}

function* uploadFiles(
  context: Context,
  plan: readonly UploadSource[],
  wishes: UploadWishes,
): Iterable<UploadFile> {
  for (const { kind, from, target } of plan) {
    if (kind === 'folder') {
      const top = target === '/' ? '' : target;
      const folder = from.length > 1 ? from.replace(/\/+$/, '') : from;
      for (const [file, below, link] of walk(folder === '/' ? '' : folder, wishes.symlinks)) {
        yield { path: top + below, from: file, link };
      }
    } else if (kind === 'file') {
      yield { path: target, from };
    } else if (kind === 's3' || kind === 's3-folder') {
      const { env, signal } = context;
      const place = { target, below: kind === 's3-folder', env, signal };
      yield { path: target, from, files: s3Objects(from, place) };
    } else if (kind === 'url') {
      yield { path: target, from, stream: fetchUrl(from, context.signal) };
    } else {
      yield { path: target, from, stream: chunks(context.stdin) };
    }
  }
}

/** Counting what is to come may take this long; a bar is worth no more. */
const COUNT_MS = 500;

/** Returns how many bytes are to be put, or undefined where that is not known, or not soon. */
function sizeOf(plan: readonly UploadSource[]): number | undefined {
  const until = performance.now() + COUNT_MS;
  let bytes = 0;
  try {
    for (const { kind, from } of plan) {
      if (kind === 'url' || kind === 'stdin') {
        return undefined;
      }
      for (const [file] of kind === 'folder' ? walk(from) : [[from] as const]) {
        bytes += statSync(file).size;
        if (performance.now() > until) {
          return undefined;
        }
      }
    }
  } catch {
    // Whoever puts it says what is wrong.
    return undefined;
  }
  return bytes || undefined;
}

/** Yields the body of a URL; an error status or a body that breaks off is an error. */
export async function* fetchUrl(url: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) {
      throw new CliError(
        response.status === 404 ? 'not_found' : 'io',
        `Cannot fetch "${url}": the server answered ${response.status} ${response.statusText}`.trim(),
      );
    }
    yield* response.body as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof CliError || signal.aborted) {
      throw error;
    }
    const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
    const reasons: Record<string, string> = {
      ENOTFOUND: 'there is no host of that name',
      EAI_AGAIN: 'its host is not known here',
      ECONNREFUSED: 'nothing listens there',
      ECONNRESET: 'the server broke the connection',
    };
    const reason = reasons[String(cause?.code)] ?? cause?.message ?? (error as Error).message;
    throw failure('io', `Cannot fetch "${url}": ${reason}; check the address and try again`, error);
  }
}

async function* chunks(stream: NodeJS.ReadableStream): AsyncIterable<Uint8Array> {
  for await (const chunk of stream) {
    yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
}
