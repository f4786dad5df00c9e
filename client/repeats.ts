// Which requests may be sent again when the connection breaks. Types keep the list of those that no idempotency key makes safe whole.

import type { Operations } from '../engine/server/operations/all.ts';
import type { Key } from '../engine/server/operations/types.ts';

type NotOnce = {
  [K in Key]: Operations[K] extends { readonly isOnce: false } ? K : never;
}[Key];

/** Whether each of them only reads. */
const ONLY_READS: Readonly<Record<NotOnce, boolean>> = {
  'DELETE /session': false,
  'POST /auth/tokens': false,
  'POST /collection': false,
  'POST /engine/stop': false,
  'POST /hooks/git/{hook}': false,
  'POST /pipelines/{project}/{pipeline}/gits/look': false,
  'POST /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}/debug': false,
  'POST /previews': true,
  'POST /previews/datums': true,
  'POST /secret-keys/export': true,
  'POST /secret-keys/import': false,
  'POST /session': false,
  'POST /session/codes': false,
  'POST /store/mirror': false,
  'POST /store/repair': false,
  'POST /validations': true,
  'POST /workbench': false,
};

/** Returns whether an operation that is sent twice has no other effect than when it is sent once. */
export function mayRepeat(key: Key): boolean {
  return (ONLY_READS as Partial<Record<Key, boolean>>)[key] ?? true;
}
