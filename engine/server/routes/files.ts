// Files over HTTP.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { copyFile, deleteFiles } from '../../pfs/change-files.ts';
import { lastGood, resolveCommit } from '../../pfs/commit-lookup.ts';
import { openTree, type ReadableTree } from '../../pfs/commits.ts';
import { diffEntries, type FileDifference } from '../../pfs/diff.ts';
import {
  type Beginning,
  type FileEntry,
  findFile,
  globFiles,
  isDirectory,
  isLink,
  listPart,
  resolveFile,
  shownPath,
  walkFiles,
  withStat,
} from '../../pfs/files.ts';
import { compileGlob } from '../../pfs/glob.ts';
import { normalizePath, repoKeyOf } from '../../pfs/names.ts';
import { readFiles } from '../../pfs/read-files.ts';
import { putFiles, type Target } from '../../pfs/upload.ts';
import { encodeFiles, type OutgoingFile } from '../frames.ts';
import {
  answering,
  body,
  flag,
  limitOf,
  pageOf,
  param,
  pinOf,
  query,
  repoOf,
  sendBytes,
  text,
} from '../http.ts';
import { demandRepo } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { toProblem } from '../problem.ts';
import { rangeOf } from '../range.ts';
import { stagingOf, uploadParts } from '../upload-body.ts';
import { viewCommit, viewFile } from '../views.ts';
import { type File, FRAMES_TYPE } from '../wire.ts';
import type { FilePage } from '../wire-files.ts';

const FILES = '/repos/:project/:repo/files/:ref';

