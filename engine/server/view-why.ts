// How the reasons of a datum travel.

import type { DatumWhy as WhyRecord } from '../jobs/why.ts';
import { viewDatum, viewImage } from './views.ts';
import type { DatumWhy } from './wire-why.ts';

/** Returns why a datum ran, or did not, as it travels. */
export function viewWhy(why: WhyRecord): DatumWhy {
  const { one, cause, differences, earlier, made } = why;
  return {
    datum: viewDatum({ id: why.job }, one),
    cause,
    differences: differences.map(({ part, input, was, is, files = [] }) => ({
      part,
      was,
      is,
      files,
      input: input
        ? {
            name: input.name,
            repo: { project: input.project, name: input.repo },
            path: input.path,
          }
        : null,
    })),
    earlier: earlier
      ? {
          job: earlier.job,
          state: earlier.state,
          reason: earlier.reason,
          version: earlier.version,
          image: viewImage(earlier.image),
        }
      : null,
    made: made ? viewWhy(made) : null,
  };
}
