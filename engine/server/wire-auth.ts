// What travels about users, their tokens and their rights.

/** The least first: each role may all that those before it may. */
export type Role = 'reader' | 'writer' | 'owner';

export interface User {
  readonly name: string;
  readonly robot: boolean;
  readonly admin: boolean;
  readonly created: string;
}

export interface CreateUser {
  readonly name: string;
  readonly robot?: boolean;
}

export interface Token {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  /** A key for S3 has the id as its access key. */
  readonly kind: 'token' | 's3';
  readonly created: string;
  /** Null: never. */
  readonly expires: string | null;
  readonly revoked: string | null;
  readonly state: 'good' | 'expired' | 'revoked';
}

export interface CreateToken {
  /** Oneself where it is not said. */
  readonly user?: string;
  readonly name?: string;
  /** In milliseconds; where it is not said it never expires. */
  readonly lifetime?: number;
  readonly kind?: 'token' | 's3';
}

/** A token as it is made: its secret is told this once. */
export interface NewToken extends Token {
  readonly secret: string;
}

/** What a role is on: one of these. */
export interface RoleScope {
  /** `project/name`. */
  readonly repo?: string;
  readonly project?: string;
  readonly secret?: string;
}

export interface Grant extends RoleScope {
  readonly user: string;
  readonly role: Role;
}

/** Who one is. */
export interface WhoAmI {
  readonly name: string;
  readonly robot: boolean;
  readonly admin: boolean;
  /** When the token that was shown expires; null: never. */
  readonly expires: string | null;
  readonly roles: readonly Grant[];
}

/** A sign-in of a browser: one of these. */
export interface BeginSession {
  readonly token?: string;
  readonly code?: string;
}

/** What `pfs ui` puts behind the address: good once, for a minute. */
export interface SessionCode {
  readonly code: string;
  readonly expires: string;
}

/** The role somebody has on something; null: none. */
export interface RoleCheck {
  readonly user: string;
  readonly role: Role | null;
}
