import assert from 'node:assert/strict';
import { it } from 'node:test';
import type {
  CronInput,
  DatumSetSpec,
  Egress,
  GitInput,
  Metadata,
  ParallelismSpec,
  PfsInput,
  PipelineIdentity,
  PipelineInput,
  PipelineSpec,
  ResourceSpec,
  SchedulingSpec,
  SecretMount,
  Service,
  Spout,
  Toleration,
  Transform,
  Trigger,
} from '../../../engine/pipeline/spec.ts';
import type { FieldSchema } from '../../../engine/pipeline/spec-schema.ts';
import { childField, resolveField, SPEC_FIELD } from '../../../engine/pipeline/spec-schema.ts';

type Keys<T> = Record<T extends unknown ? keyof T : never, true>;

/** Every property of every type, by where it stands in the schema; the compiler sees to it that none is left out. */
const TYPES: readonly (readonly [string, Record<string, true>])[] = [
  [
    '',
    {
      pipeline: true,
      description: true,
      transform: true,
      input: true,
      parallelism_spec: true,
      datum_tries: true,
      datum_timeout: true,
      job_timeout: true,
      reprocess_spec: true,
      output_branch: true,
      datum_set_spec: true,
      resource_requests: true,
      resource_limits: true,
      sidecar_resource_requests: true,
      sidecar_resource_limits: true,
      metadata: true,
      autoscaling: true,
      maximum_expected_uptime: true,
      s3_out: true,
      egress: true,
      service: true,
      spout: true,
      scheduling_spec: true,
      tolerations: true,
      pod_spec: true,
      pod_patch: true,
      salt: true,
      spec_commit: true,
      determined: true,
    } satisfies Keys<PipelineSpec>,
  ],
  ['pipeline', { name: true, project: true } satisfies Keys<PipelineIdentity>],
  ['pipeline.project', { name: true } satisfies Keys<PipelineIdentity['project']>],
  [
    'transform',
    {
      image: true,
      cmd: true,
      stdin: true,
      env: true,
      accept_return_code: true,
      user: true,
      working_dir: true,
      debug: true,
      dockerfile: true,
      err_cmd: true,
      err_stdin: true,
      secrets: true,
      image_pull_secrets: true,
      memory_volume: true,
      network: true,
      datum_batching: true,
    } satisfies Keys<Transform>,
  ],
  [
    'transform.secrets.0',
    { name: true, key: true, mount_path: true, env_var: true } satisfies Keys<SecretMount>,
  ],
  [
    'input',
    {
      pfs: true,
      cross: true,
      union: true,
      join: true,
      group: true,
      cron: true,
      git: true,
    } satisfies Keys<PipelineInput>,
  ],
  [
    'input.pfs',
    {
      name: true,
      project: true,
      repo: true,
      branch: true,
      glob: true,
      repo_type: true,
      join_on: true,
      outer_join: true,
      group_by: true,
      lazy: true,
      empty_files: true,
      s3: true,
      trigger: true,
      propagation_spec: true,
      reference: true,
    } satisfies Keys<PfsInput>,
  ],
  [
    'input.pfs.trigger',
    {
      branch: true,
      all: true,
      rate_limit_spec: true,
      size: true,
      commits: true,
      cron_spec: true,
    } satisfies Keys<Trigger>,
  ],
  [
    'input.cron',
    {
      name: true,
      project: true,
      repo: true,
      spec: true,
      start: true,
      overwrite: true,
    } satisfies Keys<CronInput>,
  ],
  [
    'input.git',
    {
      name: true,
      project: true,
      repo: true,
      url: true,
      branch: true,
      poll_interval: true,
      secret: true,
    } satisfies Keys<GitInput>,
  ],
  ['parallelism_spec', { constant: true } satisfies Keys<ParallelismSpec>],
  [
    'datum_set_spec',
    { number: true, size_bytes: true, per_worker: true } satisfies Keys<DatumSetSpec>,
  ],
  ...['resource_requests', 'resource_limits', 'sidecar_resource_limits'].map(
    (path) =>
      [
        path,
        { cpu: true, memory: true, disk: true, gpu: true } satisfies Keys<ResourceSpec>,
      ] as const,
  ),
  ['metadata', { annotations: true, labels: true } satisfies Keys<Metadata>],
  ['egress', { url: true, object_storage: true, sql_database: true } satisfies Keys<Egress>],
  ...['service', 'spout.service'].map(
    (path) =>
      [
        path,
        {
          internal_port: true,
          external_port: true,
          ip: true,
          health_path: true,
          ready_timeout: true,
          drain_timeout: true,
          type: true,
          annotations: true,
        } satisfies Keys<Service>,
      ] as const,
  ),
  ['spout', { service: true, overwrite: true, marker: true } satisfies Keys<Spout>],
  [
    'scheduling_spec',
    { node_selector: true, priority_class_name: true } satisfies Keys<SchedulingSpec>,
  ],
  [
    'tolerations.0',
    {
      key: true,
      operator: true,
      value: true,
      effect: true,
      toleration_seconds: true,
    } satisfies Keys<Toleration>,
  ],
];

/** Options of the command, fields that must stay empty, and what never works: they are in no canonical spec. */
const NEVER_CANONICAL = ['update', 'reprocess', 'dry_run', 'tf_job', 'commit'];

function fieldAt(path: string): FieldSchema {
  let field: FieldSchema | undefined = SPEC_FIELD;
  for (const part of path === '' ? [] : path.split('.')) {
    field = field && childField(field, /^\d+$/.test(part) ? Number(part) : part);
  }
  assert.ok(field !== undefined, path);
  return resolveField(field);
}

for (const [path, properties] of TYPES) {
  it(`the type and the schema of "${path || 'spec'}" have the same properties`, () => {
    const inSchema = Object.entries(fieldAt(path).properties ?? {})
      .filter(([name, field]) => {
        const isOld = field.deprecated === true && field['x-status'] !== 'kept';
        return (
          !NEVER_CANONICAL.includes(name) &&
          (!isOld || path === 'spout' || path.startsWith('input.git') || name === 'git')
        );
      })
      .map(([name]) => name);
    assert.deepEqual(inSchema.sort(), Object.keys(properties).sort());
  });
}

function* allFields(
  field: FieldSchema,
  path: string,
): Generator<readonly [string, FieldSchema, FieldSchema]> {
  for (const [name, own] of Object.entries(field.properties ?? {})) {
    const resolved = own.$ref === undefined ? own : resolveField(own);
    yield [`${path}.${name}`, own, resolved];
    // The input is the only schema that contains itself.
    if (own.$ref === undefined || !path.includes('input')) {
      yield* allFields(resolved, `${path}.${name}`);
    }
    if (resolved.items?.properties !== undefined) {
      yield* allFields(resolved.items, `${path}.${name}[]`);
    }
  }
}

it('every field of the schema says in a sentence what it is, and what becomes of it', () => {
  const fields = [...allFields(resolveField(SPEC_FIELD), 'spec')];
  assert.ok(fields.length > 150, `only ${fields.length} fields were looked at`);
  for (const [path, own] of fields) {
    assert.match(own.description ?? '', /^\S.{8,}\.$/, `${path} needs a description`);
    assert.ok(
      ['effective', 'kept', 'not_yet', 'refused'].includes(own['x-status'] ?? ''),
      `${path} needs an x-status`,
    );
  }
});

it('no object of the schema takes unknown fields, but for maps of text', () => {
  for (const [path, , field] of allFields(resolveField(SPEC_FIELD), 'spec')) {
    if (field.properties !== undefined) {
      assert.equal(field.additionalProperties, false, path);
    }
  }
});
