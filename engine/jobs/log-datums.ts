// Which datums of jobs read a path.

import type { JobRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { compileGlob } from '../pfs/glob.ts';
import { IdSet } from '../pfs/id-set.ts';
import type { DatumInput } from '../pipeline/datum-identity.ts';
import { allDatums, loadJobInputs } from './job-inputs.ts';

/** Ids of datums. */
export interface DatumSet {
  has(id: string): boolean;
}

/** As much of an id as the set holds. */
const SET_DIGITS = 40;

/**
 * Returns the datums of jobs that read a path, something below it or above it: a glob, perhaps after a repo and a colon. Twenty bytes
 * are kept of each. Rejects with `invalid` for a glob that is none.
 */
export async function datumsReading(
  context: PfsContext,
  jobs: readonly Pick<JobRecord, 'pipeline' | 'id' | 'salt' | 'specCommit'>[],
  path: string,
): Promise<DatumSet> {
  const matches = pathMatcher(path);
  const found = new IdSet();
  for (const job of jobs) {
    for await (const datum of allDatums(context, await loadJobInputs(context, job))) {
      if (datum.inputs.some(matches)) {
        found.addHex(datum.id.slice(0, SET_DIGITS));
      }
    }
  }
  return { has: (id) => id.length >= SET_DIGITS && found.hasHex(id.slice(0, SET_DIGITS)) };
}

function pathMatcher(text: string): (input: DatumInput) => boolean {
  const colon = text.indexOf(':');
  const repo = colon < 0 ? undefined : text.slice(0, colon);
  const path = `/${text.slice(colon + 1).replace(/^\/+|\/+$/g, '')}`;
  const glob = compileGlob(path);
  return (input) => {
    const at = input.path;
    const isRepo =
      repo === undefined || repo === input.repo || repo === `${input.project}/${input.repo}`;
    return (
      isRepo &&
      (glob.match(at) !== undefined ||
        at === '/' ||
        path === '/' ||
        at.startsWith(`${path}/`) ||
        path.startsWith(`${at}/`))
    );
  };
}
