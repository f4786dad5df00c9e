// What an egress sends, and the port of the places that take it. Knows no place, and nothing of commits.

/** One file of an output. */
export interface OutgoingFile {
  /** Without a leading slash. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Names the content: files with the same bytes have the same id. */
  readonly id: string;
  readonly executable: boolean;
  /** The place was given exactly this before, and nothing else since. */
  readonly isKnown: boolean;
}

/** An output, and what of earlier ones is not in it. */
export interface Outgoing {
  /** Yields all files, in the order of the bytes of their paths. */
  files(): AsyncIterable<OutgoingFile>;
  /** Yields the paths that the place may have been given before and that are no files of this output. */
  gone(): AsyncIterable<string>;
  read(file: OutgoingFile): AsyncIterable<Buffer>;
}

/** Somewhere outside that takes outputs. */
export interface EgressTarget {
  /** For messages and logs: no password is in it. */
  readonly name: string;
  /**
   * Makes what is there the output: puts its files, and takes away what is gone. Doing so again, also after it was cut off
   * anywhere, changes nothing. Rejects with `unavailable` what may heal, and with `cancelled` when the signal aborts.
   */
  send(outgoing: Outgoing, signal: AbortSignal): Promise<void>;
}
