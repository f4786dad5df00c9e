// The one way to the Docker engine: chosen as the user's own `docker` command chooses it, checked once.

import { Agent as HttpsAgent } from 'node:https';
import Docker from 'dockerode';
import { EngineError } from '../base/errors.ts';
import {
  type DockerConfigFile,
  type DockerEndpoint,
  type Environment,
  findEndpoint,
  readDockerConfig,
} from './docker-config.ts';
import { dockerError } from './docker-errors.ts';
import { SshAgent } from './ssh-agent.ts';

/** The oldest Docker API that has all we ask of it (Docker 20.10). */
const OLDEST_API = [1, 41] as const;

/** A Docker engine that has answered. */
export interface DockerConnection {
  readonly docker: Docker;
  readonly endpoint: DockerEndpoint;
  readonly config: DockerConfigFile;
  readonly host: {
    /** The engine's own id: binds and images belong to it. */
    readonly id: string;
    readonly version: string;
    readonly apiVersion: string;
    readonly cpus: number;
    readonly memoryBytes: number;
    /** `amd64`, `arm64`, … */
    readonly architecture: string;
    readonly operatingSystem: string;
  };
}

/**
 * Connects to the Docker engine of the user's environment. Rejects with `unavailable` where none answers and with
 * `failed_precondition` where it may not be used or is too old; the message names the remedy.
 */
export async function connectDocker(environment: Environment): Promise<DockerConnection> {
  const [endpoint, config] = await Promise.all([
    findEndpoint(environment),
    readDockerConfig(environment),
  ]);
  const docker = new Docker(clientOptions(endpoint, environment));
  try {
    const [version, info] = await Promise.all([docker.version(), docker.info()]);
    checkVersion(version.ApiVersion, version.Version);
    return {
      docker,
      endpoint,
      config,
      host: {
        id: String(info.ID || endpoint.host),
        version: version.Version,
        apiVersion: version.ApiVersion,
        cpus: info.NCPU,
        memoryBytes: info.MemTotal,
        architecture: version.Arch,
        operatingSystem: info.OperatingSystem,
      },
    };
  } catch (error) {
    throw dockerError(error, 'use Docker', { endpoint });
  }
}

function checkVersion(api: string, version: string): void {
  const [major = 0, minor = 0] = api.split('.').map(Number);
  if (major < OLDEST_API[0] || (major === OLDEST_API[0] && minor < OLDEST_API[1])) {
    throw new EngineError(
      'failed_precondition',
      `Cannot use Docker ${version}: its API ${api} is older than ${OLDEST_API.join('.')}; install Docker 20.10 or newer`,
    );
  }
}

function clientOptions(endpoint: DockerEndpoint, environment: Environment): Docker.DockerOptions {
  // The client would fill what is left out from the environment of the process, so nothing is left out.
  const none = { host: undefined, port: undefined, socketPath: undefined, agent: undefined };
  const plain = { ...none, ca: undefined, cert: undefined, key: undefined, pathPrefix: '/' };
  return {
    ...plain,
    protocol: 'http',
    ...addressOf(endpoint, environment),
  } as Docker.DockerOptions;
}

function addressOf(endpoint: DockerEndpoint, environment: Environment): object {
  const { host, tls } = endpoint;
  if (host.startsWith('unix://')) {
    return { socketPath: host.slice('unix://'.length) };
  }
  if (host.startsWith('ssh://')) {
    return { host: 'docker.invalid', port: 80, agent: new SshAgent(host, environment) };
  }
  const url = URL.canParse(host.replace(/^(tcp|https?):/, 'http:'))
    ? new URL(host.replace(/^(tcp|https?):/, 'http:'))
    : undefined;
  if (!url || !/^(tcp|https?):/.test(host)) {
    throw new EngineError(
      'failed_precondition',
      `Cannot use Docker at "${host}" (${endpoint.source}): only unix://, tcp:// and ssh:// are supported; set DOCKER_HOST to one of these`,
    );
  }
  const secure = tls !== undefined || host.startsWith('https:');
  const address = { host: url.hostname, port: Number(url.port) || (secure ? 2376 : 2375) };
  if (!secure) {
    return address;
  }
  const { skipVerify = false, ...files } = tls ?? {};
  const agent = new HttpsAgent({ ...files, rejectUnauthorized: !skipVerify, keepAlive: true });
  return { ...address, protocol: 'https', agent };
}
