// The environment variables that user code sees for one datum. Pure; the worker hands them over.

import type { Datum, DatumInput } from './datum-identity.ts';
import type { PipelineSpec } from './spec.ts';

export interface EnvironmentOptions {
  readonly datum: Datum;
  /** Also the id of the output commit. */
  readonly jobId: string;
  readonly spec: Pick<PipelineSpec, 'pipeline' | 'transform'>;
  readonly version: number;
  /** The commit of the spec repo that holds the version. */
  readonly specCommit: string;
  /** Name of the worker. */
  readonly worker: string;
  /** The commit of each input, by {@link inputBranch}. */
  readonly commits: ReadonlyMap<string, string>;
}

/** Names that an input never takes, since programs do not start without them. */
const UNTOUCHABLE = new Set(['PATH', 'HOME', 'IFS', 'LD_PRELOAD', 'LD_LIBRARY_PATH']);

/** Returns the branch an input reads, `project/repo@branch`: the key of its commit. */
export function inputBranch(input: Pick<DatumInput, 'project' | 'repo' | 'branch'>): string {
  return `${input.project}/${input.repo}@${input.branch}`;
}

/** Returns where an input's match is found: `/pfs/<input>/<path>` in the container, or `s3://<input>`. */
export function inputPath(input: Pick<DatumInput, 'name' | 'path' | 's3'>): string {
  if (input.s3 === true) {
    return `s3://${input.name}`;
  }
  return `/pfs/${input.name}${input.path === '/' ? '' : input.path}`;
}

/**
 * Returns all variables for one datum: for each input `<name>` (its path; of a group, which may hold several files of one
 * input, the directory `/pfs/<name>`) and `<name>_COMMIT`, and of a join or a group the key as `PACH_DATUM_<name>_JOIN_ON` or
 * `PACH_DATUM_<name>_GROUP_BY`; what
 * `transform.env` says, which wins over those; and the engine's own, which win over all: `PACH_…` and `PPS_…` for code
 * written for Pachyderm, and `PFS_…`. An input whose name a shell cannot use (`my-data`) is also there with underscores.
 */
export function datumEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { datum, jobId, commits } = options;
  const environment: Record<string, string> = {};
  const keys: Record<string, string> = {};
  // A group may hold a great many files of one input, which all say the same here.
  const inputs = new Map(datum.inputs.map((input) => [input.name, input])).values();
  const named = [...inputs].map((input) => ({ input, shellName: shellNameOf(input.name) }));
  for (const { input } of named) {
    setInput(environment, { name: input.name, input, commits });
    setKeys(keys, input.name, input);
  }
  for (const { input, shellName } of named) {
    if (!Object.hasOwn(environment, shellName)) {
      setInput(environment, { name: shellName, input, commits });
      setKeys(keys, shellName, input);
    }
  }
  return {
    ...environment,
    ...pipelineEnvironment(options),
    PACH_JOB_ID: jobId,
    PACH_OUTPUT_COMMIT_ID: jobId,
    PACH_DATUM_ID: datum.id,
    ...keys,
    PFS_JOB_ID: jobId,
    PFS_OUTPUT_COMMIT_ID: jobId,
    PFS_DATUM_ID: datum.id,
  };
}

/** Returns the variables that a pipeline's code finds whatever it works on: those of its spec, and who it is. */
export function pipelineEnvironment(
  options: Pick<EnvironmentOptions, 'spec' | 'version' | 'specCommit' | 'worker'>,
): Record<string, string> {
  const { spec, version, specCommit, worker } = options;
  const { name, project } = spec.pipeline;
  return {
    ...spec.transform.env,
    PACH_IN_WORKER: 'true',
    PACH_NAMESPACE: 'default',
    PPS_PIPELINE_NAME: name,
    PPS_PROJECT_NAME: project.name,
    PPS_SPEC_COMMIT: specCommit,
    PPS_POD_NAME: worker,
    PFS_PIPELINE_NAME: name,
    PFS_PIPELINE_VERSION: String(version),
    PFS_PROJECT_NAME: project.name,
  };
}

function shellNameOf(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_');
}

function setKeys(environment: Record<string, string>, name: string, input: DatumInput): void {
  if (input.joinOn !== undefined) {
    environment[`PACH_DATUM_${name}_JOIN_ON`] = input.joinOn;
  }
  if (input.groupBy !== undefined) {
    environment[`PACH_DATUM_${name}_GROUP_BY`] = input.groupBy;
  }
}

function setInput(
  environment: Record<string, string>,
  as: { name: string; input: DatumInput; commits: ReadonlyMap<string, string> },
): void {
  if (!UNTOUCHABLE.has(as.name)) {
    const path = as.input.groupBy === undefined ? as.input.path : '/';
    environment[as.name] = inputPath({ ...as.input, path });
  }
  const commit = as.commits.get(inputBranch(as.input));
  if (commit !== undefined) {
    environment[`${as.name}_COMMIT`] = commit;
  }
}
