// With whose rights a pipeline reads: those of the user who made its version.

import type { Asker } from '../auth/asker.ts';
import { demand, may, type Need, scopeOfRepo, shownScope } from '../auth/rights.ts';
import { type MakerRecord, repoScope, secretScope } from '../journal/auth-records.ts';
import type { PipelineRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { Change } from '../pfs/change.ts';
import { pfsInputs } from '../pipeline/input-tree.ts';
import { secretsOfSpec } from '../pipeline/secret-names.ts';
import { type PipelineSpec, pipelineKey } from '../pipeline/spec.ts';
import { ownRepos } from './own-repos.ts';

/** A pipeline, as far as it says what is read. */
type Reading = Pick<PipelineRecord, 'crons' | 'gits'> & { readonly spec: PipelineSpec };

/** Returns who makes a version of a pipeline; `permission_denied` where they may not read what it reads. */
export function makerOf(change: Change, pipeline: Reading): MakerRecord | undefined {
  const { actor, user } = change.asker;
  for (const need of needsOf(change.state, pipeline)) {
    change.demand(need);
  }
  return user === undefined ? undefined : { name: actor, id: user };
}

/** Rejects with `permission_denied` who may not read what specs would read; they may read one another's outputs. */
export function demandReading(state: State, asker: Asker, specs: readonly PipelineSpec[]): void {
  const made = specs.map((spec) => repoScope(pipelineKey(spec)));
  for (const spec of specs) {
    const needs = needsOf(state, { spec }).filter(({ scope }) => !made.includes(scope));
    for (const need of needs) {
      demand(state, asker, need);
    }
  }
}

/** Rejects with `permission_denied` who may not read what a pipeline reads. */
export function demandInputs(state: State, asker: Asker, pipeline: PipelineRecord): void {
  for (const need of needsOf(state, pipeline as unknown as Reading)) {
    demand(state, asker, need);
  }
}

/**
 * Says why a pipeline may not run, which is a lack of rights of its maker; undefined where it may. Ask it before anything of the
 * pipeline is started that reads, or is given secrets.
 */
export function makerProblem(state: State, pipeline: PipelineRecord): string | undefined {
  const { maker } = pipeline;
  if (maker === undefined) {
    return undefined;
  }
  const remedy = 'pfs update-pipeline by somebody who may read it makes it go on';
  if (state.users.get(maker.name)?.id !== maker.id) {
    return `user ${maker.name}, with whose rights it reads, was deleted; ${remedy}`;
  }
  const asker = { actor: maker.name, user: maker.id };
  const lacking = needsOf(state, pipeline as unknown as Reading).find(
    (need) => !may(state, asker, need),
  );
  return (
    lacking &&
    `user ${maker.name}, with whose rights it reads, may not read ${shownScope(lacking.scope)} any more; ${remedy}`
  );
}

/** Its own repos, which it fills itself, are not among them. */
function needsOf(state: State, pipeline: Reading): Need[] {
  const own = ownRepos(pipeline);
  const scopes = pfsInputs(pipeline.spec.input)
    .map(({ project, repo }) => `${project}/${repo}`)
    .filter((repo) => !own.includes(repo))
    .map((repo) => scopeOfRepo(state, repo));
  const secrets = secretsOfSpec(pipeline.spec).map(secretScope);
  return [...new Set([...scopes, ...secrets])].map((scope) => ({ role: 'reader', scope }));
}
