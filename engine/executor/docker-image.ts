// Images: found on this machine or pulled, and what the worker needs to know of them.

import type Docker from 'dockerode';
import { EngineError } from '../base/errors.ts';
import type { Environment } from './docker-config.ts';
import type { DockerConnection } from './docker-connection.ts';
import { findCredentials, loginFor } from './docker-credentials.ts';
import { dockerError, dockerMessage, dockerStatus } from './docker-errors.ts';
import type { ResolvedImage, ResolveOptions } from './executor.ts';
import { parseReference } from './image-reference.ts';
import { removeContainer } from './worker-container.ts';

/** What an image says about how it wants to be run. */
export interface ImageDetails {
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

export interface ResolveImageOptions extends ResolveOptions {
  readonly environment: Environment;
  readonly labels: Readonly<Record<string, string>>;
}

const POSSIBLE_NAME = /^[\w./:@+-]+$/;
const NO_SUCH_IMAGE =
  /manifest unknown|manifest for .* not found|repository does not exist|pull access denied|name unknown|not found: /i;
const NO_SUCH_PLATFORM =
  /no matching manifest|no match for platform|does not match the specified platform/i;

/** Finds images for workers on one Docker engine, and remembers which of them have a shell. */
export class DockerImages {
  readonly #connection: DockerConnection;
  readonly #hasShell = new Map<string, Promise<boolean>>();

  constructor(connection: DockerConnection) {
    this.#connection = connection;
  }

  /** See `Executor.resolveImage`. */
  async resolve(reference: string, options: ResolveImageOptions): Promise<ResolvedImage> {
    if (!POSSIBLE_NAME.test(reference)) {
      throw new EngineError(
        'invalid',
        `Cannot find image "${reference}": this can't be the name of an image; write it as registry/name:tag`,
      );
    }
    const { docker } = this.#connection;
    let info = await this.#inspectIfThere(reference);
    if (!info) {
      await this.#pull(reference, options);
      info = await docker
        .getImage(reference)
        .inspect()
        .catch((error: unknown) => {
          throw dockerError(error, `find image "${reference}" after pulling it`);
        });
    }
    const wanted = parseReference(reference);
    const digest = (info.RepoDigests ?? [])
      .map((name) => ({ name: parseReference(name), digest: name.slice(name.indexOf('@') + 1) }))
      .find(({ name }) => name.registry === wanted.registry && name.path === wanted.path)?.digest;
    return {
      reference,
      id: info.Id,
      digest: digest ?? info.Id,
      hasShell: await this.#findShell(info.Id, options.labels),
    };
  }

  /** Returns what the image with this id says of itself. */
  async details(id: string): Promise<ImageDetails> {
    const info = await this.#connection.docker
      .getImage(id)
      .inspect()
      .catch((error: unknown) => {
        throw dockerError(error, `use image "${id}"`);
      });
    const { Env, WorkingDir, Entrypoint, Cmd } = info.Config;
    const env: Record<string, string> = {};
    for (const line of Env ?? []) {
      const at = line.indexOf('=');
      if (at > 0) {
        env[line.slice(0, at)] = line.slice(at + 1);
      }
    }
    return {
      env,
      workingDirectory: WorkingDir || '/',
      entrypoint: typeof Entrypoint === 'string' ? [Entrypoint] : (Entrypoint ?? []),
      command: Cmd ?? [],
    };
  }

  async #inspectIfThere(reference: string): Promise<Docker.ImageInspectInfo | undefined> {
    try {
      return await this.#connection.docker.getImage(reference).inspect();
    } catch (error) {
      if (dockerStatus(error) === 404) {
        return undefined;
      }
      throw dockerError(error, `find image "${reference}"`);
    }
  }

