// What the user's own `docker` command would use: its configuration file and its current context. Only reads, and
// knows the environment only as an object it is handed.

import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EngineError, errorText, systemCode } from '../base/errors.ts';

/** The environment of the user who runs the engine. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The parts of `config.json` that matter here; see the reference of the `docker` command line. */
export interface DockerConfigFile {
  readonly currentContext?: string;
  readonly auths?: Readonly<
    Record<
      string,
      { auth?: string; username?: string; password?: string; identitytoken?: string } | undefined
    >
  >;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string | undefined>>;
  readonly proxies?: Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
}

/** Where a Docker engine listens, and how to be sure of it. */
export interface DockerEndpoint {
  /** `unix:///path`, `tcp://host:port` or `ssh://user@host:port`. */
  readonly host: string;
  /** How this host was chosen, for messages: `DOCKER_HOST`, `context "x"`, `default`. */
  readonly source: string;
  readonly tls?: {
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly skipVerify: boolean;
  };
}

/** Returns the directory of the Docker client's configuration: `DOCKER_CONFIG`, else `~/.docker`. */
export function dockerConfigDirectory(environment: Environment): string {
  return environment.DOCKER_CONFIG || join(environment.HOME || homedir(), '.docker');
}

/** Reads `config.json`; an absent one is empty. Rejects with `failed_precondition` where it can't be understood. */
export async function readDockerConfig(environment: Environment): Promise<DockerConfigFile> {
  const path = join(dockerConfigDirectory(environment), 'config.json');
  const file = await readJson(path);
  return (file ?? {}) as DockerConfigFile;
}

/**
 * Returns the endpoint that the `docker` command would use: `DOCKER_HOST`, else the context named by `DOCKER_CONTEXT`
 * or chosen with `docker context use`, else the socket of this machine.
 */
export async function findEndpoint(environment: Environment): Promise<DockerEndpoint> {
  const host = environment.DOCKER_HOST;
  if (host) {
    return hostEndpoint(host, environment);
  }
  const config = await readDockerConfig(environment);
  const context = environment.DOCKER_CONTEXT || config.currentContext;
  if (context && context !== 'default') {
    return await contextEndpoint(context, environment);
  }
  const desktop = join(environment.HOME || homedir(), '.docker/run/docker.sock');
  const usual = '/var/run/docker.sock';
  const path = !(await exists(usual)) && (await exists(desktop)) ? desktop : usual;
  return { host: `unix://${path}`, source: 'default' };
}

async function hostEndpoint(host: string, environment: Environment): Promise<DockerEndpoint> {
  const endpoint = { host: host.includes('://') ? host : `tcp://${host}`, source: 'DOCKER_HOST' };
  const verify = Boolean(environment.DOCKER_TLS_VERIFY);
  if (!endpoint.host.startsWith('tcp:') || !(verify || environment.DOCKER_TLS)) {
    return endpoint;
  }
  const directory = environment.DOCKER_CERT_PATH || dockerConfigDirectory(environment);
  return { ...endpoint, tls: { ...(await readTlsFiles(directory)), skipVerify: !verify } };
}

async function contextEndpoint(name: string, environment: Environment): Promise<DockerEndpoint> {
  const contexts = join(dockerConfigDirectory(environment), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const meta = (await readJson(join(contexts, 'meta', id, 'meta.json'))) as
    | { Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } } }
    | undefined;
  const docker = meta?.Endpoints?.docker;
  if (!docker?.Host) {
    throw new EngineError(
      'failed_precondition',
      `Cannot use Docker context "${name}": it does not exist; choose one with "docker context use"`,
    );
  }
  const files = await readTlsFiles(join(contexts, 'tls', id, 'docker'));
  const source = `context "${name}"`;
  const skipVerify = docker.SkipTLSVerify === true;
  const secure = skipVerify || files.ca !== undefined || files.cert !== undefined;
  return { host: docker.Host, source, ...(secure ? { tls: { ...files, skipVerify } } : {}) };
}

async function readTlsFiles(
  directory: string,
): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  const found: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const content = await readIfThere(join(directory, `${name}.pem`));
    if (content) {
      found[name] = content;
    }
  }
  return found;
}

async function readJson(path: string): Promise<unknown> {
  const content = await readIfThere(path);
  try {
    return content && JSON.parse(content.toString('utf8'));
  } catch (error) {
    throw unreadable(error, { path, remedy: 'correct the file' });
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') {
      return undefined;
    }
    throw unreadable(error, { path, remedy: 'make it readable to this user' });
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

function unreadable(cause: unknown, about: { path: string; remedy: string }): EngineError {
  return new EngineError(
    'failed_precondition',
    `Cannot read Docker configuration "${about.path}": ${errorText(cause)}; ${about.remedy}`,
    { cause },
  );
}
