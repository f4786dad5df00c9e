// The operations of users, their tokens and roles, and of sign-ins of browsers.

import { Type } from '@sinclair/typebox';
import {
  BeginSession,
  CreateToken,
  CreateUser,
  Grant,
  NewToken,
  RoleCheck,
  SessionCode,
  Token,
  User,
  WhoAmI,
} from '../wire-auth.ts';
import { page } from '../wire-schema.ts';
import { operations, PAGED, query, text } from './operation.ts';

const SCOPE = {
  repo: text('On this repo: `project/name`.'),
  project: text('On this project.'),
  secret: text('On this secret.'),
};

export const AUTH_OPERATIONS = operations({
  'GET /auth/whoami': {
    id: 'getOneself',
    tag: 'users',
    summary: 'Tells who one is, and what one may do.',
    answer: WhoAmI,
    example: {},
  },
  'GET /auth/users': {
    id: 'listUsers',
    tag: 'users',
    summary: 'Lists users.',
    query: query(PAGED),
    answer: page(User),
    example: {},
  },
  'POST /auth/users': {
    id: 'createUser',
    tag: 'users',
    summary: 'Makes a user.',
    body: CreateUser,
    answer: User,
    example: { body: { name: 'bob' } },
  },
  'DELETE /auth/users/{user}': {
    id: 'deleteUser',
    tag: 'users',
    summary: 'Deletes a user with tokens and roles.',
    status: 204,
    example: { params: { user: 'bob' } },
  },
  'PUT /auth/users/{user}/admin': {
    id: 'makeAdmin',
    tag: 'users',
    summary: 'Makes a user an admin, who may everything.',
    answer: User,
    example: {},
  },
  'DELETE /auth/users/{user}/admin': {
    id: 'unmakeAdmin',
    tag: 'users',
    summary: 'Makes an admin a user as others are.',
    answer: User,
    example: {},
  },
  'GET /auth/tokens': {
    id: 'listTokens',
    tag: 'users',
    summary: 'Lists tokens, without their secrets: those of oneself, and for admins all.',
    query: query({ user: text('Only of this user.'), ...PAGED }),
    answer: page(Token),
    example: { query: { user: 'ann' } },
  },
  'POST /auth/tokens': {
    id: 'createToken',
    tag: 'users',
    summary:
      'Makes a token, or a key for S3, and tells its secret this once: sent again, it makes another.',
    body: CreateToken,
    answer: NewToken,
    // The secret is stored nowhere, so that no second answer could tell it.
    isOnce: false,
    example: { body: { user: 'ann', name: 'laptop', lifetime: 86400000 } },
  },
  'DELETE /auth/tokens/{token}': {
    id: 'revokeToken',
    tag: 'users',
    summary: 'Revokes a token, at once.',
    answer: Token,
    example: { params: { token: 'the token of ann' } },
  },
  'GET /auth/roles': {
    id: 'listRoles',
    tag: 'users',
    summary: 'Lists roles: of oneself, on what one owns, and for admins all.',
    query: query({ user: text('Only of this user.'), ...SCOPE, ...PAGED }),
    answer: page(Grant),
    example: { query: { repo: 'default/images' } },
  },
  'PUT /auth/roles': {
    id: 'putRole',
    tag: 'users',
    summary: 'Gives a user a role on something.',
    body: Grant,
    answer: Grant,
    example: { body: { user: 'ann', role: 'writer', repo: 'default/images' } },
  },
  'DELETE /auth/roles': {
    id: 'deleteRole',
    tag: 'users',
    summary: 'Takes the role of a user on something away.',
    query: query({ user: Type.String({ description: 'Whose.' }), ...SCOPE }),
    status: 204,
    example: { query: { user: 'ann', repo: 'default/images' } },
  },
  'GET /auth/check': {
    id: 'checkRole',
    tag: 'users',
    summary: 'Tells the role of a user on something.',
    query: query({ user: text('Oneself where it is left out.'), ...SCOPE }),
    answer: RoleCheck,
    example: { query: { user: 'ann', project: 'default' } },
  },
  'POST /session': {
    id: 'beginSession',
    tag: 'users',
    summary: 'Signs a browser in: a cookie that no script reads stands for the token.',
    isOpen: true,
    isOnce: false,
    body: BeginSession,
    answer: WhoAmI,
    example: { body: { token: 'a token' } },
  },
  'GET /session': {
    id: 'getSession',
    tag: 'users',
    summary: 'Tells who is signed in, and what they may do.',
    answer: WhoAmI,
    example: {},
  },
  'DELETE /session': {
    id: 'endSession',
    tag: 'users',
    summary: 'Signs a browser out.',
    isOnce: false,
    status: 204,
    example: {},
  },
  'POST /session/codes': {
    id: 'makeSessionCode',
    tag: 'users',
    summary: 'Makes a code with which a browser signs in, once and within a minute.',
    isOnce: false,
    answer: SessionCode,
    example: {},
  },
});
