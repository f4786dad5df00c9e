// The files of a cache on the disk: their names, how they are written, and what an earlier process left of them. It
// knows nothing of which are wanted.

import { mkdirSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { EngineError, systemCode } from '../base/errors.ts';
import { writeNew, writeSmall } from './host-file.ts';

const NAME_PATTERN = /^([0-9a-f]{40}x?)-(\d+)$/;
const FETCHING_PREFIX = 'fetching-';

/** Returns where the file of a key and a size in bytes lies. */
export function cachedPath(directory: string, file: { key: string; size: number }): string {
  return join(directory, file.key.slice(0, 2), `${file.key}-${file.size}`);
}

/** Returns where a file lies that is being fetched; `number` is unique within this process. */
export function fetchingPath(directory: string, number: number): string {
  return join(directory, `${FETCHING_PREFIX}${number}`);
}

/** Makes the directory where there is none, removes what was being fetched, and yields what is there. */
export async function* cachedFiles(
  directory: string,
): AsyncGenerator<{ readonly key: string; readonly size: number }> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory)) {
    if (name.startsWith(FETCHING_PREFIX)) {
      unlinkSync(join(directory, name));
    }
  }
  for (let first = 0; first < 256; first++) {
    const shard = join(directory, first.toString(16).padStart(2, '0'));
    mkdirSync(shard, { recursive: true });
    for (const name of readdirSync(shard)) {
      const [, key = '', size = ''] = NAME_PATTERN.exec(name) ?? [];
      if (key !== '') {
        yield { key, size: Number(size) };
      }
    }
    await setImmediate();
  }
}

/** Writes a small file in one piece. What a crash leaves of one has another size than its name says. */
export function writeCached(path: string, content: { bytes: Uint8Array; mode: number }): void {
  try {
    writeSmall(path, content);
  } catch (error) {
    rmSync(path, { force: true });
    if (systemCode(error) !== 'EEXIST') {
      throw error;
    }
    writeSmall(path, content);
  }
}

/**
 * Writes a file of exactly `size` bytes, which takes its name when it is whole. Rejects with `corrupt` where other bytes
 * come, with `cancelled` when the signal aborts.
 */
export async function streamCached(
  path: string,
  content: {
    readonly file: string;
    readonly temporary: string;
    readonly source: AsyncIterable<Uint8Array>;
    readonly mode: number;
    readonly size: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { file, temporary, source, mode, size, signal } = content;
  try {
    const written = await writeNew(temporary, source, { mode, limit: size, signal });
    if (written !== size) {
      throw new EngineError(
        'corrupt',
        `Cannot fetch file "${file}": ${written} bytes came instead of ${size}`,
      );
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
