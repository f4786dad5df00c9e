// Contents of files over HTTP: one as it is, many as frames or as an archive.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { openTree, type ReadableTree } from '../../pfs/commits.ts';
import {
  type FileEntry,
  findFile,
  globFiles,
  isDirectory,
  isLink,
  resolveFile,
  shownPath,
  walkFiles,
  withStat,
} from '../../pfs/files.ts';
import { compileGlob } from '../../pfs/glob.ts';
import { normalizePath } from '../../pfs/names.ts';
import { readFiles } from '../../pfs/read-files.ts';
import { ARCHIVE_TYPES, archiveOf, isArchiveFormat, MAX_ZIP_FILES } from '../archives.ts';
import { mayBePart, refusal } from '../conditions.ts';
import { contentTypeOf, disposition } from '../content-type.ts';
import { encodeFiles, type OutgoingFile } from '../frames.ts';
import { flag, param, query, repoOf, sendBytes } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { toProblem } from '../problem.ts';
import { rangeOf } from '../range.ts';
import { sendBorrowed } from '../sent-bytes.ts';
import { ARCHIVE_FORMATS, FRAMES_TYPE, PROBLEM_TYPE } from '../wire.ts';
import { FILES } from './files.ts';

/** What may run or load in a file that is shown: nothing but its own looks. */
const SANDBOX =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";
/** What is said of a file, and is wrong of an error that comes in its place. */
const OF_CONTENT = [
  'etag',
  'last-modified',
  'accept-ranges',
  'content-range',
  'content-disposition',
];
const FOR_EVER = 'private, max-age=31536000, immutable';
const ASK_AGAIN = 'private, no-cache';

