// Commits as they travel to somebody: of what they were made from and the asker may not read, only ids.

import type { FastifyRequest } from 'fastify';
import type { CommitRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { readableNames } from './identity.ts';
import { readableProvenance } from './readable-views.ts';
import { viewCommit } from './views.ts';
import type { Commit } from './wire.ts';

/** Returns the way to view commits for the sender of a request. */
export function commitViewer(
  context: PfsContext,
): (request: FastifyRequest, commit: CommitRecord) => Commit {
  return (request, commit) =>
    readableProvenance(viewCommit(context, commit), readableNames(request, context.journal));
}
