// What the user's Docker configuration says about registries and proxies. Secrets go to the engine and nowhere else:
// they appear in no message.

import { spawn } from 'node:child_process';
import { EngineError } from '../base/errors.ts';
import type { DockerConfigFile, Environment } from './docker-config.ts';
import type { RegistryLogin } from './executor.ts';
import { DOCKER_HUB } from './image-reference.ts';

/** What the Docker API takes as authentication for a pull. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

/** The key under which Docker Hub's credentials are kept. */
const HUB_KEY = 'https://index.docker.io/v1/';
const NOT_FOUND = 'credentials not found';

/**
 * Returns the user's credentials for `registry`, or undefined where there are none: from the helper that is configured
 * for it, the general helper, or `auths`. Rejects with `failed_precondition` where a helper is missing or fails.
 */
export async function findCredentials(
  registry: string,
  options: { config: DockerConfigFile; environment: Environment },
): Promise<RegistryCredentials | undefined> {
  const { config, environment } = options;
  const key = registry === DOCKER_HUB ? HUB_KEY : registry;
  const helper = config.credHelpers?.[registry] ?? config.credHelpers?.[key] ?? config.credsStore;
  if (helper) {
    const found = await askHelper(helper, { key, environment });
    if (found) {
      return found;
    }
  }
  return inlineCredentials(key, config);
}

/** Returns what Docker is to say to `registry` where one of the logins is for it. */
export function loginFor(
  registry: string,
  logins: readonly RegistryLogin[],
): RegistryCredentials | undefined {
  const login = logins.find((one) => isRegistry(one.registry, registry));
  if (login === undefined) {
    return undefined;
  }
  const { username, password, identitytoken } = login;
  const serveraddress = registry === DOCKER_HUB ? HUB_KEY : registry;
  return identitytoken
    ? { identitytoken, serveraddress }
    : { username: username ?? '', password: password ?? '', serveraddress };
}

/** Whether what people call a registry, an address perhaps, is the one of that name. */
function isRegistry(called: string, registry: string): boolean {
  const host = hostOf(called);
  return host === registry || (registry === DOCKER_HUB && /(^|\.)docker\.(io|com)$/.test(host));
}

function inlineCredentials(key: string, config: DockerConfigFile): RegistryCredentials | undefined {
  const auths = config.auths ?? {};
  const entry =
    auths[key] ?? Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
  if (!entry) {
    return undefined;
  }
  if (entry.identitytoken) {
    return { identitytoken: entry.identitytoken, serveraddress: key };
  }
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  const username = entry.username ?? decoded.slice(0, Math.max(colon, 0));
  const password = entry.password ?? decoded.slice(colon + 1).replace(/\0+$/, '');
  return username ? { username, password, serveraddress: key } : undefined;
}

function hostOf(name: string): string {
  return name.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

/** Speaks the protocol of Docker's credential helpers: the server on standard input, JSON on standard output. */
async function askHelper(
  helper: string,
  options: { key: string; environment: Environment },
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  const { code, output } = await runHelper(program, options);
  if (code !== 0) {
    if (output.includes(NOT_FOUND)) {
      return undefined;
    }
    throw new EngineError(
      'failed_precondition',
      `Cannot log in to registry "${options.key}": ${program} ended with code ${code}; log in again with "docker login"`,
    );
  }
  const answer = parseAnswer(output, program);
  if (!answer.Username && !answer.Secret) {
    return undefined;
  }
  return answer.Username === '<token>'
    ? { identitytoken: answer.Secret ?? '', serveraddress: options.key }
    : {
        username: answer.Username ?? '',
        password: answer.Secret ?? '',
        serveraddress: options.key,
      };
}

function parseAnswer(output: string, program: string): { Username?: string; Secret?: string } {
  const answer = parseJson(output);
  if (answer === undefined) {
    // Without the cause, which would quote the secret.
    throw new EngineError(
      'failed_precondition',
      `Cannot use credential helper "${program}": its answer is not JSON; log in again with "docker login"`,
    );
  }
  return answer;
}

function parseJson(text: string): { Username?: string; Secret?: string } | undefined {
  try {
    return JSON.parse(text) as { Username?: string; Secret?: string };
  } catch {
    return undefined;
  }
}

function runHelper(
  program: string,
  options: { key: string; environment: Environment },
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], {
      env: { ...options.environment },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', (error) => {
      reject(
        new EngineError(
          'failed_precondition',
          `Cannot log in to registry "${options.key}": ${program} can't be run; install it, or take it out of Docker's config.json`,
          { cause: error },
        ),
      );
    });
    child.once('close', (code) =>
      resolve({ code, output: Buffer.concat(chunks).toString('utf8') }),
    );
    // A helper that ends without reading is judged by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(options.key);
  });
}

const PROXY_VARIABLES = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  ftpProxy: 'FTP_PROXY',
  noProxy: 'NO_PROXY',
  allProxy: 'ALL_PROXY',
} as const;

/**
 * Returns the variables that the `docker` command gives every container for the proxies of its configuration, in upper
 * and lower case; those for the engine at `host` win over the default ones.
 */
export function proxyVariables(config: DockerConfigFile, host: string): Record<string, string> {
  const proxies = config.proxies?.[host] ?? config.proxies?.default ?? {};
  const variables: Record<string, string> = {};
  for (const [key, name] of Object.entries(PROXY_VARIABLES)) {
    const value = proxies[key];
    if (value) {
      variables[name] = value;
      variables[name.toLowerCase()] = value;
    }
  }
  return variables;
}
