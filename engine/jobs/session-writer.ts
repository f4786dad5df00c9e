// The contents that workers read and write, over the live packs and a write session of the engine.

import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { parsePointer } from '../content/pointer.ts';
import type { GitObjects } from '../git/git-objects.ts';
import type { TreeEntry } from '../git/tree.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type Directory, readDirectory, writeDirectory } from '../pfs/directory.ts';
import type { SessionPacks, WriteSession } from '../pfs/write-session.ts';
import type { ContentReader, ContentWriter, FileContent, StoredFile } from './contents.ts';

type ReadBytes = (id: string) => AsyncIterable<Buffer>;

class Contents implements ContentReader {
  readonly #objects: GitObjects;
  readonly #readBytes: ReadBytes;

  constructor(objects: GitObjects, readBytes: ReadBytes) {
    this.#objects = objects;
    this.#readBytes = readBytes;
  }

  readTree(id: string): Promise<readonly TreeEntry[]> {
    return this.#objects.readTree(id);
  }

  readDirectory(id: string): Promise<Directory> {
    return readDirectory(this.#objects, id);
  }

  async readFile(id: string): Promise<FileContent> {
    const blob = await this.#objects.readBlob(id);
    const pointer = blob.length < MAX_POINTER_BYTES ? parsePointer(blob) : undefined;
    return pointer
      ? { kind: 'large', size: pointer.size, read: () => this.#readBytes(id) }
      : { kind: 'small', bytes: blob };
  }
}

/** Reads what is committed. */
export function committedContents(context: PfsContext): ContentReader {
  return new Contents(context.objects, (id) => context.readFile(id));
}

/** Reads what is committed and what the session has been given, and writes into the session. */
export class SessionWriter extends Contents implements ContentWriter {
  readonly #session: WriteSession;

  constructor(session: WriteSession) {
    super(session, (id) => session.readFile(id));
    this.#session = session;
  }

  writeFile(bytes: Buffer): StoredFile | Promise<StoredFile> {
    return this.#session.smallFile(bytes);
  }

  async writeLargeFile(source: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const file = this.#session.newFile();
    for await (const bytes of source) {
      await file.write(bytes);
    }
    return await file.finish();
  }

  writeTree(entries: readonly TreeEntry[]): Promise<string> {
    return this.#session.tree(entries);
  }

  writeDirectory(directory: Directory): Promise<string | null> {
    return writeDirectory(this.#session, directory, { isRoot: false });
  }
}

/**
 * A session that is made durable again and again while workers write: `lend` hands the current one out, `flush` waits
 * until all are back, stores what it holds, and goes on with a new one.
 */
export class LentSession {
  readonly #context: PfsContext;
  /** Made when it is needed: a session that nobody ends would be kept for ever. */
  #session: WriteSession | undefined;
  #uses = new Set<Promise<unknown>>();
  #flushing: Promise<unknown> | undefined;

  constructor(context: PfsContext) {
    this.#context = context;
  }

  /** Runs `use` with the writer; what it returns is durable after the next `flush`. */
  async lend<T>(use: (writer: SessionWriter) => Promise<T>): Promise<T> {
    while (this.#flushing) {
      await this.#flushing;
    }
    const work = use(new SessionWriter(this.#current()));
    const settled = work.catch(() => undefined);
    this.#uses.add(settled);
    try {
      return await work;
    } finally {
      this.#uses.delete(settled);
    }
  }

  /**
   * Runs `last` on the session once nobody else uses it, stores everything, and returns both: the result and the packs
   * that a transaction must name. One flush at a time.
   */
  async flush<T>(
    last: (session: WriteSession) => Promise<T>,
  ): Promise<{ readonly result: T; readonly packs: SessionPacks }> {
    while (this.#flushing) {
      await this.#flushing;
    }
    const work = async () => {
      await Promise.all(this.#uses);
      const session = this.#current();
      const result = await last(session);
      this.#session = undefined;
      return { result, packs: await session.finish() };
    };
    const flushing = work();
    this.#flushing = flushing
      .catch(() => undefined)
      .finally(() => {
        this.#flushing = undefined;
      });
    return await flushing;
  }

  /** Gives up what has not been flushed. */
  async discard(): Promise<void> {
    await Promise.all(this.#uses);
    this.#session?.discard();
    this.#session = undefined;
  }

  #current(): WriteSession {
    this.#session ??= this.#context.newSession();
    return this.#session;
  }
}
