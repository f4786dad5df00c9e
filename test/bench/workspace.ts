// The folder in which a bench works and all that it starts: both are gone when it ends, however it ends.

import { mkdtempSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { BenchEngine, type EngineOptions } from './bench-engine.ts';
import { endPrograms } from './program.ts';

const SCARCE_BYTES = 15 * 1024 ** 3;

/** Rows get it to work in. */
export class Workspace {
  readonly root = mkdtempSync(join(realpathSync(tmpdir()), 'pfs-bench-'));
  readonly quick: boolean;
  /** The most memory that an engine has had, in bytes, since it was last set. */
  peakBytes = 0;
  readonly #engines = new Set<BenchEngine>();
  #s3: S3Server | undefined;
  readonly #discarded: string[] = [];
  #folders = 0;

  readonly #rounds: number | undefined;

  constructor(options: { readonly quick: boolean; readonly rounds?: number | undefined }) {
    this.quick = options.quick;
    this.#rounds = options.rounds;
    // What a server keeps is to be removed with everything else.
    process.env.TMPDIR = this.root;
  }

  /** Returns the size that this run uses. */
  size(full: number, quick: number): number {
    return this.quick ? quick : full;
  }

  /** Returns how often each side of a slow row is measured. */
  rounds(full: number): number {
    return this.#rounds ?? (this.quick ? 1 : full);
  }

  /** Returns a path below the workspace that nothing has. */
  fresh(name: string): string {
    this.#folders += 1;
    return join(this.root, `${name}-${this.#folders}`);
  }

  /** Starts an engine on a home and, where none is named, a store of its own. */
  async engine(options: EngineOptions = {}): Promise<BenchEngine> {
    const engine = new BenchEngine(this.fresh('home'), options);
    this.#engines.add(engine);
    await engine.start();
    return engine;
  }

  /** Ends an engine, notes how much memory it had, and removes its home. */
  async close(engine: BenchEngine): Promise<void> {
    this.peakBytes = Math.max(this.peakBytes, engine.peakBytes());
    await engine.stop();
    this.#engines.delete(engine);
    this.remove(engine.home);
  }

  /** Returns the S3 server of this run, started when it is first asked for. */
  async s3(): Promise<S3Server> {
    if (!this.#s3) {
      const server = await startS3Server();
      if ('skip' in server) {
        throw new Error(server.skip);
      }
      this.#s3 = server;
    }
    return this.#s3;
  }

  remove(path: string): void {
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /**
   * Removes a folder of many files, but only when all is over, or where room gets scarce: some file systems make new files
   * many times slower for minutes after many were deleted (ext4 without a journal looks at each inode freed lately).
   */
  discard(path: string): void {
    this.#discarded.push(path);
    const { bavail, bsize } = statfsSync(this.root);
    if (bavail * bsize < SCARCE_BYTES) {
      for (const discarded of this.#discarded.splice(0)) {
        this.remove(discarded);
      }
    }
  }

  /** Ends everything, gently: the server is asked to stop. */
  async end(): Promise<void> {
    await this.#s3?.stop();
    this.#s3 = undefined;
    this.endNow();
  }

  /** Ends everything at once: for a process that is about to exit. */
  endNow(): void {
    endPrograms();
    for (const engine of this.#engines) {
      engine.kill();
    }
    this.remove(this.root);
  }

  /** Ends everything after Ctrl-C: what is killed may still write for a moment. */
  async endSoon(): Promise<void> {
    endPrograms();
    for (const engine of this.#engines) {
      engine.kill();
    }
    await this.#s3?.stop();
    await delay(200);
    this.endNow();
  }
}
