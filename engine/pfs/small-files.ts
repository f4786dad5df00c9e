// The small files of an upload on their way into its session: named in batches by another thread, while more are coming.

import { mustBeLarge } from '../content/pointer.ts';
import { BlobBatch, SMALL_BATCH_BYTES } from '../git/blob-batch.ts';
import type { StoredFile, WriteSession } from './write-session.ts';

/** Where a file goes. */
interface Place {
  readonly path: string;
  readonly executable: boolean;
}

/** A file that is stored. */
export interface SmallFile extends Place {
  readonly stored: StoredFile;
}

/** Batches that may be under way before somebody has to wait for the first. */
const MAX_RUNNING = 3;

/** Takes whole files of at most `MAX_BLOB_BYTES` and gives them back stored, in the same order. */
export class SmallFiles {
  readonly #session: WriteSession;
  /** Stored or being stored, in order. */
  readonly #running: Promise<SmallFile[]>[] = [];
  #batch: BlobBatch | undefined;
  #places: Place[] = [];
  #batches = 0;
  /** One batch after the other enters the session, so that packs hold files in their order. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(session: WriteSession) {
    this.#session = session;
  }

  /** Whether so many are under way that the first should be waited for. */
  get isAhead(): boolean {
    return this.#running.length > MAX_RUNNING;
  }

  /** Takes a file; its bytes are copied. */
  add(place: Place, data: Buffer): void {
    if (mustBeLarge(data)) {
      this.#flush();
      const bytes = Buffer.from(data);
      this.#run(async () => [{ ...place, stored: await this.#session.smallFile(bytes) }]);
      return;
    }
    if (this.#batch?.hasRoom(data.length) !== true) {
      this.#flush();
      // Few files need no thread; those that do not fit are not few.
      const isSmall = this.#batches === 0 && data.length <= SMALL_BATCH_BYTES;
      this.#batch = new BlobBatch({ small: isSmall });
      this.#batches += 1;
    }
    this.#batch?.add(data);
    this.#places.push(place);
  }

  /** Returns the files of the first batch under way. */
  async next(): Promise<readonly SmallFile[]> {
    return (await this.#running.shift()) ?? [];
  }

  /** Returns all files that were not returned yet. */
  async rest(): Promise<readonly SmallFile[]> {
    this.#flush();
    const files: SmallFile[][] = [];
    while (this.#running.length > 0) {
      files.push([...(await this.next())]);
    }
    return files.flat();
  }

  /** Gives up what is not under way yet. */
  discard(): void {
    this.#batch?.release();
    this.#batch = undefined;
    this.#places = [];
  }

  #flush(): void {
    const batch = this.#batch;
    const places = this.#places;
    if (!batch) {
      return;
    }
    this.#batch = undefined;
    this.#places = [];
    const naming = batch.name();
    naming.catch(() => undefined);
    this.#run(async () => {
      try {
        const named = await naming;
        await this.#session.smallFiles(named);
        return places.map((place, i) => ({
          ...place,
          stored: { id: named[i]?.id ?? '', isLarge: false },
        }));
      } finally {
        batch.release();
      }
    });
  }

  #run(work: () => Promise<SmallFile[]>): void {
    const running = this.#last.then(work);
    // Whoever asks for the files meets the error; until then it must not count as unhandled.
    running.catch(() => undefined);
    this.#last = running;
    this.#running.push(running);
  }
}
