// Changing the defaults of the cluster or a project. Pipelines that are there keep what they have, until they are updated
// or the change is asked to bring them up to date.

import { isDeepStrictEqual } from 'node:util';
import { EngineError, isEngineError } from '../base/errors.ts';
import {
  CLUSTER_SCOPE,
  type DefaultsRecord,
  type PipelineKey,
  type PipelineRecord,
} from '../journal/records.ts';
import type { ChangeRequest } from '../journal/requests.ts';
import type { State } from '../journal/state.ts';
import { type Change, decideOn, gather } from '../pfs/change.ts';
import type { PfsContext } from '../pfs/context.ts';
import { Facts, MissingFact } from '../pfs/facts.ts';
import { shortRepo, splitRepoKey } from '../pfs/names.ts';
import { resolveProject } from '../pfs/projects.ts';
import { readDefaults } from '../pipeline/defaults.ts';
import type { ValidatedSpec } from '../pipeline/validate-spec.ts';
import { checkGlob } from './offline-specs.ts';
import { checkBatch, putSpecsIn } from './pipelines.ts';
import { readSpecs } from './spec-reading.ts';
import { readSpecCommit } from './spec-repo.ts';

/** What a change of defaults comes to. */
export interface DefaultsChange {
  /** Null where they were deleted. */
  readonly defaults: DefaultsRecord | null;
  /** Pipelines of the scope whose specs differ from what they would be with these defaults, in the order of their names. */
  readonly affected: readonly PipelineKey[];
  /** Whether those have been updated. */
  readonly isRegenerated: boolean;
}

export type PutDefaults = Extract<ChangeRequest, { kind: 'defaults.put' }>;
export type DeleteDefaults = Extract<ChangeRequest, { kind: 'defaults.delete' }>;

interface Regeneration {
  readonly scope: string;
  readonly regenerate: boolean;
  readonly reprocess: boolean;
}

/** Returns a scope as the command line has it. */
export function scopeOption(scope: string): string {
  return scope === CLUSTER_SCOPE ? '--cluster' : `--project ${scope.slice('project/'.length)}`;
}

/** Returns the defaults of a scope; undefined where there are none. `not_found` where there is no such project. */
export function findDefaults(context: PfsContext, scope: string): DefaultsRecord | undefined {
  if (scope !== CLUSTER_SCOPE) {
    resolveProject(context, scope.slice('project/'.length));
  }
  return context.journal.state.defaults.get(scope);
}

/** Sets the defaults of a scope, whole. Rejects with `invalid`, or `already_exists` where they were to be made. */
export function putDefaultsIn(change: Change, options: PutDefaults): DefaultsChange {
  const { scope, text, fileName } = options;
  const known = findDefaults(change.context, scope);
  if (options.create && known) {
    throw new EngineError(
      'already_exists',
      `Cannot create defaults ${scopeOption(scope)}: there are some already; pfs update-defaults replaces them`,
    );
  }
  const value = readDefaults(text, { fileName, checkGlob });
  const defaults: DefaultsRecord = { scope, value, text, updated: change.time };
  change.add({ kind: 'defaults.put', defaults });
  return { defaults, ...bringUp(change, options) };
}

/** Deletes the defaults of a scope; `not_found` where there are none. */
export function deleteDefaultsIn(change: Change, options: DeleteDefaults): DefaultsChange {
  const { scope } = options;
  if (findDefaults(change.context, scope) === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot delete defaults ${scopeOption(scope)}: there are none`,
    );
  }
  change.add({ kind: 'defaults.deleted', scope });
  return { defaults: null, ...bringUp(change, options) };
}

/** Works out what a change of defaults would come to, and makes nothing. Rejects as the change would. */
export async function tryDefaults(
  context: PfsContext,
  options: PutDefaults | DeleteDefaults,
): Promise<DefaultsChange> {
  const facts = new Facts(context, { trial: true });
  const [set, time] = [context.ids.next(), context.clock.now()];
  const run = () =>
    decideOn(context.journal.state, { context, facts, set, time }, (change) =>
      options.kind === 'defaults.put'
        ? putDefaultsIn(change, options)
        : deleteDefaultsIn(change, options),
    ).result;
  try {
    for (;;) {
      try {
        return run();
      } catch (error) {
        if (!(error instanceof MissingFact)) {
          throw error;
        }
        await gather(facts, { first: error, run: () => void run() });
      }
    }
  } finally {
    facts.close();
  }
}

function bringUp(change: Change, options: Regeneration): Omit<DefaultsChange, 'defaults'> {
  const { scope, regenerate, reprocess } = options;
  const pipelines = pipelinesOf(change.state, scope);
  const texts = authorTexts(change, pipelines);
  const affected: PipelineKey[] = [];
  const changed: ValidatedSpec[] = [];
  for (const pipeline of pipelines) {
    const now = readAgain(change.state, { pipeline, text: texts.get(pipeline.key) ?? '' });
    if (isEngineError(now) && regenerate) {
      throw new EngineError(
        'invalid',
        `Cannot change the defaults ${scopeOption(scope)}: pipeline "${shortRepo(pipeline.key)}" could not be what it says on top of them. ${now.message}`,
        { cause: now },
      );
    }
    if (isEngineError(now) || !isDeepStrictEqual(now.spec, pipeline.spec)) {
      affected.push(pipeline.key);
      changed.push(...(isEngineError(now) ? [] : [now]));
    }
  }
  if (regenerate && changed.length > 0) {
    const update = { update: true, reprocess, keepMaker: true };
    putSpecsIn(change, checkBatch(change.state, changed, update), update);
  }
  return { affected, isRegenerated: regenerate };
}

function pipelinesOf(state: State, scope: string): PipelineRecord[] {
  const prefix = scope === CLUSTER_SCOPE ? '' : `${scope.slice('project/'.length)}/`;
  return [...state.pipelines.prefix(prefix)].map(([, pipeline]) => pipeline);
}

/** Returns the specs of pipelines as their authors wrote them, all as one fact. */
function authorTexts(
  change: Change,
  pipelines: readonly PipelineRecord[],
): ReadonlyMap<PipelineKey, string> {
  const { context, facts } = change;
  const versions = pipelines.map(({ key, specCommit }) => `${key}@${specCommit}`).join(' ');
  return facts.find(`specs ${versions}`, async () => {
    const texts = new Map<PipelineKey, string>();
    for (const { key, specCommit } of pipelines) {
      texts.set(key, (await readSpecCommit(context, key, specCommit)).text);
    }
    return texts;
  });
}

/** Returns what a spec comes to on the defaults as they are, or what is wrong with it. */
function readAgain(
  state: State,
  of: { readonly pipeline: PipelineRecord; readonly text: string },
): ValidatedSpec | EngineError {
  const { project } = splitRepoKey(of.pipeline.key);
  try {
    const fileName = shortRepo(of.pipeline.key);
    const [validated] = readSpecs(of.text, { fileName, project, state });
    return validated ?? new EngineError('invalid', `there is no spec in "${fileName}"`);
  } catch (error) {
    if (isEngineError(error, 'invalid')) {
      return error;
    }
    throw error;
  }
}
