// Which repo a Git client means.

import type { FastifyRequest } from 'fastify';
import type { RepoKey } from '../../journal/records.ts';
import { repoKeyOf } from '../../pfs/names.ts';
import { param } from '../http.ts';

/** Returns the key of the repo of `/git/<project>/<repo>.git/…`; the ending may be left out. */
export function gitRepoOf(request: FastifyRequest): RepoKey {
  return repoKeyOf(param(request, 'project'), param(request, 'repo').replace(/\.git$/, ''));
}
