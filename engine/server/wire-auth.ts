// The schemas of users, their tokens and their rights, and of sign-ins of browsers.

import { Type } from '@sinclair/typebox';
import { ROLES } from '../journal/states.ts';
import { named, nullable, oneOf, type Wire, whole } from './wire-schema.ts';

const KINDS = ['token', 's3'] as const;

export const Role = named(
  'Role',
  oneOf(ROLES, {
    description: 'The least first: each may all that those before it may.',
  }),
);
export type Role = Wire<typeof Role>;

export const User = named(
  'User',
  Type.Object({
    name: Type.String(),
    robot: Type.Boolean(),
    admin: Type.Boolean(),
    created: Type.String(),
  }),
);
export type User = Wire<typeof User>;

export const CreateUser = named(
  'CreateUser',
  Type.Object({ name: Type.String(), robot: Type.Optional(Type.Boolean()) }),
);
export type CreateUser = Wire<typeof CreateUser>;

export const Token = named(
  'Token',
  Type.Object({
    id: Type.String(),
    user: Type.String(),
    name: Type.String(),
    kind: oneOf(KINDS, { description: 'A key for S3 has the id as its access key.' }),
    created: Type.String(),
    expires: nullable(Type.String(), { description: 'Null: never.' }),
    revoked: nullable(Type.String()),
    state: oneOf(['good', 'expired', 'revoked']),
  }),
);
export type Token = Wire<typeof Token>;

export const CreateToken = named(
  'CreateToken',
  Type.Object({
    user: Type.Optional(Type.String({ description: 'Oneself where it is not said.' })),
    name: Type.Optional(Type.String()),
    lifetime: Type.Optional(
      whole(1, { description: 'In milliseconds; where it is not said it never expires.' }),
    ),
    kind: Type.Optional(oneOf(KINDS)),
  }),
);
export type CreateToken = Wire<typeof CreateToken>;

export const NewToken = named(
  'NewToken',
  Type.Object(
    { ...Token.properties, secret: Type.String() },
    { description: 'A token as it is made: its secret is told this once.' },
  ),
);
export type NewToken = Wire<typeof NewToken>;

export const RoleScope = named(
  'RoleScope',
  Type.Object(
    {
      repo: Type.Optional(Type.String({ description: '`project/name`.' })),
      project: Type.Optional(Type.String()),
      secret: Type.Optional(Type.String()),
    },
    { description: 'What a role is on: one of these.' },
  ),
);
export type RoleScope = Wire<typeof RoleScope>;

export const Grant = named(
  'Grant',
  Type.Object({ ...RoleScope.properties, user: Type.String(), role: Role }),
);
export type Grant = Wire<typeof Grant>;

export const WhoAmI = named(
  'WhoAmI',
  Type.Object(
    {
      name: Type.String(),
      robot: Type.Boolean(),
      admin: Type.Boolean(),
      expires: nullable(Type.String(), {
        description: 'When the token that was shown expires; null: never.',
      }),
      roles: Type.Array(Grant),
    },
    { description: 'Who one is.' },
  ),
);
export type WhoAmI = Wire<typeof WhoAmI>;

export const BeginSession = named(
  'BeginSession',
  Type.Object(
    { token: Type.Optional(Type.String()), code: Type.Optional(Type.String()) },
    { description: 'A sign-in of a browser: one of these.' },
  ),
);
export type BeginSession = Wire<typeof BeginSession>;

export const SessionCode = named(
  'SessionCode',
  Type.Object(
    { code: Type.String(), expires: Type.String() },
    { description: 'What `pfs ui` puts behind the address: good once, for a minute.' },
  ),
);
export type SessionCode = Wire<typeof SessionCode>;

export const RoleCheck = named(
  'RoleCheck',
  Type.Object(
    { user: Type.String(), role: nullable(Role) },
    { description: 'The role somebody has on something; null: none.' },
  ),
);
export type RoleCheck = Wire<typeof RoleCheck>;
