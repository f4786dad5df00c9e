// Users with tokens on a server in the test's own process.

import { createToken } from '../../engine/auth/tokens.ts';
import { createUser, grantRole, setAdmin } from '../../engine/auth/users.ts';
import { SystemRandom } from '../../engine/base/random.ts';
import type { Role } from '../../engine/journal/states.ts';
import type { PfsContext } from '../../engine/pfs/context.ts';

const ADMIN = { actor: 'local' };

/** Makes a user with a token, and roles by scope; resolves with the token. */
export async function account(
  context: PfsContext,
  name: string,
  options: {
    readonly roles?: Readonly<Record<string, Role>>;
    readonly admin?: boolean;
    readonly robot?: boolean;
    readonly lifetimeMs?: number;
  } = {},
): Promise<{ readonly secret: string; readonly id: string }> {
  await createUser(context, { name, robot: options.robot ?? false }, ADMIN);
  for (const [scope, role] of Object.entries(options.roles ?? {})) {
    await grantRole(context, { user: name, scope, role }, ADMIN);
  }
  if (options.admin) {
    await setAdmin(context, { name, admin: true }, ADMIN);
  }
  const { token, secret } = await createToken(
    context,
    { user: name, name: '', lifetimeMs: options.lifetimeMs },
    { random: new SystemRandom(), request: ADMIN },
  );
  return { secret, id: token.id };
}
