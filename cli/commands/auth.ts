// Commands on users, tokens and roles. Tokens are shown once, when they are made, and taken from standard input only.

import type { Grant } from '../../engine/server/wire-auth.ts';
import type { ParsedArguments } from '../arguments.ts';
import {
  makeToken,
  ON_SECRET,
  scopeOf,
  showRoles,
  showScope,
  showTokens,
  TOKEN_OPTIONS,
  wantScope,
} from '../auth-views.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatTime } from '../format.ts';

const ADMIN = {
  type: 'boolean',
  description: 'an admin, who may do everything',
} as const;

export const commands: readonly Command[] = [
  {
    names: ['auth create user'],
    summary: 'Make an account for a person',
    details:
      'Nothing is allowed to it before pfs auth grant; pfs auth create-token lets it sign in.',
    usage: '<user>',
    arguments: [1, 1],
    options: {},
    examples: [['auth create-user ann', 'makes it']],
    run: (context, args) => createUser(context, args, false),
  },
  {
    names: ['auth create robot'],
    summary: 'Make an account for a program',
    usage: '<name>',
    arguments: [1, 1],
    options: {},
    examples: [['auth create-robot nightly', 'makes it']],
    run: (context, args) => createUser(context, args, true),
  },
  {
    names: ['auth list user'],
    summary: 'List the accounts',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['auth list-users', 'lists people and robots']],
    run: async (context) => {
      await context.output.table(context.client.items('GET /auth/users'), {
        heading: ['NAME', 'KIND', 'ADMIN', 'CREATED'],
        row: ({ name, robot, admin, created }) => [
          name,
          robot ? 'robot' : 'user',
          admin ? 'yes' : '',
          formatTime(created, context.output.times),
        ],
      });
    },
  },
  {
    names: ['auth delete user'],
    summary: 'Delete an account, with its tokens and roles',
    details: 'What it made stays; its pipelines fail until somebody else updates them.',
    usage: '<user>',
    arguments: [1, 1],
    options: {},
    examples: [['auth delete-user ann', 'deletes it at once']],
    run: async (context, args) => {
      await context.client.call('DELETE /auth/users/{user}', {
        params: { user: args.positionals[0] ?? '' },
      });
    },
  },
  {
    names: ['auth create token'],
    summary: 'Make a token to sign in with, and show it this once',
    usage: '[user]',
    arguments: [0, 1],
    options: TOKEN_OPTIONS,
    examples: [
      ['auth create-token ann --expires 30d', 'prints a token for ann'],
      ['auth create-token --name laptop', 'makes another for oneself'],
    ],
    run: async (context, args) => {
      const token = await makeToken(context, args, 'token');
      await (context.output.raw ? context.output.json(token) : context.output.line(token.secret));
    },
  },
  {
    names: ['auth create s3 key'],
    summary: 'Make a key for S3, and show its secret this once',
    usage: '[user]',
    arguments: [0, 1],
    options: TOKEN_OPTIONS,
    examples: [['auth create-s3-key ann', 'prints AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY']],
    run: async (context, args) => {
      const key = await makeToken(context, args, 's3');
      await (context.output.raw
        ? context.output.json(key)
        : context.output.line(
            `export AWS_ACCESS_KEY_ID='${key.id}'\nexport AWS_SECRET_ACCESS_KEY='${key.secret}'`,
          ));
    },
  },
  {
    names: ['auth list token'],
    summary: 'List tokens and keys for S3, without what is secret',
    usage: '[user]',
    arguments: [0, 1],
    options: {},
    examples: [['auth list-tokens ann', 'lists those of ann, revoked ones for 30 days']],
    run: async (context, args) => {
      const [user] = args.positionals;
      await showTokens(context, context.client.items('GET /auth/tokens', { query: { user } }));
    },
  },
  {
    names: ['auth revoke token'],
    summary: 'Revoke a token or a key for S3 at once, by its id',
    usage: '<id>',
    arguments: [1, 1],
    options: {},
    examples: [['auth revoke-token 0190b9c5d3a07c1e8a2f4b6d8e0f1a2b', 'ends what it follows, too']],
    run: async (context, args) => {
      const token = await context.client.call('DELETE /auth/tokens/{token}', {
        params: { token: args.positionals[0] ?? '' },
      });
      if (context.output.raw) {
        await context.output.json(token);
      }
    },
  },
  {
    names: ['auth grant'],
    summary: 'Give a user a role: reader, writer or owner',
    details:
      'On a repo or pipeline, on all of a project, or on a secret; it takes the place of the one there. A writer changes what is there and makes repos and pipelines in a project; an owner also deletes, and grants.',
    usage: '<user> <role> [repo]',
    completes: 'repo',
    arguments: [1, 3],
    options: { ...ON_SECRET, admin: ADMIN },
    examples: [
      ['auth grant ann writer data', 'lets ann change repo data'],
      ['auth grant ann reader --project team', 'lets ann read all of a project'],
      ['auth grant ann --admin', 'lets ann do everything'],
    ],
    run: grant,
  },
  {
    names: ['auth revoke'],
    summary: 'Take a role of a user back',
    usage: '<user> [repo]',
    completes: 'repo',
    arguments: [1, 2],
    options: { ...ON_SECRET, admin: ADMIN },
    examples: [
      ['auth revoke ann data', 'takes back the role on repo data'],
      ['auth revoke ann --admin', 'makes ann no admin any more'],
    ],
    run: revoke,
  },
  {
    names: ['auth get roles'],
    summary: 'List the roles of a user, or on something',
    usage: '[user]',
    arguments: [0, 1],
    options: {
      repo: { type: 'string', value: 'repo', completes: 'repo', description: 'on this repo' },
      ...ON_SECRET,
    },
    examples: [
      ['auth get-roles ann', 'lists those of ann'],
      ['auth get-roles --repo data', 'lists who has one on repo data'],
    ],
    run: async (context, args) => {
      const [user] = args.positionals;
      const scope = scopeOf(context, args, args.string('repo'));
      const roles = context.client.items('GET /auth/roles', { query: { user, ...scope } });
      await showRoles(context, roles);
    },
  },
  {
    names: ['auth check'],
    summary: 'Show the role that you, or a user, have on something',
    usage: '[repo]',
    completes: 'repo',
    arguments: [0, 1],
    options: {
      user: { type: 'string', value: 'name', description: 'of this user' },
      ...ON_SECRET,
    },
    examples: [['auth check data --user ann', 'prints reader, writer, owner or none']],
    run: async (context, args) => {
      const scope = wantScope(context, args, args.positionals[0]);
      const query = { ...scope, user: args.string('user') };
      const check = await context.client.call('GET /auth/check', { query });
      await (context.output.raw
        ? context.output.json(check)
        : context.output.line(check.role ?? 'none'));
    },
  },
  {
    names: ['auth whoami'],
    summary: 'Show as whom commands here are carried out',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['auth whoami', 'shows the account and its roles']],
    run: async (context) => {
      const who = await context.client.call('GET /auth/whoami');
      const kind = who.robot ? 'robot' : 'user';
      await context.output.fields(who, () => [
        ['Name', who.name],
        ['Kind', who.name === 'local' ? 'the token of the engine’s own home' : kind],
        ['Admin', who.admin ? 'yes' : 'no'],
        ['Expires', who.expires ? formatTime(who.expires, context.output.times) : undefined],
        ['Roles', who.roles.map((one) => `${one.role} of ${showScope(one)}`).join('\n')],
      ]);
    },
  },
  {
    names: ['auth login'],
    summary: 'Keep a token for an engine, for all commands from here on',
    details:
      'The token is read from standard input, and kept in PFS_HOME in a file that only you may read. PFS_TOKEN goes before it.',
    usage: '[address]',
    arguments: [0, 1],
    options: {},
    examples: [
      ['auth login https://pfs.example:7000', 'asks for the token'],
      ['auth login < token.txt', 'reads it, for the engine of PFS_ADDRESS or of this home'],
    ],
    run: login,
  },
  {
    names: ['auth logout'],
    summary: 'Forget the token that was kept for an engine',
    usage: '[address]',
    arguments: [0, 1],
    options: {},
    examples: [['auth logout https://pfs.example:7000', 'forgets it']],
    run: async (context, args) => {
      context.home.keepLogin(context.addressOf(args.positionals[0]), undefined);
    },
  },
];

