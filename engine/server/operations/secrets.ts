// The operations of secrets.

import { page } from '../wire-schema.ts';
import { PutSecret, Secret, SecretKeyIds, SecretKeys } from '../wire-secrets.ts';
import { flag, operations, PAGED, query } from './operation.ts';

export const SECRET_OPERATIONS = operations({
  'GET /secrets': {
    id: 'listSecrets',
    tag: 'secrets',
    summary: 'Lists secrets, without their values.',
    query: query(PAGED),
    answer: page(Secret),
    example: {},
  },
  'POST /secrets': {
    id: 'putSecret',
    tag: 'secrets',
    summary: 'Makes a secret, or with `update` its next version.',
    query: query({ update: flag('Changes one that is there.') }),
    body: PutSecret,
    answer: Secret,
    example: { body: { name: 'mail', values: { password: 'c3Blcm8=' } } },
  },
  'GET /secrets/{name}': {
    id: 'getSecret',
    tag: 'secrets',
    summary: 'Returns a secret, without its values.',
    answer: Secret,
    example: {},
  },
  'DELETE /secrets/{name}': {
    id: 'deleteSecret',
    tag: 'secrets',
    summary: 'Deletes a secret.',
    status: 204,
    example: {},
  },
  'POST /secret-keys/export': {
    id: 'exportSecretKeys',
    tag: 'secrets',
    summary: 'Returns the keys that open the secrets: the only answer that holds anything secret.',
    isOnce: false,
    answer: SecretKeys,
    example: {},
  },
  'POST /secret-keys/import': {
    id: 'importSecretKeys',
    tag: 'secrets',
    summary: 'Takes in keys that were exported.',
    isOnce: false,
    body: SecretKeys,
    answer: SecretKeyIds,
    example: { body: { text: 'the exported keys' } },
  },
});
