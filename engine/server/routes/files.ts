// Files over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { copyFile, deleteFiles } from '../../pfs/change-files.ts';
import { lastGood, resolveCommit } from '../../pfs/commit-lookup.ts';
import { openTree, type ReadableTree } from '../../pfs/commits.ts';
import { diffEntries, type FileDifference, keyOfDifference } from '../../pfs/diff.ts';
import {
  type Beginning,
  type FileEntry,
  findFile,
  globFiles,
  listPart,
  resolveFile,
  shownPath,
  walkFiles,
  withStat,
} from '../../pfs/files.ts';
import { compileGlob } from '../../pfs/glob.ts';
import { normalizePath, repoKeyOf } from '../../pfs/names.ts';
import { putFiles, type Target } from '../../pfs/upload.ts';
import { commitViewer } from '../commit-viewer.ts';
import {
  afterOf,
  answering,
  body,
  flag,
  limitOf,
  pageOf,
  param,
  pinOf,
  query,
  repoOf,
  text,
} from '../http.ts';
import { demandRepo } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { stagingOf, uploadParts } from '../upload-body.ts';
import { viewFile } from '../views.ts';
import type { File } from '../wire.ts';
import type { FilePage } from '../wire-files.ts';

export const FILES = '/repos/:project/:repo/files/:ref';

/** Adds the routes of files. */
export function fileRoutes(server: FastifyInstance, { context, queue }: EngineParts): void {
  const answered = answering(context);
  const view = commitViewer(context);

  server.post(FILES, async (request) => {
    const commit = await answered(request, (asked) =>
      putFiles(context, queue, {
        target: targetOf(request, flag(request, 'own')),
        parts: uploadParts(request),
        request: asked,
        ...stagingOf(request),
      }),
    );
    return view(request, commit);
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
    return view(request, commit);
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
    return view(request, commit);
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
        ? await page(request, tree, walkFiles(tree.objects, entry, afterOf(request)))
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
      return await page(
        request,
        tree,
        globFiles(tree.objects, tree.tree, { glob, after: afterOf(request) }),
      );
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
        const after = afterOf(request);
        return await pageOf(request, diffEntries(tree.objects, entries, { shallow, after }), {
          skip: false,
          keyOf: keyOfDifference,
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
      skip: false,
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

/** Reads where a page of a directory begins. */
function beginningOf(request: FastifyRequest): Beginning {
  const after = afterOf(request);
  if (after !== undefined) {
    return { after };
  }
  const [offset, from] = ['offset', 'from'].map((name) => query(request, name));
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
