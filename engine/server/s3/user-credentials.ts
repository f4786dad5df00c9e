// The keys for S3 of users, who may there what they may anywhere.

import { may, scopeOfRepo } from '../../auth/rights.ts';
import { findKey, type Sealer, secretOfKey } from '../../auth/tokens.ts';
import { projectScope, type RepoKey } from '../../journal/records.ts';
import type { Role } from '../../journal/states.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { splitRepoKey } from '../../pfs/names.ts';
import type { Credentials, SignerAction } from './credentials.ts';

const ROLES: Readonly<Record<SignerAction, Role>> = {
  read: 'reader',
  write: 'writer',
  make: 'writer',
};

/** The keys of all users, looked up for each request: one that is revoked opens nothing from then on. */
export function userCredentials(context: PfsContext, sealer: Sealer): Credentials {
  const { journal, clock } = context;
  return {
    find(accessKey) {
      const shown = findKey(journal.state, accessKey, clock.now());
      const secret = 'token' in shown ? secretOfKey(shown.token, sealer) : undefined;
      if (!('token' in shown) || secret === undefined) {
        return undefined;
      }
      const { name, id } = shown.user;
      const asker = { actor: name, user: id };
      const scopeFor = (action: SignerAction, repo: RepoKey) =>
        action === 'make'
          ? projectScope(splitRepoKey(repo).project)
          : scopeOfRepo(journal.state, repo);
      return {
        secret,
        ...asker,
        may: (action, repo) =>
          may(journal.state, asker, { role: ROLES[action], scope: scopeFor(action, repo) }),
      };
    },
  };
}
