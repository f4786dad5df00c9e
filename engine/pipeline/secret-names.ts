// Which secrets a spec uses. Pure.

import { gitInputs } from './input-tree.ts';
import type { PipelineSpec } from './spec.ts';

/** Returns the names of all secrets that a spec names, each once. */
export function secretsOfSpec(spec: PipelineSpec): readonly string[] {
  const { secrets = [], image_pull_secrets: pulls = [] } = spec.transform;
  const { object_storage: storage, sql_database: database } = spec.egress ?? {};
  const gits = gitInputs(spec.input).map(({ secret }) => secret?.name);
  const others = [storage?.secret?.name, database?.secret?.name, ...gits].filter(
    (name) => name !== undefined,
  );
  return [...new Set([...secrets.map(({ name }) => name), ...pulls, ...others])];
}
