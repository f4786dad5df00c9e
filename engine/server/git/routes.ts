// The door for Git: smart HTTP (gitprotocol-http) below /git/<project>/<repo>.git, with the token as the password.

import type { FastifyInstance } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { FLUSH, PktReader, pkt } from '../../git/pkt-line.ts';
import { resolveRepo } from '../../pfs/commit-lookup.ts';
import { gitRefs } from '../../pfs/git-refs.ts';
import { query, sendBytes } from '../http.ts';
import { askerOf, demandRepo } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { bodyBytes } from '../upload-body.ts';
import { gitRepoOf } from './git-repo.ts';
import { lfsRoutes } from './lfs.ts';
import { advertiseReceivePack, receivePack } from './receive-pack.ts';
import { RepoObjects } from './repo-objects.ts';
import { advertiseUploadPack, uploadPack } from './upload-pack.ts';

const UPLOAD_PACK = 'git-upload-pack';
const RECEIVE_PACK = 'git-receive-pack';

/** Adds the routes of Git. */
export function gitRoutes(
  server: FastifyInstance,
  { context, version, scratch }: EngineParts,
  onFault: (error: unknown, request?: string) => void,
): void {
  const owned = new RepoObjects(context);
  for (const service of [UPLOAD_PACK, RECEIVE_PACK]) {
    const type = `application/x-${service}-request`;
    server.addContentTypeParser(type, (_request, payload, done) => done(null, payload));
  }

  server.get('/:project/:repo/info/refs', async (request, reply) => {
    const refs = await gitRefs(context, gitRepoOf(request));
    const service = query(request, 'service');
    if (service !== UPLOAD_PACK && service !== RECEIVE_PACK) {
      throw new EngineError(
        'invalid',
        service === undefined
          ? 'Cannot serve a client that does not speak the smart protocol; use Git 2.18 or newer'
          : `Cannot serve "${service}"`,
      );
    }
    if (service === RECEIVE_PACK) {
      demandRepo(request, context.journal.state, { repo: gitRepoOf(request), role: 'writer' });
    }
    reply.type(`application/x-${service}-advertisement`).header('cache-control', 'no-cache');
    if (service === RECEIVE_PACK) {
      return reply.send(advertiseReceivePack(refs, version));
    }
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
    return sendBytes(reply, uploadPack(context, reader, { repo, owned, onFault }), { onFault });
  });

  server.post(`/:project/:repo/${RECEIVE_PACK}`, (request, reply) => {
    const repo = gitRepoOf(request);
    resolveRepo(context, repo);
    reply.type(`application/x-${RECEIVE_PACK}-result`).header('cache-control', 'no-cache');
    const answer = receivePack(context, new PktReader(bodyBytes(request)), {
      repo,
      scratch,
      owned: (refs) => owned.owned(repo, refs),
      request: askerOf(request),
      onFault,
    });
    return sendBytes(reply, answer, { onFault });
  });

  // In a scope of its own, since its errors are of another form.
  void server.register(async (routes) => lfsRoutes(routes, context, { owned, onFault }));
}
