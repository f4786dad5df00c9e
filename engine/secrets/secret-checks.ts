// What may be wrong with secrets, for people who ask after the health of an engine.

import type { Secrets } from './secrets.ts';

/** As `pfs doctor` shows findings. */
export interface SecretCheck {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly remedy: string;
}

const NAME = 'secrets';

/** Looks whether secrets can be opened here, and would be if this machine were lost. Nothing where there are none. */
export function checkSecrets(secrets: Secrets): SecretCheck[] {
  const all = secrets.list();
  if (all.length === 0) {
    return [];
  }
  const { keys } = secrets;
  const checks: SecretCheck[] = [];
  const lost = all.filter(({ sealed }) => keys.find(sealed.keyId) === undefined);
  if (lost.length > 0) {
    const names = lost.map(({ name }) => name).join(', ');
    const ids = [...new Set(lost.map(({ sealed }) => sealed.keyId))].join(', ');
    checks.push({
      name: NAME,
      state: 'problem',
      detail: `this engine does not have the key ${ids} of ${names}`,
      remedy:
        'bring it with pfs secret import-key, or give the values again with pfs update-secret',
    });
  }
  const used = new Set(all.map(({ sealed }) => sealed.keyId).filter((id) => keys.find(id)));
  const alone = [...used].filter((id) => !keys.isCopied(id));
  if (alone.length > 0) {
    checks.push({
      name: NAME,
      state: 'warning',
      detail: `the key ${alone.join(', ')} is in ${keys.file} and nowhere else: without it nobody can read the secrets of this store`,
      remedy: 'keep a copy outside this machine: pfs secret export-key -o <file>',
    });
  }
  if (keys.isOpenToOthers) {
    checks.push({
      name: NAME,
      state: 'problem',
      detail: `other users of this machine may read ${keys.file}`,
      remedy: `chmod 600 ${keys.file}`,
    });
  }
  if (checks.length === 0) {
    const detail = `${all.length} can be read, and there is a copy of the key`;
    checks.push({ name: NAME, state: 'ok', detail, remedy: '' });
  }
  return checks;
}
