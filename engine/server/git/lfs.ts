// Large files for git-lfs: its batch API with the `basic` transfer, and the files themselves, by ranges.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import type { Pointer } from '../../content/pointer.ts';
import type { RepoKey } from '../../journal/records.ts';
import { resolveRepo } from '../../pfs/commit-lookup.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { gitRefs } from '../../pfs/git-refs.ts';
import { body, param, sendBytes } from '../http.ts';
import { askerOf, demandRepo } from '../identity.ts';
import { isFault, toProblem } from '../problem.ts';
import { rangeOf } from '../range.ts';
import { bodyBytes } from '../upload-body.ts';
import { gitRepoOf } from './git-repo.ts';
import { pointerId, type RepoObjects } from './repo-objects.ts';

const LFS_TYPE = 'application/vnd.git-lfs+json';
const OBJECT = '/:project/:repo/info/lfs/objects/:oid/:size';
const OID = /^[0-9a-f]{64}$/;
/** Objects of one request; clients send a hundred. */
const MOST_OBJECTS = 10_000;

interface Wanted {
  readonly oid: string;
  readonly size: number;
}

/** Adds the routes of large files below a repo's address. */
export function lfsRoutes(
  server: FastifyInstance,
  context: PfsContext,
  options: { readonly owned: RepoObjects; readonly onFault: (error: unknown) => void },
): void {
  const { owned, onFault } = options;
  // git-lfs names what it sends after what is in it: as text, say. To us all of it is bytes.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  server.addContentTypeParser(
    LFS_TYPE,
    { parseAs: 'string' },
    server.getDefaultJsonParser('error', 'error'),
  );
  server.setErrorHandler((error, _request, reply) => {
    const problem = toProblem(error);
    if (isFault(error)) {
      onFault(error);
    }
    // git-lfs shows the message of its own kind of errors.
    return reply
      .code(problem.status)
      .type(LFS_TYPE)
      .send({ ...problem, message: problem.detail });
  });

  server.post('/:project/:repo/info/lfs/objects/batch', async (request, reply) => {
    const repo = gitRepoOf(request);
    const { operation, objects } = body(request);
    if (operation !== 'download' && operation !== 'upload') {
      throw new EngineError(
        'invalid',
        'Cannot read the request: "operation" is neither "download" nor "upload"',
      );
    }
    if (operation === 'upload') {
      demandRepo(request, context.journal.state, { repo, role: 'writer' });
    }
    const refs = await gitRefs(context, repo);
    const { authorization } = request.headers;
    const header = authorization === undefined ? {} : { header: { authorization } };
    const answers = readObjects(objects).map(async ({ oid, size }) => {
      const isHere = await owned.hasFile(repo, refs, { sha256: oid, size });
      const href = { href: hrefOf(request, oid, size), ...header };
      if (operation === 'upload') {
        return { oid, size, ...(isHere ? {} : { actions: { upload: href } }) };
      }
      return isHere
        ? { oid, size, authenticated: true, actions: { download: href } }
        : { oid, size, error: { code: 404, message: `no branch or tag of the repo has ${oid}` } };
    });
    reply.type(LFS_TYPE);
    return { transfer: 'basic', objects: await Promise.all(answers) };
  });

  server.get(OBJECT, async (request, reply) => {
    const repo = gitRepoOf(request);
    const pointer = pointerIn(request);
    if (!(await owned.hasFile(repo, await gitRefs(context, repo), pointer))) {
      throw new EngineError(
        'not_found',
        `Cannot send the file ${pointer.sha256}: no branch or tag of the repo has it`,
      );
    }
    return sendFile(request, reply, { blob: pointerId(pointer), size: pointer.size });
  });

  server.put(OBJECT, async (request) => {
    const repo = gitRepoOf(request);
    resolveRepo(context, repo);
    const pointer = pointerIn(request);
    await storeFile(context, {
      repo,
      pointer,
      source: bodyBytes(request),
      actor: askerOf(request).actor,
    });
    owned.noteSent(repo, pointer);
    return {};
  });

  function sendFile(
    request: FastifyRequest,
    reply: FastifyReply,
    { blob, size }: { readonly blob: string; readonly size: number },
  ): FastifyReply {
    const asked = rangeOf(request.headers.range, size);
    if (asked === 'unsatisfiable') {
      return reply.code(416).header('content-range', `bytes */${size}`).send();
    }
    const { start, end } = asked ?? { start: 0, end: size };
    if (asked) {
      reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`);
    }
    reply.type('application/octet-stream').header('content-length', end - start);
    return sendBytes(reply, context.readFile(blob, { start, end }), { onFault });
  }
}

function readObjects(objects: unknown): Wanted[] {
  if (!Array.isArray(objects) || objects.length > MOST_OBJECTS) {
    throw new EngineError(
      'invalid',
      `Cannot read the request: "objects" must be a list of at most ${MOST_OBJECTS}`,
    );
  }
  return objects.map((each: unknown) => {
    const { oid, size } = (each ?? {}) as Partial<Record<string, unknown>>;
    if (typeof oid !== 'string' || !OID.test(oid) || typeof size !== 'number' || !(size >= 0)) {
      throw new EngineError('invalid', 'Cannot read the request: an object needs "oid" and "size"');
    }
    return { oid, size };
  });
}

/** Stores a large file that no commit names yet; it stays for the grace period. */
async function storeFile(
  context: PfsContext,
  sent: {
    readonly repo: RepoKey;
    readonly pointer: Pointer;
    readonly source: AsyncIterable<Uint8Array>;
    readonly actor: string;
  },
): Promise<void> {
  const session = context.newSession();
  try {
    const file = session.newLargeFile();
    for await (const bytes of sent.source) {
      await file.write(bytes);
    }
    const { sha256, size } = await file.finish();
    if (sha256 !== sent.pointer.sha256 || size !== sent.pointer.size) {
      throw new EngineError(
        'invalid',
        `Cannot take the file ${sent.pointer.sha256}: other bytes were sent; send it again`,
      );
    }
    const packs = await session.finish();
    await context.journal.transact(
      () => ({
        operations: [{ kind: 'packs.added', repo: sent.repo, ...packs }],
        result: null,
      }),
      { actor: sent.actor },
    );
  } catch (error) {
    session.discard();
    throw error;
  }
}

/** Returns the file that a path names. */
function pointerIn(request: FastifyRequest): Pointer {
  const sha256 = param(request, 'oid');
  const size = Number(param(request, 'size'));
  if (!OID.test(sha256) || !Number.isSafeInteger(size) || size < 0) {
    throw new EngineError('not_found', `Cannot find a large file "${sha256}" of ${size} bytes`);
  }
  return { sha256, size };
}

/** Returns where a file is to be fetched, by the address that the client itself used. */
function hrefOf(request: FastifyRequest, oid: string, size: number): string {
  const [path = ''] = request.url.split('/objects/batch');
  return `${request.protocol}://${request.headers.host}${path}/objects/${oid}/${size}`;
}
