// The batches that the command of a spout sends to a socket: each is put together where no container sees it, and
// committed in the order in which they are complete. What was not committed when its container ends is dropped, and its sender,
// who was never told that it was, makes it again.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';
import { emptyDirectory } from '../jobs/host-directory.ts';
import type { PipelineRecord } from '../journal/records.ts';
import { findCommit } from '../pfs/commit-lookup.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { isCommitted } from './batch-commit.ts';
import type { OpenBatchDoor, SentBatch } from './batch-door.ts';
import type { BatchOf, BatchTaker } from './batch-taker.ts';
import type { HostParts } from './host.ts';

/** Where a container sees the directory of the socket. */
const DOOR_MOUNT = '/run/pfs';
const SOCKET = 'spout.sock';

/** Takes what is sent to one spout. */
export class SentBatches {
  readonly #parts: HostParts;
  readonly #taker: Pick<BatchTaker, 'commit'>;
  readonly #door: string;
  readonly #sent: string;
  #open: OpenBatchDoor | undefined;
  #count = 0;
  /** The last commit; they follow each other. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #underWay = new Set<Promise<unknown>>();

  /** `directory` is the spout's own; no container sees all of it. */
  constructor(
    parts: HostParts,
    {
      directory,
      taker,
    }: { readonly directory: string; readonly taker: Pick<BatchTaker, 'commit'> },
  ) {
    this.#parts = parts;
    this.#taker = taker;
    this.#door = join(directory, 'door');
    this.#sent = join(directory, 'sent');
  }

  /** What shows the socket in a container. */
  get mount(): { readonly source: string; readonly target: string } {
    return { source: this.#door, target: DOOR_MOUNT };
  }

  /** What tells a command where the socket is. */
  get environment(): Record<string, string> {
    return { PFS_SPOUT_SOCKET: `${DOOR_MOUNT}/${SOCKET}` };
  }

  /** Opens the socket for the batches of a container, after dropping what an earlier one left. */
  async open(about: BatchOf): Promise<void> {
    for (const directory of [this.#door, this.#sent]) {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { recursive: true, mode: 0o755 });
    }
    const socket = { directory: this.#door, name: SOCKET };
    this.#open = await this.#parts.batchDoors.open(socket, (batch) => this.#followed(batch, about));
  }

  /** Closes it. Nothing of what was sent is committed any more once this resolves. */
  async close(): Promise<void> {
    await this.#open?.close();
    this.#open = undefined;
    await Promise.all(this.#underWay);
  }

  #followed(batch: SentBatch, about: BatchOf): Promise<string | null> {
    const taken = this.#take(batch, about);
    const settled = taken
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
    return taken;
  }

  async #take(batch: SentBatch, about: BatchOf): Promise<string | null> {
    this.#count += 1;
    const directory = join(this.#sent, String(this.#count));
    mkdirSync(directory, { mode: 0o700 });
    try {
      await batch.fill(directory);
      putMarker(batch, { directory, pipeline: about.pipeline });
      if (readdirSync(directory).length === 0) {
        throw new EngineError('invalid', 'Cannot commit the batch: it holds no file');
      }
      const committed = this.#last.then(() => this.#commit(batch, { directory, about }));
      this.#last = committed.catch(() => undefined);
      return await committed;
    } finally {
      await emptyDirectory(directory);
      rmSync(directory, { recursive: true, force: true });
    }
  }

  async #commit(
    { key }: SentBatch,
    { directory, about }: { readonly directory: string; readonly about: BatchOf },
  ): Promise<string | null> {
    const { context } = this.#parts;
    const { pipeline } = about;
    const id = key === undefined ? context.ids.next() : idOf(pipeline, key);
    if (key === undefined || !(await isCommitted(context, pipeline.key, id))) {
      await this.#taker.commit({ id, directory }, about);
    }
    return (await findCommit(context, pipeline.key, id)) ? id : null;
  }
}

function putMarker(
  { marker }: SentBatch,
  at: { readonly directory: string; readonly pipeline: PipelineRecord },
): void {
  if (marker === undefined) {
    return;
  }
  const { spout } = at.pipeline.spec as unknown as PipelineSpec;
  if (spout?.marker === undefined) {
    throw new EngineError(
      'invalid',
      'Cannot move the marker: the spec of the spout names none; say spout.marker there',
    );
  }
  const file = join(at.directory, spout.marker);
  rmSync(file, { recursive: true, force: true });
  writeFileSync(file, marker, { mode: 0o600 });
}

/** The commit's id follows from the key, so that a batch that comes again finds what became of it. */
function idOf(pipeline: Pick<PipelineRecord, 'id'>, key: string): string {
  return createHash('sha256').update(`${pipeline.id} ${key}`).digest('hex').slice(0, 32);
}