  async #pull(reference: string, options: ResolveImageOptions): Promise<void> {
    try {
      await this.#pullFor(reference, options);
    } catch (error) {
      const foreign =
        this.#connection.host.architecture === 'arm64' &&
        NO_SUCH_PLATFORM.test(dockerMessage(error));
      if (!foreign) {
        throw pullError(error, reference);
      }
      options.onProgress?.(
        `${reference} exists for amd64 only: it runs in emulation on this machine, slower`,
      );
      try {
        await this.#pullFor(reference, options, 'linux/amd64');
      } catch (second) {
        throw pullError(second, reference);
      }
    }
  }

  async #pullFor(
    reference: string,
    options: ResolveImageOptions,
    platform?: string,
  ): Promise<void> {
    const { docker, config } = this.#connection;
    const name = parseReference(reference);
    const authconfig =
      loginFor(name.registry, options.logins ?? []) ??
      (await findCredentials(name.registry, { config, environment: options.environment }));
    // Without a tag the engine would pull them all.
    const full = name.tag || name.digest ? reference : `${reference}:latest`;
    const stream = (await docker.pull(full, {
      ...(authconfig ? { authconfig } : {}),
      ...(platform ? { platform } : {}),
      ...(options.signal ? { abortSignal: options.signal } : {}),
    })) as NodeJS.ReadableStream;
    const progress = new PullProgress(options.onProgress);
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        progress.take(line);
      }
    }
    progress.take(rest);
  }

  async #findShell(id: string, labels: Readonly<Record<string, string>>): Promise<boolean> {
    let found = this.#hasShell.get(id);
    if (!found) {
      found = this.#lookForShell(id, labels);
      this.#hasShell.set(id, found);
      found.catch(() => this.#hasShell.delete(id));
    }
    return await found;
  }

  /** Looks into a container that is never started: 25 ms, where running one would be 300. */
  async #lookForShell(id: string, labels: Readonly<Record<string, string>>): Promise<boolean> {
    let container: Docker.Container | undefined;
    try {
      container = await this.#connection.docker.createContainer({
        Image: id,
        Entrypoint: ['/bin/sh'],
        Labels: { ...labels },
      });
      const made = container;
      const has = async (path: string): Promise<boolean> => {
        try {
          // The answer has no body, but its connection is free only once that was read.
          ((await made.infoArchive({ path })) as NodeJS.ReadableStream).resume();
          return true;
        } catch (error) {
          if (dockerStatus(error) === 404) {
            return false;
          }
          throw error;
        }
      };
      return (await has('/bin/sh')) && ((await has('/usr/bin/env')) || (await has('/bin/env')));
    } catch (error) {
      throw dockerError(error, `look into image "${id}"`);
    } finally {
      if (container) {
        await removeContainer(container);
      }
    }
  }
}

/** Turns the engine's many messages about layers into few lines for people. */
class PullProgress {
  readonly #onProgress: ((line: string) => void) | undefined;
  readonly #last = new Map<string, string>();

  constructor(onProgress: ((line: string) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  /** Takes one line of JSON; throws what the engine reports as an error. */
  take(line: string): void {
    if (line.trim() === '') {
      return;
    }
    const { error, id, status, progress } = JSON.parse(line) as Record<string, string | undefined>;
    if (error !== undefined) {
      throw new Error(error);
    }
    const step = status === undefined ? undefined : `${status}${progress ? ` ${progress}` : ''}`;
    if (step === undefined || this.#last.get(id ?? '') === step) {
      return;
    }
    this.#last.set(id ?? '', step);
    this.#onProgress?.(id ? `${id}: ${step}` : step);
  }
}

function pullError(error: unknown, reference: string): EngineError {
  const message = dockerMessage(error);
  const name = (error as Error | null)?.name;
  if (name === 'AbortError') {
    return new EngineError('cancelled', `Cannot pull image "${reference}": cancelled`, {
      cause: error,
    });
  }
  if (dockerStatus(error) === 404 || NO_SUCH_IMAGE.test(message)) {
    return new EngineError(
      'not_found',
      `Cannot pull image "${reference}": ${message}; correct the name, or build or push the image`,
      { cause: error },
    );
  }
  if (dockerStatus(error) === 400) {
    return new EngineError(
      'invalid',
      `Cannot pull image "${reference}": ${message}; correct the name`,
      { cause: error },
    );
  }
  return new EngineError(
    'unavailable',
    `Cannot pull image "${reference}": ${message}; check the connection to the registry, or build the image on this machine`,
    { cause: error },
  );
}
