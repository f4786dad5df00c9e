// The canonical pipeline spec: the shape in which a validated spec is stored, sent and worked with. Names are
// those of schemas/pipeline.schema.json. Never holds aliases, old names or absent defaults.

/** A duration as people write it, `90s` or `1h30m`; read with `parseDuration`. */
export type DurationText = string;
/** A number of bytes as people write it, `512Mi` or `1G`; read with `parseQuantity`. */
export type QuantityText = string;

/** A pipeline as `validateSpec` returns it: defaults filled in, old names translated. */
// An alias rather than an interface, so that it is assignable to a record of unknown values.
export type PipelineSpec = {
  readonly pipeline: PipelineIdentity;
  readonly description: string;
  readonly transform: Transform;
  /** A spout's is a union of nothing. */
  readonly input: PipelineInput;
  readonly parallelism_spec: ParallelismSpec;
  /** Attempts per datum and job, at least 1. */
  readonly datum_tries: number;
  /** Limit of one attempt. */
  readonly datum_timeout?: DurationText;
  /** Limit of a whole job. */
  readonly job_timeout?: DurationText;
  readonly reprocess_spec: 'until_success' | 'every_job';
  /** Branch of the output repo that the pipeline writes. */
  readonly output_branch: string;
  readonly datum_set_spec?: DatumSetSpec;
  readonly resource_requests?: ResourceSpec;
  readonly resource_limits?: ResourceSpec;
  readonly sidecar_resource_requests?: ResourceSpec;
  readonly sidecar_resource_limits?: ResourceSpec;
  readonly metadata?: Metadata;
  readonly autoscaling: boolean;
  readonly maximum_expected_uptime?: DurationText;
  readonly s3_out: boolean;
  readonly egress?: Egress;
  readonly service?: Service;
  readonly spout?: Spout;
  readonly scheduling_spec?: SchedulingSpec;
  readonly tolerations?: readonly Toleration[];
  readonly pod_spec?: string;
  readonly pod_patch?: string;
  readonly salt?: string;
  readonly spec_commit?: Readonly<Record<string, unknown>>;
  readonly determined?: { readonly workspaces?: readonly string[] };
};

export interface PipelineIdentity {
  /** Also the name of the output repo. */
  readonly name: string;
  readonly project: { readonly name: string };
}

export interface Transform {
  readonly image: string;
  /** argv without a shell; empty: the image's own entrypoint and command. */
  readonly cmd: readonly string[];
  /** Lines for standard input; read with {@link stdinText}. */
  readonly stdin?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Exit codes that count as success beside 0. */
  readonly accept_return_code: readonly number[];
  readonly user?: string;
  readonly working_dir?: string;
  readonly debug: boolean;
  readonly dockerfile?: string;
  readonly err_cmd?: readonly string[];
  readonly err_stdin?: readonly string[];
  readonly secrets?: readonly SecretMount[];
  readonly image_pull_secrets?: readonly string[];
  readonly memory_volume: boolean;
  readonly network?: 'default' | 'none';
  readonly datum_batching: boolean;
}

export interface SecretMount {
  readonly name: string;
  readonly key?: string;
  readonly mount_path?: string;
  readonly env_var?: string;
}

/** One input: exactly one of these keys. */
export type PipelineInput =
  | { readonly pfs: PfsInput }
  | { readonly cross: readonly PipelineInput[] }
  | { readonly union: readonly PipelineInput[] }
  | { readonly join: readonly PipelineInput[] }
  | { readonly group: readonly PipelineInput[] }
  | { readonly cron: CronInput }
  | { readonly git: GitInput };

/** The keys of {@link PipelineInput}, in the order in which messages name them. */
export const INPUT_KINDS = ['pfs', 'cross', 'union', 'join', 'group', 'cron', 'git'] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

export interface PfsInput {
  /** Directory below `/pfs`, and name of environment variables. */
  readonly name: string;
  readonly project: string;
  readonly repo: string;
  readonly branch: string;
  /** With a leading slash. */
  readonly glob: string;
  readonly repo_type: 'user' | 'meta' | 'spec';
  readonly join_on: string;
  readonly outer_join: boolean;
  readonly group_by: string;
  readonly lazy: boolean;
  /** Files appear under their names with no bytes. */
  readonly empty_files: boolean;
  readonly s3: boolean;
  readonly trigger?: Trigger;
  readonly propagation_spec?: { readonly never?: boolean };
  /** The content takes no part in the datum hash. */
  readonly reference: boolean;
}

