// Brings a valid spec into its canonical form: defaults filled in, old names translated. Trusts that the schema and
// the rules hold.

import { nameOfUrl } from './git-url.ts';
import { cleanGlob } from './glob-text.ts';
import { parseCpu } from './quantity.ts';
import type {
  CronInput,
  GitInput,
  PfsInput,
  PipelineInput,
  PipelineSpec,
  ResourceSpec,
  Service,
  Spout,
} from './spec.ts';
import type { SpecPath } from './spec-document.ts';
import { SPEC_FIELD } from './spec-schema.ts';

/** A valid spec with the names of the schema, before defaults; old fields may be there. */
type ValidSpec = Partial<Omit<PipelineSpec, 'pipeline' | 'transform' | 'input'>> & {
  readonly pipeline: { readonly name: string; readonly project?: { readonly name?: string } };
  readonly transform: { readonly image: string } & Partial<PipelineSpec['transform']>;
  readonly input?: ValidInput;
  readonly inputs?: readonly OldInput[];
  readonly chunk_spec?: PipelineSpec['datum_set_spec'];
  readonly resource_spec?: RawResources;
  readonly standby?: boolean;
};

type ValidPfs = { readonly repo: string; readonly glob: string } & Partial<PfsInput>;
type ValidGit = Pick<GitInput, 'url'> & Partial<GitInput>;
type ValidCron = Pick<CronInput, 'name' | 'spec'> & Partial<CronInput>;
type ValidInput = Partial<Record<'pfs' | 'atom', ValidPfs>> & {
  readonly cron?: ValidCron;
  readonly git?: ValidGit;
} & Partial<Record<(typeof COMBINATIONS)[number], readonly ValidInput[]>>;

const COMBINATIONS = ['cross', 'union', 'join', 'group'] as const;

interface OldInput {
  readonly name?: string;
  readonly repo: { readonly name: string };
  readonly branch?: string;
  readonly glob: string;
  readonly lazy?: boolean;
}

interface RawResources {
  readonly cpu?: number | string;
  readonly memory?: string;
  readonly disk?: string;
  readonly gpu?: number | { readonly type?: string; readonly number: number };
}

/** Returns the canonical form of a valid spec that uses the names of the schema. */
export function canonicalSpec(value: unknown, options: { defaultProject: string }): PipelineSpec {
  const spec = value as ValidSpec;
  const project = spec.pipeline.project?.name ?? options.defaultProject;
  const names = { pipeline: spec.pipeline.name, project, branchOf: triggerBranches(spec) };
  const { constant } = spec.parallelism_spec ?? {};
  const requests = resources(spec.resource_requests ?? spec.resource_spec);
  return {
    ...current(spec as Readonly<Record<string, unknown>>),
    pipeline: { name: spec.pipeline.name, project: { name: project } },
    description: spec.description ?? '',
    transform: transform(spec.transform),
    ...optional('egress', egress(spec.egress)),
    input: spec.spout
      ? { union: [] }
      : input(spec.input ?? fromOldInputs(spec.inputs ?? []), names),
    parallelism_spec: { constant: constant ?? 1 },
    datum_tries: spec.datum_tries ?? 3,
    reprocess_spec: spec.reprocess_spec ?? 'until_success',
    output_branch: spec.output_branch ?? 'master',
    autoscaling: spec.autoscaling ?? spec.standby ?? false,
    s3_out: spec.s3_out ?? false,
    ...optional('service', spec.service && service(spec.service)),
    ...optional('spout', spec.spout && spout(spec.spout)),
    ...optional('datum_set_spec', spec.datum_set_spec ?? spec.chunk_spec),
    ...optional('resource_requests', requests),
    ...optional('resource_limits', resources(spec.resource_limits)),
    ...optional('sidecar_resource_requests', resources(spec.sidecar_resource_requests)),
    ...optional('sidecar_resource_limits', resources(spec.sidecar_resource_limits)),
  };
}

/**
 * Returns the path that a path of the canonical form has in the spec it was made from, where old names were
 * translated.
 */
export function pathBeforeTranslation(value: unknown, path: SpecPath): SpecPath {
  const spec = value as Readonly<Record<string, unknown>>;
  const inputs = spec.inputs;
  if (path[0] === 'input' && spec.input === undefined && Array.isArray(inputs)) {
    const isCross = path[1] === 'cross';
    const rest = path.slice(isCross ? 4 : 2);
    const index = isCross ? Number(path[2] ?? 0) : 0;
    return ['inputs', index, ...(rest[0] === 'repo' ? ['repo', 'name'] : rest)];
  }
  const result: (string | number)[] = [];
  let node: unknown = value;
  for (const part of path) {
    const fields = (node ?? {}) as Readonly<Record<string | number, unknown>>;
    const name = part === 'pfs' && fields.pfs === undefined && fields.atom ? 'atom' : part;
    result.push(name);
    node = fields[name];
  }
  return result;
}

/** Leaves out what only older versions had, and the options of the command. */
function current(spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const commandOptions = ['update', 'reprocess', 'dry_run', 'tf_job'];
  return Object.fromEntries(
    Object.entries(spec).filter(([name]) => {
      if (name === 'egress') {
        return false;
      }
      const field = SPEC_FIELD.properties?.[name];
      const isGone = field?.deprecated === true && field['x-status'] !== 'kept';
      return !isGone && !commandOptions.includes(name);
    }),
  );
}

