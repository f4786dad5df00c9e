// Users, tokens and roles as the command line shows and takes them.

import type { Grant, NewToken, RoleScope, Token } from '../engine/server/wire-auth.ts';
import type { ParsedArguments } from './arguments.ts';
import { usageError } from './cli-error.ts';
import type { Option } from './command.ts';
import type { Context } from './context.ts';
import { parseDuration } from './duration.ts';
import { formatTime } from './format.ts';
import { parseRepoName, showName } from './refs.ts';

/** The option that says what a role is on, where that is no repo. */
export const ON_SECRET = {
  secret: {
    type: 'string',
    value: 'name',
    completes: 'secret',
    description: 'on a secret, which a reader may use in pipelines',
  },
} as const satisfies Record<string, Option>;

export const TOKEN_OPTIONS = {
  name: { type: 'string', value: 'text', description: 'what it is for' },
  expires: {
    type: 'string',
    value: 'time',
    description: 'when it ends by itself, as in 12h or 30d; never where it is not said',
  },
} as const satisfies Record<string, Option>;

/** Returns what a command names: a repo, else what `--project` or `--secret` says. */
export function scopeOf(
  context: Context,
  args: ParsedArguments,
  repo: string | undefined,
): RoleScope | undefined {
  const secret = args.string('secret');
  const project = args.string('project');
  if (repo !== undefined && secret !== undefined) {
    throw usageError('Name a repo or a secret, not both');
  }
  if (repo !== undefined) {
    const { project: from, name } = parseRepoName(repo, context.project);
    return { repo: `${from}/${name}` };
  }
  if (secret !== undefined) {
    return { secret };
  }
  return project === undefined ? undefined : { project };
}

/** As {@link scopeOf}; a usage error where nothing is named. */
export function wantScope(
  context: Context,
  args: ParsedArguments,
  repo: string | undefined,
): RoleScope {
  const scope = scopeOf(context, args, repo);
  if (scope === undefined) {
    throw usageError('Say on what: a repo, --project <name>, or --secret <name>');
  }
  return scope;
}

/** Returns what a role is on, as people name it. */
export function showScope({ repo, project, secret }: RoleScope): string {
  if (repo !== undefined) {
    const [from = '', name = ''] = repo.split('/');
    return `repo ${showName({ project: from, name })}`;
  }
  return project === undefined ? `secret ${secret}` : `project ${project}`;
}

/** Makes a token or a key for S3. */
export async function makeToken(
  context: Context,
  args: ParsedArguments,
  kind: Token['kind'],
): Promise<NewToken> {
  const [user] = args.positionals;
  const name = args.string('name');
  const expires = args.string('expires');
  const lifetime = expires === undefined ? undefined : parseDuration(expires, 'expires');
  const body = { user, name, lifetime, kind };
  return await context.client.call('POST /auth/tokens', { body });
}

/** Shows roles as a table. */
export async function showRoles(context: Context, roles: AsyncIterable<Grant>): Promise<void> {
  await context.output.table(roles, {
    heading: ['USER', 'ROLE', 'ON'],
    row: (grant) => [grant.user, grant.role, showScope(grant)],
  });
}

/** Shows tokens as a table. */
export async function showTokens(context: Context, tokens: AsyncIterable<Token>): Promise<void> {
  const { times } = context.output;
  await context.output.table(tokens, {
    heading: ['ID', 'USER', 'NAME', 'KIND', 'CREATED', 'EXPIRES', 'STATE'],
    row: ({ id, user, name, kind, created, expires, state }) => [
      id,
      user,
      name,
      kind,
      formatTime(created, times),
      expires === null ? 'never' : formatTime(expires, times),
      state,
    ],
  });
}
