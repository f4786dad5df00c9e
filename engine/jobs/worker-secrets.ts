// Secrets on their way to user code: as files of directories, and as variables. What tells which versions they are of is all
// that is ever noted of them.

import { EngineError } from '../base/errors.ts';
import type { RegistryLogin, SecretDirectory } from '../executor/executor.ts';
import { cleanDirectory } from '../pipeline/secret-rules.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { lacksKey, type OpenSecret, type Secrets } from '../secrets/secrets.ts';
import { loginsOf } from './registry-logins.ts';

/** What a worker is given of secrets. */
export interface WorkerSecrets {
  /** `name@version` of each, in order. */
  readonly versions: readonly string[];
  readonly directories: readonly SecretDirectory[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The secrets of a pipeline, as they are now. */
export interface SecretSource {
  /** Tells whether what a worker was given is still what there is. */
  readonly versions: readonly string[];
  /** Rejects, with what to do, where a secret is missing, lacks a value or can't be opened. */
  open(): WorkerSecrets;
}

/** What the worker of the moment was given. */
export class ShownSecrets {
  readonly #source: SecretSource | undefined;
  #shown: WorkerSecrets | undefined;
  /** What there was then. */
  #known = '';

  constructor(source: SecretSource | undefined) {
    this.#source = source;
  }

  /** Whether there are others by now. */
  get areOutdated(): boolean {
    return this.#source !== undefined && this.#source.versions.join() !== this.#known;
  }

  /** Opens what a new worker is to be given. Rejects as {@link SecretSource.open} does. */
  open(): { readonly secrets?: readonly SecretDirectory[] } {
    if (this.#source === undefined) {
      return {};
    }
    this.#shown = this.#source.open();
    this.#known = this.#source.versions.join();
    return { secrets: this.#shown.directories };
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#shown?.environment ?? {};
  }

  /** `name@version` of each, for the record. */
  get seen(): { readonly secrets?: readonly string[] } {
    return this.#shown ? { secrets: this.#shown.versions } : {};
  }
}

/** Returns the secrets that the transform of a spec shows; undefined where it shows none. */
export function secretSource(secrets: Secrets, spec: PipelineSpec): SecretSource | undefined {
  const mounts = spec.transform.secrets ?? [];
  if (mounts.length === 0) {
    return undefined;
  }
  const names = [...new Set(mounts.map(({ name }) => name))].sort();
  return {
    get versions() {
      const there = new Map(
        secrets.list().map(({ name, id, version }) => [name, `${id}@${version}`]),
      );
      return names.map((name) => `${name} ${there.get(name) ?? ''}`);
    },
    open: () => {
      const opened = new Map(names.map((name) => [name, secrets.open(name)]));
      const directories = new Map<string, Map<string, Buffer>>();
      const environment: Record<string, string> = {};
      for (const { name, key, mount_path: path, env_var: variable } of mounts) {
        const secret = opened.get(name) as OpenSecret;
        const shown = key ? [[key, requiredValue(secret, key)] as const] : [...secret.values];
        if (variable && key) {
          environment[variable] = textOf(secret, key);
        }
        if (path) {
          const directory = cleanDirectory(path);
          const files = directories.get(directory) ?? new Map<string, Buffer>();
          addFiles(files, { shown, directory });
          directories.set(directory, files);
        }
      }
      return {
        versions: [...opened.values()].map(({ name, version }) => `${name}@${version}`),
        directories: [...directories].map(([path, files]) => ({ path, files })),
        environment,
      };
    },
  };
}

/** Returns the logins that the image pull secrets of a spec hold. */
export function pullLogins(
  secrets: Secrets,
  spec: Pick<PipelineSpec, 'transform'>,
): readonly RegistryLogin[] {
  return (spec.transform.image_pull_secrets ?? []).flatMap((name) => loginsOf(secrets.open(name)));
}

function requiredValue(secret: OpenSecret, key: string): Buffer {
  const value = secret.values.get(key);
  if (value === undefined) {
    throw lacksKey(secret.name, { key, keys: [...secret.values.keys()] });
  }
  return value;
}

function textOf(secret: OpenSecret, key: string): string {
  const value = requiredValue(secret, key);
  const text = value.toString('utf8');
  if (text.includes('\0') || !Buffer.from(text).equals(value)) {
    throw new EngineError(
      'invalid',
      `Cannot use value "${key}" of secret "${secret.name}" as a variable: it is no text; use mount_path`,
    );
  }
  return text;
}

function addFiles(
  files: Map<string, Buffer>,
  more: { readonly shown: Iterable<readonly [string, Buffer]>; readonly directory: string },
): void {
  for (const [name, value] of more.shown) {
    if (files.has(name) && files.get(name)?.equals(value) !== true) {
      throw new EngineError(
        'invalid',
        `Cannot show secrets in "${more.directory}": two of them have a value "${name}"; give each its own mount_path`,
      );
    }
    files.set(name, value);
  }
}
