// The fold of what concerns secrets.

import { EngineError } from '../base/errors.ts';
import { forgetGrants } from './auth-fold.ts';
import { secretScope } from './auth-records.ts';
import type { Operation } from './operations.ts';
import type { State } from './state.ts';

type SecretOperation = Extract<Operation, { kind: 'secret.put' | 'secret.deleted' }>;

/** Folds an operation; rejects a version that does not follow the one there is with `conflict`. */
export function foldSecret(state: State, operation: SecretOperation): void {
  if (operation.kind === 'secret.deleted') {
    state.secrets.delete(operation.secret);
    forgetGrants(state, secretScope(operation.secret));
    return;
  }
  const { secret } = operation;
  const known = state.secrets.get(secret.name);
  const follows = known
    ? known.id === secret.id && known.version + 1 === secret.version
    : secret.version === 1;
  if (!follows) {
    throw new EngineError(
      'conflict',
      `Cannot change secret "${secret.name}": it was changed or deleted meanwhile; look at it and try again`,
    );
  }
  state.secrets.set(secret.name, secret);
}