/** Adds the routes of files. */
export function fileRoutes(
  server: FastifyInstance,
  { context, queue }: EngineParts,
  onFault: (error: unknown) => void,
): void {
  const answered = answering(context);

  server.post(FILES, async (request) => {
    const commit = await answered(request, (asked) =>
      putFiles(context, queue, {
        target: targetOf(request, flag(request, 'own')),
        parts: uploadParts(request),
        request: asked,
        ...stagingOf(request),
      }),
    );
    return viewCommit(context, commit);
  });

  server.post(`${FILES}/delete`, async (request) => {
    const { paths } = body(request);
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) {
      throw new EngineError('invalid', 'Cannot read the request: "paths" must be a list of paths');
    }
    const target = targetOf(request, false);
    const commit = await answered(request, (asked) =>
      deleteFiles(context, queue, { target, paths, request: asked }),
    );
    return viewCommit(context, commit);
  });

  server.post(`${FILES}/copy`, async (request) => {
    const { source, append } = body(request);
    const { repo, ref, path } = (source ?? {}) as Record<string, unknown>;
    const { project, name } = (repo ?? {}) as Record<string, unknown>;
    const texts = [project, name, ref, path].map((part) => (typeof part === 'string' ? part : ''));
    if (texts.slice(0, 3).includes('')) {
      throw new EngineError(
        'invalid',
        'Cannot read the request: "source" must have repo, ref and path, and repo project and name',
      );
    }
    const from = {
      repo: repoKeyOf(texts[0] ?? '', texts[1] ?? ''),
      ref: texts[2] ?? '',
      path: texts[3] ?? '',
    };
    demandRepo(request, context.journal.state, { repo: from.repo, role: 'reader' });
    const commit = await answered(request, (asked) =>
      copyFile(context, queue, {
        target: targetOf(request, false),
        source: from,
        path: text(request, 'path') ?? '',
        append: append === true,
        request: asked,
      }),
    );
    return viewCommit(context, commit);
  });

  server.get(`${FILES}/list`, (request) =>
    withTree(request, async (tree) => {
      const path = normalizePath(query(request, 'path') ?? '');
      const isDeep = flag(request, 'recursive');
      if (tree.tree === null && path === '') {
        return { items: [], next: null, ...(isDeep ? {} : { offset: 0, total: 0 }) };
      }
      const entry = await resolveFile(tree.objects, tree.tree, { path, where: tree.where });
      return isDeep
        ? await page(request, tree, walkFiles(tree.objects, entry))
        : await directoryPage(request, tree, entry);
    }),
  );

  server.get(`${FILES}/inspect`, (request) =>
    withTree(request, async (tree) => {
      const path = normalizePath(query(request, 'path') ?? '');
      const entry = await resolveFile(tree.objects, tree.tree, { path, where: tree.where });
      return viewFile(await withStat(tree.objects, entry));
    }),
  );

  server.get(`${FILES}/glob`, (request) =>
    withTree(request, async (tree) => {
      const glob = compileGlob(query(request, 'pattern') ?? '');
      return await page(request, tree, globFiles(tree.objects, tree.tree, glob));
    }),
  );

  server.get(`${FILES}/diff`, async (request) => {
    const path = normalizePath(query(request, 'path') ?? '');
    const repo = repoOf(request);
    const other = await olderSide(request, { repo, ref: refOf(request), path });
    return await withTree(request, async (tree) => {
      const [, pinned] = pinOf(request)?.split('.') ?? [];
      const old = other && (await openTree(context, other.repo, pinned || other.ref));
      try {
        const entries = {
          old: old && (await findFile(old.objects, old.tree, other.path)),
          new: await findFile(tree.objects, tree.tree, path),
        };
        if (path !== '' && !entries.old && !entries.new) {
          await resolveFile(tree.objects, tree.tree, { path, where: tree.where });
        }
        const stat = async (entry: FileEntry | undefined, from: ReadableTree | undefined) =>
          entry && from ? viewFile(await withStat(from.objects, entry)) : null;
        const shallow = flag(request, 'shallow');
        return await pageOf(request, diffEntries(tree.objects, entries, { shallow }), {
          keyOf: (change) => `/${change.path}`,
          pin: `${tree.commit?.id ?? ''}.${old?.commit?.id ?? ''}`,
          view: async (change) => ({
            kind: kindOf(change),
            path: `/${change.path}`,
            old: await stat(change.old, old),
            new: await stat(change.new, tree),
          }),
        });
      } finally {
        old?.close();
      }
    });
  });

  server.get(`${FILES}/content`, async (request, reply) => {
    const tree = await open(request);
    try {
      return await sendContent(tree, request, reply);
    } catch (error) {
      tree.close();
      throw error;
    }
  });

  server.get(`${FILES}/frames`, async (request, reply) => {
    const tree = await open(request);
    try {
      const named = await matches(tree, query(request, 'path') ?? '');
      return sendBytes(reply.type(FRAMES_TYPE), encodeFiles(outgoing(tree, named)), {
        onFault,
        onClose: tree.close,
      });
    } catch (error) {
      tree.close();
      throw error;
    }
  });

  function open(request: FastifyRequest): Promise<ReadableTree> {
    return openTree(context, repoOf(request), refOf(request));
  }

  async function withTree<T>(
    request: FastifyRequest,
    read: (tree: ReadableTree) => Promise<T>,
  ): Promise<T> {
    const tree = await open(request);
    try {
      return await read(tree);
    } finally {
      tree.close();
    }
  }

  function page(request: FastifyRequest, tree: ReadableTree, list: AsyncIterable<FileEntry>) {
    return pageOf(request, list, {
      keyOf: shownPath,
      pin: tree.commit?.id ?? '',
      view: async (entry) => viewFile(await withStat(tree.objects, entry)),
    });
  }

  /** Returns a page of a directory, which may begin anywhere in it. */
  async function directoryPage(
    request: FastifyRequest,
    tree: ReadableTree,
    directory: FileEntry,
  ): Promise<FilePage> {
    const limit = limitOf(request);
    const part = await listPart(tree.objects, directory, { begin: beginningOf(request), limit });
    const { offset, total, entries } = part;
    const items: File[] = [];
    for (const entry of entries) {
      items.push(viewFile(await withStat(tree.objects, entry)));
    }
    const last = items.at(-1);
    const next = last && offset + items.length < total ? (tree.commit?.id ?? '') + last.path : null;
    return { items, next, offset, total };
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
      for await (const match of globFiles(tree.objects, tree.tree, compileGlob(`/${path}`))) {
        // What lies below a directory that matched comes with it.
        if (!found.some((above) => match.path.startsWith(`${above.path}/`))) {
          found.push(match);
        }
      }
    }
    if (found.length === 0) {
      await resolveFile(tree.objects, tree.tree, { path, where: tree.where });
    }
    return found;
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
        `Cannot get "${shownPath(only)}": it is a directory; add -r to get what is in it`,
      );
    }
    const link = found.find(isLink);
    if (link && !flag(request, 'link')) {
      throw new EngineError(
        'invalid',
        `Cannot get "${shownPath(link)}": it is a symbolic link; get the file it leads to, or add -r to get the link`,
      );
    }
    reply.type('application/octet-stream');
    const sending = { onFault, onClose: tree.close };
    if (only === undefined || found.length > 1) {
      const files = found.filter((entry) => !isDirectory(entry));
      return sendBytes(reply, contentOf(tree, files), sending);
    }
    const { size } = await withStat(tree.objects, only);
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== '*' && wanted !== `"${only.id}"`) {
      throw new EngineError(
        'conflict',
        `Cannot go on with "${shownPath(only)}": it has become another file meanwhile; begin anew`,
      );
    }
    const range = rangeOf(request.headers.range, size);
    if (range === 'unsatisfiable') {
      const error = new EngineError(
        'invalid',
        `Cannot get range "${request.headers.range}" of "${shownPath(only)}": it has ${size} bytes`,
      );
      tree.close();
      reply.code(416).header('content-range', `bytes */${size}`).type('application/problem+json');
      return reply.send({ ...toProblem(error), status: 416 });
    }
    const { start, end } = range ?? { start: 0, end: size };
    reply.header('accept-ranges', 'bytes').header('etag', `"${only.id}"`);
    reply.header('content-length', end - start);
    if (range) {
      reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`);
    }
    return sendBytes(reply, tree.readFile(only.id, { start, end }), sending);
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

  /** Returns what a diff compares with: what the request says, or the commit before. */
  async function olderSide(
    request: FastifyRequest,
    newer: { readonly repo: string; readonly ref: string; readonly path: string },
  ): Promise<{ repo: string; ref: string; path: string } | undefined> {
    const old = query(request, 'old');
    if (old === undefined) {
      const commit = await resolveCommit(context, newer.repo, newer.ref);
      const parent = await lastGood(context, newer.repo, commit.parent);
      return parent && { ...newer, ref: parent.id };
    }
    const match = /^([^/@]+)\/([^@]+)@([^:]+)(?::(.*))?$/.exec(old);
    if (match === null) {
      throw new EngineError('invalid', `Cannot read "${old}": write project/repo@ref:/path`);
    }
    const [, project = '', name = '', ref = '', path = ''] = match;
    const from = repoKeyOf(project, name);
    demandRepo(request, context.journal.state, { repo: from, role: 'reader' });
    return { repo: from, ref, path: normalizePath(path) };
  }
}

function targetOf(request: FastifyRequest, own: boolean): Target {
  return {
    repo: repoOf(request),
    ref: param(request, 'ref'),
    own,
    description: query(request, 'description') ?? '',
  };
}

function kindOf(change: FileDifference): 'added' | 'removed' | 'changed' {
  if (change.old === undefined) {
    return 'added';
  }
  return change.new === undefined ? 'removed' : 'changed';
}

async function* contentOf(tree: ReadableTree, files: readonly FileEntry[]): AsyncGenerator<Buffer> {
  for (const file of files) {
    yield* tree.readFile(file.id);
  }
}

/** Reads where a page of a directory begins. */
function beginningOf(request: FastifyRequest): Beginning {
  const [offset, after, from] = ['offset', 'after', 'from'].map((name) => query(request, name));
  if (after !== undefined) {
    return { after: after.slice(after.indexOf('/')) };
  }
  if (from !== undefined) {
    return { from };
  }
  const place = Number(offset ?? 0);
  if (!Number.isInteger(place) || place < 0) {
    throw new EngineError(
      'invalid',
      `Cannot read the request: offset "${offset}" is no number from 0`,
    );
  }
  return { offset: place };
}

/** Returns the ref to read: all pages of a list are of the commit that the first one was of. */
function refOf(request: FastifyRequest): string {
  return pinOf(request)?.split('.')[0] || param(request, 'ref');
}
