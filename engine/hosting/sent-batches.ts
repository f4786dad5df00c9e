// The batches that the command of a spout sends to a socket: each is put together where no container sees it, and
// committed in the order in which they are complete. What was not committed when its container ends is dropped, and its sender,
// who was never told that it was, makes it again.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';
import { emptyDirectory } from '../jobs/host-directory.ts';
import type { PipelineRecord } from '../journal/records.ts';
import { answerOnce, type Request } from '../pfs/context.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
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
  #isClosing = false;

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
    this.#isClosing = false;
    const socket = { directory: this.#door, name: SOCKET };
    this.#open = await this.#parts.batchDoors.open(socket, (batch) => this.#followed(batch, about));
  }

  /** Closes it. Nothing of what was sent is committed any more once this resolves. */
  async close(): Promise<void> {
    this.#isClosing = true;
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
      if (readdirSync(directory).length === 0) {
        throw holdsNothing();
      }
      putMarker(batch, { directory, pipeline: about.pipeline });
      const committed = this.#last.then(() => this.#commit(batch, { directory, about }));
      this.#last = committed.catch(() => undefined);
      return await committed;
    } finally {
      // Whether that succeeds says nothing of the batch.
      await remove(directory).catch(this.#parts.onProblem);
    }
  }

  async #commit(
    { key }: SentBatch,
    { directory, about }: { readonly directory: string; readonly about: BatchOf },
  ): Promise<string | null> {
    if (this.#isClosing) {
      throw new EngineError('cancelled', 'Cannot commit the batch: its container has ended');
    }
    const { context } = this.#parts;
    const request: Request = {
      actor: 'engine',
      ...(key === undefined ? {} : { id: requestOf(about.pipeline, key) }),
    };
    const batch = { id: context.ids.next(), directory };
    const { commit, hasMarker } = await answerOnce(context, request, () =>
      this.#taker.commit(batch, about, { request: request.id }),
    );
    if (commit === null && !hasMarker) {
      throw holdsNothing();
    }
    return commit;
  }
}

async function remove(directory: string): Promise<void> {
  await emptyDirectory(directory);
  rmSync(directory, { recursive: true, force: true });
}

function holdsNothing(): EngineError {
  return new EngineError('invalid', 'Cannot commit the batch: it holds no file');
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

/** A key stands for a request of one spout, whatever others call theirs. */
function requestOf(pipeline: Pick<PipelineRecord, 'id'>, key: string): string {
  return createHash('sha256').update(`batch ${pipeline.id} ${key}`).digest('hex').slice(0, 32);
}
