// The door for Git: smart HTTP (gitprotocol-http) below /git/<project>/<repo>.git, with the token as the password.

import type { FastifyInstance } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { resolveRepo } from '../../pfs/commit-lookup.ts';
import { query, sendBytes } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { bodyBytes } from '../upload-body.ts';
import { gitRepoOf } from './git-repo.ts';
import { LFS_TYPE, lfsRoutes } from './lfs.ts';
import { FLUSH, PktReader, pkt } from './pkt-line.ts';
import { ReachableCache } from './reachable-cache.ts';
import { advertiseUploadPack, uploadPack } from './upload-pack.ts';

export const GIT_PREFIX = '/git';
const UPLOAD_PACK = 'git-upload-pack';

/** Adds the routes of Git. */
export function gitRoutes(
  server: FastifyInstance,
  { context, version }: EngineParts,
  onFault: (error: unknown) => void,
): void {
  const reachable = new ReachableCache();
  server.addContentTypeParser(`application/x-${UPLOAD_PACK}-request`, (_request, payload, done) =>
    done(null, payload),
  );
  server.addContentTypeParser(
    LFS_TYPE,
    { parseAs: 'string' },
    server.getDefaultJsonParser('error', 'error'),
  );

  server.get('/:project/:repo/info/refs', (request, reply) => {
    resolveRepo(context, gitRepoOf(request));
    const service = query(request, 'service');
    if (service !== UPLOAD_PACK) {
      throw new EngineError(
        'invalid',
        service === undefined
          ? 'Cannot serve a client that does not speak the smart protocol; use Git 2.18 or newer'
          : `Cannot serve "${service}"`,
      );
    }
    reply.type(`application/x-${UPLOAD_PACK}-advertisement`).header('cache-control', 'no-cache');
    if (!(request.headers['git-protocol'] ?? '').toString().split(':').includes('version=2')) {
      const problem = pkt(
        'ERR Only protocol version 2 is spoken here: git -c protocol.version=2, Git 2.18 or newer',
      );
      return reply.send(Buffer.concat([pkt(`# service=${UPLOAD_PACK}`), FLUSH, problem]));
    }
    return reply.send(advertiseUploadPack(version));
  });

  server.post(`/:project/:repo/${UPLOAD_PACK}`, (request, reply) => {
    const repo = gitRepoOf(request);
    resolveRepo(context, repo);
    reply.type(`application/x-${UPLOAD_PACK}-result`).header('cache-control', 'no-cache');
    const reader = new PktReader(bodyBytes(request));
    return sendBytes(reply, uploadPack(context, reader, { repo, reachable, onFault }), { onFault });
  });

  // In a scope of its own, since its errors are of another form.
  void server.register(async (routes) => lfsRoutes(routes, context, { reachable, onFault }));
}
