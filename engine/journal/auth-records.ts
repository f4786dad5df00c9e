// What the state holds of people, their tokens and their rights. Of a token only its hash is there.

import type { SealedRecord } from './secret-records.ts';
import type { Role } from './states.ts';

/** Somebody who signs in: a person, or a robot account for a program. */
export interface UserRecord {
  readonly name: string;
  /** Never reused: a user deleted and made again under the old name is another user. */
  readonly id: string;
  readonly robot: boolean;
  /** May do everything, everywhere. */
  readonly admin: boolean;
  readonly created: number;
}

/** What a user signs in with: a token, or a key pair for S3. */
export interface TokenRecord {
  /** Of a key for S3, its access key. */
  readonly id: string;
  /** The name of its user. */
  readonly user: string;
  /** What it is for, as its user says. */
  readonly name: string;
  readonly created: number;
  /** Null: never. */
  readonly expires: number | null;
  /** Null: it was not. */
  readonly revoked: number | null;
  /** SHA-256 of a token, in hex; null for a key for S3. */
  readonly hash: string | null;
  /** The secret of a key for S3, bound to its id; null for a token. */
  readonly sealed: SealedRecord | null;
}

/** A role that a user was given. */
export interface GrantRecord {
  readonly user: string;
  /** `project/<name>`, `repo/<project>/<name>` or `secret/<name>`. */
  readonly scope: string;
  /** Of a repo, its id: one made later under the same name is another. Null for other scopes. */
  readonly repoId: string | null;
  readonly role: Role;
}

/** The user with whose rights a pipeline reads. */
export interface MakerRecord {
  readonly name: string;
  readonly id: string;
}

/** The key of a grant: those of a user lie together. */
export function grantKey(user: string, scope: string): string {
  return `${user} ${scope}`;
}

/** The scope of one repo. */
export function repoScope(repo: string): string {
  return `repo/${repo}`;
}

/** The scope of one secret. */
export function secretScope(secret: string): string {
  return `secret/${secret}`;
}
