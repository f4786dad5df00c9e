// Whether the secrets that a spec names are there, with the values it asks for. Pure.

import { gitInputs } from './input-tree.ts';
import type { PipelineSpec } from './spec.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';

/** Returns the names of a secret's values; undefined where there is no such secret. */
export type KeysOfSecret = (name: string) => readonly string[] | undefined;

/** Returns which of the secrets of a spec are missing, or lack a value. */
export function missingSecrets(spec: PipelineSpec, keysOf: KeysOfSecret): SpecProblem[] {
  const { secrets = [], image_pull_secrets: pulls = [] } = spec.transform;
  const { object_storage: storage, sql_database: database } = spec.egress ?? {};
  const named: (readonly [SpecPath, string, string | undefined])[] = [
    ...secrets.map(
      ({ name, key }, index) => [['transform', 'secrets', index], name, key || undefined] as const,
    ),
    ...pulls.map(
      (name, index) => [['transform', 'image_pull_secrets', index], name, undefined] as const,
    ),
    ...gitInputs(spec.input).flatMap(({ secret }) =>
      secret ? [[['input'], secret.name, undefined] as const] : [],
    ),
    ...(storage?.secret
      ? [
          [
            ['egress', 'object_storage', 'secret'],
            storage.secret.name,
            'AWS_ACCESS_KEY_ID',
          ] as const,
        ]
      : []),
    ...(database?.secret
      ? [[['egress', 'sql_database', 'secret'], database.secret.name, database.secret.key] as const]
      : []),
  ];
  return named.flatMap(([path, name, key]) => {
    const keys = keysOf(name);
    if (keys === undefined) {
      const message = `there is no secret "${name}"; make it first, with pfs create-secret ${name}`;
      return [{ path, message }];
    }
    return key === undefined || keys.includes(key)
      ? []
      : [{ path, message: `secret "${name}" has no value "${key}", only ${keys.join(', ')}` }];
  });
}
