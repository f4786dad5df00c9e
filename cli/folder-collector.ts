// Puts the files of a frame stream into one folder as they arrive: small ones by threads, large ones piece by piece.

import { closeSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { FramePart } from '../engine/server/frames.ts';
import { CliError } from './cli-error.ts';
import { type FileBatch, openNew, writeAll } from './file-batch.ts';
import { FileThreads } from './file-threads.ts';

export interface Written {
  readonly files: number;
  readonly bytes: number;
}

interface Link {
  readonly path: string;
  readonly parts: readonly string[];
  readonly target: string;
}

/** Throws unless `path` is one that stays inside the folder it is put in. Returns its parts. */
function safeParts(path: string): readonly string[] {
  const parts = path.replace(/^\//, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw new CliError(
      'io',
      `Cannot write "${path}": its path leads out of the folder; nothing was written`,
    );
  }
  return parts;
}

/** Collects files in a folder of its own, in which nothing was. */
export class FolderCollector {
  readonly #folder: string;
  readonly #threads: FileThreads;
  readonly #made = new Set(['']);
  readonly #links: Link[] = [];
  #batch: FileBatch | undefined;
  #fd: number | undefined;
  #current = '';
  #executable = false;
  #files = 0;
  #bytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#threads = new FileThreads(folder);
  }

  /** What has arrived so far. */
  get written(): Written {
    return { files: this.#files, bytes: this.#bytes };
  }

  /** The path that was worked on last. */
  get current(): string {
    return this.#current;
  }

  /** Takes the next part of the stream; its data are not needed any more once it is done. Throws for paths that lead out of the folder. */
  take(part: FramePart): Promise<void> | undefined {
    if (part.link) {
      const parts = safeParts(part.path);
      this.#links.push({ path: parts.join('/'), parts, target: part.data.toString() });
      this.#files += 1;
      return undefined;
    }
    if (!this.#batch) {
      return this.#takeLater(part);
    }
    this.#takeInto(this.#batch, part);
    return undefined;
  }

  /** Resolves once everything taken is written; symbolic links come last, so that nothing is written through one. */
  async finish(): Promise<void> {
    await this.#threads.finish(this.#batch);
    for (const { parts, path } of this.#links) {
      this.#makeParents(parts, path);
    }
    for (const { target, path } of this.#links) {
      this.#current = path;
      symlinkSync(target, `${this.#folder}/${path}`);
    }
  }

  /** Ends everything: nothing is written any more once it resolves. */
  async close(): Promise<void> {
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
    }
    await this.#threads.close();
  }

  async #takeLater(part: FramePart): Promise<void> {
    this.#batch = await this.#threads.batch();
    this.#takeInto(this.#batch, part);
  }

  #takeInto(batch: FileBatch, part: FramePart): void {
    this.#bytes += part.data.length;
    if (part.first) {
      const names = safeParts(part.path);
      this.#current = names.join('/');
      this.#executable = part.executable;
      this.#makeParents(names, this.#current);
      batch.begin(this.#current, part.executable);
    }
    if (this.#fd === undefined && !batch.append(part.data)) {
      this.#fd = openNew(`${this.#folder}/${this.#current}`, this.#executable);
      writeAll(this.#fd, batch.takeOpen());
    }
    if (this.#fd !== undefined) {
      writeAll(this.#fd, part.data);
    }
    if (!part.last) {
      return;
    }
    this.#files += 1;
    if (this.#fd !== undefined) {
      closeSync(this.#fd);
      this.#fd = undefined;
    }
    if (batch.end()) {
      this.#threads.write(batch);
      this.#batch = undefined;
    }
  }

  #makeParents(parts: readonly string[], path: string): void {
    const parent = path.slice(0, Math.max(0, path.length - (parts.at(-1)?.length ?? 0) - 1));
    if (!this.#made.has(parent)) {
      mkdirSync(join(this.#folder, parent), { recursive: true });
      this.#made.add(parent);
    }
  }
}
