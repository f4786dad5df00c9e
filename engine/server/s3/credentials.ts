// Who signs: the door asks here for the secret of an access key, and for what its holder may do.

import type { RepoKey } from '../../journal/records.ts';
import type { Bucket } from './bucket.ts';

/** The access key of whoever has the engine's token, which is the secret key. */
export const S3_ACCESS_KEY = 'pfs';

/** `make` is making a repo, by making a bucket of one that is not there; `write` includes making and deleting branches. */
export type SignerAction = 'read' | 'write' | 'make';

/** The holder of an access key. */
export interface Signer {
  readonly secret: string;
  /** Who it is, for the journal. */
  readonly actor: string;
  /** The id of the user whose rights count; absent: whoever may do everything. */
  readonly user?: string;
  /** Whether it may do that to a branch of a repo; for reading, the branch may be a tag or the id of a commit. */
  may(action: SignerAction, repo: RepoKey, branch: string): boolean;
  /** All that it sees, by their names; undefined where that is the branches of repos. */
  readonly buckets?: ReadonlyMap<string, Bucket>;
}

/** A source of access keys. */
export interface Credentials {
  /** Returns who has an access key, or undefined where this source has none of that name (any more). Asked for each request. */
  find(accessKey: string): Signer | undefined;
}

/** The key of the engine's owner, who may do everything. */
export function tokenCredentials(token: string): Credentials {
  const owner: Signer = { secret: token, actor: 'local', may: () => true };
  return { find: (accessKey) => (accessKey === S3_ACCESS_KEY ? owner : undefined) };
}

/** Several sources as one; the first that knows a key answers. */
export function firstOf(...sources: readonly Credentials[]): Credentials {
  return {
    find(accessKey) {
      for (const source of sources) {
        const signer = source.find(accessKey);
        if (signer) {
          return signer;
        }
      }
      return undefined;
    },
  };
}