async function createUser(context: Context, args: ParsedArguments, robot: boolean): Promise<void> {
  const body = { name: args.positionals[0] ?? '', robot };
  const user = await context.client.call('POST /auth/users', { body });
  if (context.output.raw) {
    await context.output.json(user);
  }
}

async function grant(context: Context, args: ParsedArguments): Promise<void> {
  const [user = '', role, repo] = args.positionals;
  if (args.flag('admin')) {
    if (role !== undefined) {
      throw usageError('An admin needs no role: write pfs auth grant <user> --admin');
    }
    await context.client.call('PUT /auth/users/{user}/admin', { params: { user } });
    return;
  }
  if (role === undefined) {
    throw usageError('Say which role: reader, writer or owner');
  }
  // The engine says what is no role.
  const body = { user, role: role as Grant['role'], ...wantScope(context, args, repo) };
  const given = await context.client.call('PUT /auth/roles', { body });
  if (context.output.raw) {
    await context.output.json(given);
  }
}

async function revoke(context: Context, args: ParsedArguments): Promise<void> {
  const [user = '', repo] = args.positionals;
  if (args.flag('admin')) {
    await context.client.call('DELETE /auth/users/{user}/admin', { params: { user } });
    return;
  }
  const query = { user, ...wantScope(context, args, repo) };
  await context.client.call('DELETE /auth/roles', { query });
}

async function login(context: Context, args: ParsedArguments): Promise<void> {
  const { askSecret } = await import('../secret-prompt.ts');
  const address = context.addressOf(args.positionals[0]);
  const token = await askSecret(context, `Token for ${address}`);
  if (token === '') {
    throw usageError('There is no token on standard input');
  }
  const client = context.connect({ start: false, address, token });
  const who = await client.call('GET /auth/whoami');
  client.close();
  context.home.keepLogin(address, token);
  context.output.note(`Commands for ${address} are now carried out as ${who.name}`);
}
