// What secrets say about registries: in the forms of Kubernetes, or plainly as registry, user name and password.

import { EngineError } from '../base/errors.ts';
import type { RegistryLogin } from '../executor/executor.ts';
import type { OpenSecret } from '../secrets/secrets.ts';

interface Auth {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

/**
 * Returns the logins of a secret: of `.dockerconfigjson`, `.dockercfg`, or of `registry` (or `server`), `username` and
 * `password`. Rejects with `invalid` one that holds none; no message quotes it.
 */
export function loginsOf(secret: OpenSecret): readonly RegistryLogin[] {
  const text = (key: string) => secret.values.get(key)?.toString('utf8').trim();
  const config = text('.dockerconfigjson');
  if (config !== undefined) {
    const { auths } = parse(secret, config) as { auths?: Readonly<Record<string, Auth>> };
    return fromAuths(secret, auths ?? {});
  }
  const old = text('.dockercfg');
  if (old !== undefined) {
    return fromAuths(secret, parse(secret, old) as Readonly<Record<string, Auth>>);
  }
  const registry = text('registry') ?? text('server') ?? text('docker-server');
  const username = text('username') ?? text('docker-username');
  const password = text('password') ?? text('docker-password');
  if (registry === undefined || username === undefined || password === undefined) {
    return refuse(secret, 'it has neither .dockerconfigjson nor registry, username and password');
  }
  return [{ registry, username, password }];
}

function fromAuths(
  secret: OpenSecret,
  auths: Readonly<Record<string, Auth>>,
): readonly RegistryLogin[] {
  const logins = Object.entries(auths).map(([registry, { auth, ...plain }]): RegistryLogin => {
    if (plain.identitytoken) {
      return { registry, identitytoken: plain.identitytoken };
    }
    const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    return {
      registry,
      username: plain.username ?? decoded.slice(0, Math.max(colon, 0)),
      password: plain.password ?? decoded.slice(colon + 1),
    };
  });
  return logins.length > 0 ? logins : refuse(secret, 'it names no registry');
}

function parse(secret: OpenSecret, text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without the cause, which would quote the secret.
  }
  return typeof value === 'object' && value !== null
    ? value
    : refuse(secret, 'its value is not JSON');
}

function refuse(secret: OpenSecret, why: string): never {
  throw new EngineError('invalid', `Cannot pull images with secret "${secret.name}": ${why}`);
}