function transform(given: ValidSpec['transform']): PipelineSpec['transform'] {
  const {
    build: _build,
    overwrite: _overwrite,
    ...rest
  } = given as typeof given & {
    build?: unknown;
    overwrite?: unknown;
  };
  return {
    ...rest,
    cmd: given.cmd ?? [],
    env: given.env ?? {},
    accept_return_code: given.accept_return_code ?? [],
    debug: given.debug ?? false,
    memory_volume: given.memory_volume ?? false,
    datum_batching: given.datum_batching ?? false,
  };
}

function egress(given: ValidSpec['egress']): PipelineSpec['egress'] {
  const { URL: old, ...rest } = (given ?? {}) as typeof given & { readonly URL?: string };
  const all = { ...rest, ...(old ? { url: old } : {}) };
  return Object.keys(all).length === 0 ? undefined : all;
}

function fromOldInputs(inputs: readonly OldInput[]): ValidInput {
  const members = inputs.map(({ name, repo, branch, glob, lazy }) => ({
    pfs: {
      repo: repo.name,
      glob,
      ...optional('name', name),
      ...optional('branch', branch),
      ...optional('lazy', lazy),
    },
  }));
  return members.length === 1 && members[0] !== undefined ? members[0] : { cross: members };
}

/** What an input does not say by itself. */
interface Names {
  readonly pipeline: string;
  readonly project: string;
  /** The branch of an input with a trigger that names none. */
  readonly branchOf: (input: ValidPfs) => string | undefined;
}

/**
 * Names the branches of inputs that have a trigger and no branch: `<pipeline>-trigger-<n>`, counted in the order of their
 * names, so that the order of members does not matter.
 */
function triggerBranches(spec: ValidSpec): Names['branchOf'] {
  const inputs: ValidPfs[] = [];
  const collect = (given: ValidInput) => {
    const leaf = given.pfs ?? given.atom;
    if (leaf?.trigger !== undefined && leaf.branch === undefined) {
      inputs.push(leaf);
    }
    for (const kind of COMBINATIONS) {
      given[kind]?.forEach(collect);
    }
  };
  collect(spec.input ?? {});
  const keyOf = (leaf: ValidPfs) => JSON.stringify([leaf.name ?? leaf.repo, leaf]);
  inputs.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const names = new Map(
    inputs.map((leaf, index) => [leaf, `${spec.pipeline.name}-trigger-${index + 1}`]),
  );
  return (leaf) => names.get(leaf);
}

function input(given: ValidInput, names: Names): PipelineInput {
  for (const kind of COMBINATIONS) {
    const members = given[kind];
    if (members !== undefined) {
      // The schema lets no input have two keys.
      return {
        [kind]: members.map((member) => input(member, names)),
      } as unknown as PipelineInput;
    }
  }
  if (given.cron !== undefined) {
    return { cron: cronInput(given.cron, names) };
  }
  if (given.git !== undefined) {
    return { git: gitInput(given.git, names) };
  }
  const leaf = given.pfs ?? given.atom;
  // Other kinds are refused before; they come through as they are once they are supported.
  return leaf === undefined ? (given as unknown as PipelineInput) : { pfs: pfsInput(leaf, names) };
}

function cronInput(given: ValidCron, { pipeline, project }: Names): CronInput {
  return {
    name: given.name,
    project: given.project ?? project,
    repo: given.repo ?? `${pipeline}_${given.name}`,
    spec: given.spec.trim(),
    overwrite: given.overwrite ?? false,
    ...optional('start', given.start),
  };
}

function gitInput(given: ValidGit, { pipeline, project }: Names): GitInput {
  const name = given.name ?? nameOfUrl(given.url);
  return {
    name,
    project: given.project ?? project,
    repo: given.repo ?? `${pipeline}_${name}`,
    url: given.url,
    ...optional('branch', given.branch || undefined),
    ...optional('poll_interval', given.poll_interval),
    ...optional('secret', given.secret),
  };
}

function pfsInput(given: ValidPfs, { project, branchOf }: Names): PfsInput {
  return {
    name: given.name ?? given.repo,
    project: given.project ?? project,
    repo: given.repo,
    branch: given.branch ?? branchOf(given) ?? 'master',
    glob: cleanGlob(given.glob),
    repo_type: given.repo_type ?? 'user',
    join_on: given.join_on ?? '',
    outer_join: given.outer_join ?? false,
    group_by: given.group_by ?? '',
    lazy: given.lazy ?? false,
    empty_files: given.empty_files ?? false,
    s3: given.s3 ?? false,
    reference: given.reference ?? false,
    ...optional('trigger', given.trigger),
    ...optional('propagation_spec', given.propagation_spec),
  };
}

function service(given: Pick<Service, 'internal_port'> & Partial<Service>): Service {
  return {
    external_port: 0,
    ip: '127.0.0.1',
    ready_timeout: '60s',
    drain_timeout: '30s',
    ...given,
  };
}

function spout(given: Spout): Spout {
  return { ...given, ...optional('service', given.service && service(given.service)) };
}

function resources(given: RawResources | undefined): ResourceSpec | undefined {
  if (given === undefined) {
    return undefined;
  }
  const { cpu, gpu, memory, disk } = given;
  return {
    ...optional('cpu', typeof cpu === 'string' ? parseCpu(cpu) : cpu),
    ...optional('memory', memory),
    ...optional('disk', disk),
    ...optional('gpu', typeof gpu === 'number' ? { number: gpu } : gpu),
  };
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]: V });
}
