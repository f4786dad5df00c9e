// Large files for git-lfs: its batch API with the `basic` transfer, and the files themselves, by ranges.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { encodePointer } from '../../content/pointer.ts';
import { objectId } from '../../git/object-id.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { gitRefs } from '../../pfs/git-refs.ts';
import { body, param, sendBytes } from '../http.ts';
import { isFault, toProblem } from '../problem.ts';
import { rangeOf } from '../range.ts';
import { gitRepoOf } from './git-repo.ts';
import type { ReachableCache } from './reachable-cache.ts';

export const LFS_TYPE = 'application/vnd.git-lfs+json';
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
  options: { readonly reachable: ReachableCache; readonly onFault: (error: unknown) => void },
): void {
  const { reachable, onFault } = options;
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
    if (operation !== 'download') {
      throw new EngineError(
        'invalid',
        `Cannot "${String(operation)}" large files of "${repo}": there is only "download"`,
      );
    }
    const wanted = readObjects(objects);
    const all =
      wanted.length === 0
        ? undefined
        : await reachable.of(context, repo, await gitRefs(context, repo));
    const { authorization } = request.headers;
    const header = authorization === undefined ? {} : { header: { authorization } };
    reply.type(LFS_TYPE);
    return {
      transfer: 'basic',
      objects: wanted.map(({ oid, size }) =>
        all?.hasHex(blobOf({ oid, size }))
          ? {
              oid,
              size,
              authenticated: true,
              actions: { download: { href: hrefOf(request, oid, size), ...header } },
            }
          : {
              oid,
              size,
              error: { code: 404, message: `no branch or tag of the repo has the file ${oid}` },
            },
      ),
    };
  });

  server.get('/:project/:repo/info/lfs/objects/:oid/:size', async (request, reply) => {
    const repo = gitRepoOf(request);
    const oid = param(request, 'oid');
    const size = Number(param(request, 'size'));
    const blob = OID.test(oid) && Number.isSafeInteger(size) ? blobOf({ oid, size }) : '';
    const all = await reachable.of(context, repo, await gitRefs(context, repo));
    if (blob === '' || !all.hasHex(blob)) {
      throw new EngineError(
        'not_found',
        `Cannot send the file ${oid}: no branch or tag of the repo has it`,
      );
    }
    return sendFile(request, reply, { blob, size });
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

/** Returns the id of the blob that stands for a large file in trees. */
function blobOf({ oid, size }: Wanted): string {
  return objectId('blob', encodePointer({ sha256: oid, size }));
}

/** Returns where a file is to be fetched, by the address that the client itself used. */
function hrefOf(request: FastifyRequest, oid: string, size: number): string {
  const [path = ''] = request.url.split('/objects/batch');
  return `${request.protocol}://${request.headers.host}${path}/objects/${oid}/${size}`;
}
