// Of which keys of what changed somebody may hear: of what they may read, and of the end of what they could read.

import type { FastifyRequest } from 'fastify';
import { isAdmin, may, mayRead, roleOn } from '../auth/rights.ts';
import { secretScope } from '../journal/auth-records.ts';
import { CLUSTER_SCOPE, projectScope } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { askerOf } from './identity.ts';
import { isOwn } from './own-transaction.ts';
import type { ChangeKind } from './wire-events.ts';
import { type Witnesses, witnessedName } from './witnesses.ts';

/** Returns the way to tell whether the sender of a request may hear of a key; asked again for each, since rights change. */
export function visibleKeys(
  request: FastifyRequest,
  stateNow: () => State,
): (kind: ChangeKind, key: string, witnesses?: Witnesses) => boolean {
  const asker = askerOf(request);
  return (kind, key, witnesses) => {
    const state = stateNow();
    const { user = '' } = asker;
    const name = witnessedName(kind, key) ?? '';
    if (isAdmin(state, asker) || witnesses?.get(name)?.has(user)) {
      return true;
    }
    switch (kind) {
      case 'projects':
        return roleOn(state, asker, projectScope(key)) !== undefined;
      case 'secrets':
        return may(state, asker, { role: 'reader', scope: secretScope(key) });
      case 'defaults':
        return key === CLUSTER_SCOPE || roleOn(state, asker, key) !== undefined;
      case 'transactions': {
        const transaction = state.transactions.get(key);
        return transaction !== undefined && isOwn(request, state, transaction);
      }
      default:
        // What begins with the key of a repo or pipeline.
        return mayRead(state, asker, key.split('@')[0] ?? '');
    }
  };
}
