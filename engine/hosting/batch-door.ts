// The port to the door at which the command of a spout sends its batches, where it does not drop them as directories.

/** A batch that was sent. */
export interface SentBatch {
  /** Puts its files into a directory of this machine that is empty and that nobody else sees. Rejects where it can't. */
  readonly fill: (directory: string) => Promise<void>;
  /** What becomes the marker, in place of a file of its name. */
  readonly marker?: string;
  /** Any name that the sender gave it: sent again under the same one, it gets the first answer and is not committed again. */
  readonly key?: string;
}

/**
 * Commits a batch; resolves once that is durable, with the id of the commit, null where it moved the marker alone. Rejects
 * with `invalid` what can't be stored.
 */
export type TakeBatch = (batch: SentBatch) => Promise<string | null>;

/** A door that is open. */
export interface OpenBatchDoor {
  /** Lets nobody in any more, and cuts off who is sending. */
  close(): Promise<void>;
}

/** Opens doors. */
export interface BatchDoors {
  /** Opens one as a Unix socket of this name in a directory, which is there. Anybody who sees the socket may send. */
  open(
    socket: { readonly directory: string; readonly name: string },
    take: TakeBatch,
  ): Promise<OpenBatchDoor>;
}