/** Adds the routes of contents. */
export function downloadRoutes(
  server: FastifyInstance,
  { context }: EngineParts,
  onFault: (error: unknown, request?: string) => void,
): void {
  for (const method of ['GET', 'HEAD']) {
    server.route({
      method,
      url: `${FILES}/content`,
      handler: (request, reply) =>
        reading(request, reply, (tree) => sendContent(tree, request, reply)),
    });
  }

  server.get(`${FILES}/frames`, (request, reply) =>
    reading(request, reply, async (tree) => {
      const named = await matches(tree, query(request, 'path') ?? '');
      return sendBytes(reply.type(FRAMES_TYPE), encodeFiles(outgoing(tree, named)), {
        onFault,
        onClose: tree.close,
      });
    }),
  );

  server.get(FILES, (request, reply) =>
    reading(request, reply, (tree) => sendArchive(tree, request, reply)),
  );

  /** Runs `send` on the files that are asked for; who sends closes them once all is sent. */
  async function reading(
    request: FastifyRequest,
    reply: FastifyReply,
    send: (tree: ReadableTree) => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    const tree = await openTree(context, repoOf(request), param(request, 'ref'));
    try {
      return await send(tree);
    } catch (error) {
      tree.close();
      for (const name of OF_CONTENT) {
        reply.removeHeader(name);
      }
      reply.header('cache-control', 'no-store');
      throw error;
    }
  }

  async function sendContent(
    tree: ReadableTree,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const found = await matches(tree, query(request, 'path') ?? '');
    const [only] = found;
    if (only && found.length === 1 && isDirectory(only)) {
      throw new EngineError(
        'invalid',
        `Cannot get "${shownPath(only)}": it is a directory; add -r to get what is in it, or ask for an archive`,
      );
    }
    const link = found.find(isLink);
    if (link && !flag(request, 'link')) {
      throw new EngineError(
        'invalid',
        `Cannot get "${shownPath(link)}": it is a symbolic link; get the file it leads to, or add -r to get the link`,
      );
    }
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cross-origin-resource-policy', 'same-origin');
    const sending = { onFault, onClose: tree.close };
    if (only === undefined || found.length > 1) {
      reply.type('application/octet-stream').header('cache-control', ASK_AGAIN);
      const files = found.filter((entry) => !isDirectory(entry));
      return request.method === 'HEAD'
        ? sendHead(tree, reply)
        : sendBytes(reply, contentOf(tree, files), sending);
    }
    return await sendFile(tree, only, { request, reply });
  }

  async function sendFile(
    tree: ReadableTree,
    file: FileEntry,
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  ): Promise<FastifyReply> {
    const { size } = await withStat(tree.objects, file);
    const validators = { etag: file.id, modified: modifiedOf(tree) };
    const condition = (name: string) => textOf(request.headers[name]);
    const refused = refusal(condition, validators);
    if (refused === 'failed') {
      throw new EngineError(
        'failed_precondition',
        `Cannot go on with "${shownPath(file)}": it has become another file meanwhile; begin anew`,
      );
    }
    reply.header('etag', `"${file.id}"`);
    reply.header('cache-control', isForEver(tree, request) ? FOR_EVER : ASK_AGAIN);
    if (validators.modified !== undefined) {
      reply.header('last-modified', new Date(validators.modified).toUTCString());
    }
    if (refused === 'not_modified') {
      tree.close();
      return reply.code(304).send();
    }
    describe(file, { request, reply });
    reply.header('accept-ranges', 'bytes');
    const isHead = request.method === 'HEAD';
    const isPart = !isHead && mayBePart(condition, validators);
    const range = isPart ? rangeOf(request.headers.range, size) : undefined;
    if (range === 'unsatisfiable') {
      const error = new EngineError(
        'invalid',
        `Cannot get range "${request.headers.range}" of "${shownPath(file)}": it has ${size} bytes`,
      );
      tree.close();
      reply.code(416).header('content-range', `bytes */${size}`).type(PROBLEM_TYPE);
      reply.header('cache-control', 'no-store').removeHeader('content-disposition');
      return reply.send({ ...toProblem(error), status: 416 });
    }
    const { start, end } = range ?? { start: 0, end: size };
    reply.header('content-length', end - start);
    if (range) {
      reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`);
    }
    return isHead
      ? sendHead(tree, reply)
      : sendBorrowed(reply, tree.readFile(file.id, { start, end, borrowed: true }), {
          onFault,
          onClose: tree.close,
        });
  }

  async function sendArchive(
    tree: ReadableTree,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const format = query(request, 'format');
    if (!isArchiveFormat(format)) {
      throw new EngineError(
        'invalid',
        `Cannot make an archive of format "${format ?? ''}": the formats are ${ARCHIVE_FORMATS.join(', ')}`,
      );
    }
    const named = await matches(tree, query(request, 'path') ?? '');
    if (format === 'zip') {
      await refuseLongZip(tree, named);
    }
    const [only] = named.length === 1 ? named : [];
    const base =
      only?.path.split('/').at(-1) || `${param(request, 'repo')}-${param(request, 'ref')}`;
    reply.type(ARCHIVE_TYPES[format]).header('cache-control', 'no-store');
    reply.header('content-disposition', disposition('attachment', `${base}.${format}`));
    const modified = new Date(tree.commit?.finished ?? context.clock.now());
    const archive = archiveOf(outgoing(tree, named), { format, modified });
    return sendBytes(reply, archive, { onFault, onClose: tree.close });
  }

  /** Returns when the commit finished, in whole seconds; undefined where another one could still have the same time. */
  function modifiedOf({ commit }: ReadableTree): number | undefined {
    const finished = commit?.finished ?? Number.NaN;
    const modified = Math.ceil(finished / 1000) * 1000;
    return modified <= context.clock.now() ? modified : undefined;
  }

  async function* outgoing(
    tree: ReadableTree,
    named: readonly FileEntry[],
  ): AsyncGenerator<OutgoingFile> {
    for (const top of named) {
      const parent = top.path.slice(0, top.path.lastIndexOf('/') + 1);
      const files = readFiles(context, tree, walkFiles(tree.objects, top));
      for await (const { file, size, data } of files) {
        const path = file.path.slice(parent.length);
        yield { path, size, data, executable: file.mode === '100755', isLink: isLink(file) };
      }
    }
  }
}

/** Returns what a path or glob names; rejects with `not_found` when that is nothing. */
async function matches(tree: ReadableTree, wanted: string): Promise<FileEntry[]> {
  const path = normalizePath(wanted);
  const exact = await findFile(tree.objects, tree.tree, path);
  if (exact || (tree.tree === null && path === '')) {
    return exact ? [exact] : [];
  }
  const found: FileEntry[] = [];
  if (/[*?[{(]/.test(path)) {
    for await (const match of globFiles(tree.objects, tree.tree, {
      glob: compileGlob(`/${path}`),
    })) {
      // What lies below a directory that matched comes with it; a directory comes before what it holds.
      const above = found.at(-1)?.path;
      if (above === undefined || !(above === '' || match.path.startsWith(`${above}/`))) {
        found.push(match);
      }
    }
  }
  if (found.length === 0) {
    await resolveFile(tree.objects, tree.tree, { path, where: tree.where });
  }
  return found;
}

async function refuseLongZip(tree: ReadableTree, named: readonly FileEntry[]): Promise<void> {
  let count = 0;
  for (const entry of named) {
    count += (await withStat(tree.objects, entry)).files;
  }
  if (count > MAX_ZIP_FILES) {
    throw new EngineError(
      'invalid',
      `Cannot make a zip of ${count} files: the limit is ${MAX_ZIP_FILES}; ask for a tar`,
    );
  }
}

/** Says what a file is, and what a browser may do with it. */
function describe(
  file: FileEntry,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): void {
  const { type, isInert } = contentTypeOf(file.path);
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  const isShown = (isInert || flag(request, 'inline')) && !flag(request, 'download');
  reply
    .type(type)
    .header('content-disposition', disposition(isShown ? 'inline' : 'attachment', name));
  if (!isInert) {
    reply.header('content-security-policy', SANDBOX);
  }
}

/** Returns whether what is asked for will never be another file: it is of the finished commit that the request names. */
function isForEver({ commit }: ReadableTree, request: FastifyRequest): boolean {
  return commit?.id === param(request, 'ref') && commit.finished !== null;
}

function sendHead(tree: ReadableTree, reply: FastifyReply): FastifyReply {
  tree.close();
  return reply.send();
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

async function* contentOf(tree: ReadableTree, files: readonly FileEntry[]): AsyncGenerator<Buffer> {
  for (const file of files) {
    yield* tree.readFile(file.id);
  }
}
