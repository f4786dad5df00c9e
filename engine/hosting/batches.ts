// The batches of a spout on this machine: directories in its `/pfs/out` whose names end in `.batch`. Each is taken by renaming
// it to the id of the commit that it will be, which is noted first where user code can't write, and is removed once that is
// journaled: whenever either of us dies, what lies there says how far it got.

import {
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { EngineError, errorText } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { linkAbort } from '../base/linked-abort.ts';
import type { Executor } from '../executor/executor.ts';
import { emptyDirectory, isAccessDenied } from '../jobs/host-directory.ts';
import { syncEntries } from '../object/sync-entries.ts';

const COMPLETE = '.batch';
const TAKEN = '.taken';
/** Where the kernel does not say what a container does, it is looked for. */
const LOOK_MS = 1000;

/** A batch that was taken. */
export interface Batch {
  /** The id of its commit. */
  readonly id: string;
  readonly directory: string;
}

export interface BatchesOptions {
  /** The spout's `/pfs/out` on this machine. */
  readonly directory: string;
  /** Directory for the ids that were given, which no container sees. {@link Batches.make} makes it. */
  readonly notes: string;
  readonly executor: Pick<Executor, 'reclaim'>;
}

/** The output directory of one spout. */
export class Batches {
  readonly #directory: string;
  readonly #notes: string;
  readonly #executor: Pick<Executor, 'reclaim'>;

  constructor({ directory, notes, executor }: BatchesOptions) {
    this.#directory = directory;
    this.#notes = notes;
    this.#executor = executor;
  }

  /** Makes what it needs beside the output directory. Call it before anything else. */
  make(): void {
    mkdirSync(this.#notes, { recursive: true, mode: 0o700 });
  }

  /** Returns what was taken and not yet removed, the oldest first; never what user code named like it. */
  taken(): Batch[] {
    const batches: Batch[] = [];
    for (const id of readdirSync(this.#notes).filter(isId).sort()) {
      const batch = this.#batch(id);
      if (isDirectory(batch.directory)) {
        batches.push(batch);
      } else {
        // It was noted and not renamed any more, or is removed.
        this.#forget(id);
      }
    }
    return batches;
  }

  /**
   * Takes the next complete batch, in the order of their names; undefined where there is none. Throws `invalid` for one
   * that is no directory, which is gone then.
   */
  take(newId: () => string): Batch | undefined {
    const entries = readdirSync(this.#directory, { withFileTypes: true })
      .filter(({ name }) => name.endsWith(COMPLETE))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const [first] = entries;
    if (first === undefined) {
      return undefined;
    }
    if (!first.isDirectory()) {
      unlinkSync(join(this.#directory, first.name));
      throw notDirectory(first.name);
    }
    const batch = this.#batch(newId());
    try {
      writeFileSync(join(this.#notes, batch.id), '', { flag: 'wx' });
      syncEntries(this.#notes);
      renameSync(join(this.#directory, first.name), batch.directory);
      // A name that a power cut takes back would be taken again, as another commit.
      syncEntries(this.#directory);
    } catch (error) {
      throw takeError(first.name, error);
    }
    if (!isDirectory(batch.directory)) {
      unlinkSync(batch.directory);
      this.#forget(batch.id);
      throw notDirectory(first.name);
    }
    return batch;
  }

  /** Makes a batch readable and removable where only the container's user could do either. */
  async open(batch: Batch): Promise<void> {
    await this.#executor.reclaim(this.#directory, { only: `${batch.id}${TAKEN}` });
  }

  async remove(batch: Batch): Promise<void> {
    try {
      await remove(batch.directory);
    } catch (error) {
      if (!isAccessDenied(error)) {
        throw error;
      }
      await this.open(batch);
      await remove(batch.directory);
    }
    this.#forget(batch.id);
  }

  /** Removes all that is no batch, taken or complete; returns the names. Call it while no container runs. */
  async clear(): Promise<readonly string[]> {
    const taken = new Set(this.taken().map(({ id }) => `${id}${TAKEN}`));
    const rest = this.#names().filter((name) => !taken.has(name) && !name.endsWith(COMPLETE));
    for (const name of rest) {
      const path = join(this.#directory, name);
      try {
        await remove(path);
      } catch (error) {
        if (!isAccessDenied(error)) {
          throw error;
        }
        await this.#executor.reclaim(this.#directory);
        await remove(path);
      }
    }
    return rest;
  }

  /** Resolves when something was renamed in the directory, or after a second. */
  async changed(clock: Clock, signal: AbortSignal): Promise<void> {
    const { controller: over, unlink } = linkAbort(signal);
    const seen = new Promise<void>((resolve) => {
      try {
        const watcher = watch(this.#directory, (_, name) => {
          if (name === null || name.endsWith(COMPLETE)) {
            resolve();
          }
        });
        watcher.on('error', () => undefined);
        over.signal.addEventListener('abort', () => watcher.close(), { once: true });
      } catch {
        // No room for another watch: the clock will do.
      }
    });
    const looked = this.#names().some((name) => name.endsWith(COMPLETE));
    const late = clock.sleep(LOOK_MS, { signal: over.signal }).catch(() => undefined);
    await (looked ? undefined : Promise.race([seen, late]));
    over.abort();
    unlink();
  }

  #forget(id: string): void {
    rmSync(join(this.#notes, id), { force: true });
  }

  #batch(id: string): Batch {
    return { id, directory: join(this.#directory, `${id}${TAKEN}`) };
  }

  #names(): string[] {
    return readdirSync(this.#directory);
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function notDirectory(name: string): EngineError {
  return new EngineError(
    'invalid',
    `/pfs/out/${name} is no directory; put files into a directory and rename that to a name that ends in ${COMPLETE}`,
  );
}

function takeError(name: string, cause: unknown): EngineError {
  const text = `Cannot take batch "${name}": ${errorText(cause)}; check the disk`;
  return new EngineError('unavailable', text, { cause });
}

async function remove(path: string): Promise<void> {
  if (!isDirectory(path)) {
    rmSync(path, { force: true });
    return;
  }
  await emptyDirectory(path);
  rmdirSync(path);
}