export interface Trigger {
  readonly branch?: string;
  readonly all?: boolean;
  readonly rate_limit_spec?: string;
  readonly size?: QuantityText;
  readonly commits?: number;
  readonly cron_spec?: string;
}

export interface CronInput {
  readonly name: string;
  readonly project: string;
  /** Made with the pipeline and deleted with it. */
  readonly repo: string;
  /** A schedule, in UTC. */
  readonly spec: string;
  /** Time (RFC 3339) from which ticks that are past are made up; the making of the pipeline where it is not there. */
  readonly start?: string;
  /** Each tick replaces the file of the one before. */
  readonly overwrite: boolean;
}

export interface GitInput {
  readonly name: string;
  readonly project: string;
  /** Made with the pipeline and deleted with it. */
  readonly repo: string;
  /** `https://…` or `http://…`, without credentials. */
  readonly url: string;
  /** The branch that is followed; the one the server shows first where it is not there. */
  readonly branch?: string;
  /** How often the server is looked at; `never`: only when it is asked for. The engine's own choice where it is not there. */
  readonly poll_interval?: string;
  /** With `username` and `password`, or `token`. */
  readonly secret?: { readonly name: string };
}

export interface ParallelismSpec {
  /** Workers that process datums side by side, at least 1. */
  readonly constant: number;
}

export interface DatumSetSpec {
  readonly number?: number;
  readonly size_bytes?: number;
  readonly per_worker?: number;
}

export interface ResourceSpec {
  /** CPUs, a fraction allowed. */
  readonly cpu?: number;
  readonly memory?: QuantityText;
  readonly disk?: QuantityText;
  readonly gpu?: { readonly type?: string; readonly number: number };
}

export interface Metadata {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Egress {
  readonly url?: string;
  readonly object_storage?: {
    readonly url: string;
    /** With `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. */
    readonly secret?: { readonly name: string };
  };
  readonly sql_database?: {
    readonly url: string;
    readonly file_format?: {
      readonly type: 'CSV' | 'JSON' | 'PARQUET';
      readonly columns?: readonly string[];
    };
    readonly secret?: { readonly name: string; readonly key: string };
  };
}

/** A port of a command that is reached through the engine. */
export interface Service {
  readonly internal_port: number;
  /** 0: any free one. */
  readonly external_port: number;
  readonly ip: string;
  /** Path that answers well once the command is ready; without one, a port that takes connections is enough. */
  readonly health_path?: string;
  readonly ready_timeout: DurationText;
  readonly drain_timeout: DurationText;
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Spout {
  readonly service?: Service;
  readonly overwrite?: boolean;
  /** Name of the file of a batch that is kept for the next start. */
  readonly marker?: string;
}

export interface SchedulingSpec {
  readonly node_selector?: Readonly<Record<string, string>>;
  readonly priority_class_name?: string;
}

export interface Toleration {
  readonly key?: string;
  readonly operator: string;
  readonly value?: string;
  readonly effect?: string;
  readonly toleration_seconds?: number;
}

/** Returns the text for the command's standard input, every line ended, or undefined where the spec has none. */
export function stdinText(lines: readonly string[] | undefined): string | undefined {
  return lines === undefined || lines.length === 0 ? undefined : `${lines.join('\n')}\n`;
}

/** Returns the port that a pipeline serves, of a service or of a spout. */
export function servedPort(spec: Pick<PipelineSpec, 'service' | 'spout'>): Service | undefined {
  return spec.service ?? spec.spout?.service;
}

/** Returns whether a pipeline runs for ever rather than datum by datum: a service or a spout. */
export function isHosted(spec: Pick<PipelineSpec, 'service' | 'spout'>): boolean {
  return spec.service !== undefined || spec.spout !== undefined;
}

/** Returns `project/name`, the key of a pipeline and of its output repo. */
export function pipelineKey(spec: Pick<PipelineSpec, 'pipeline'>): string {
  return `${spec.pipeline.project.name}/${spec.pipeline.name}`;
}
