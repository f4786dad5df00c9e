// One line that user code printed, or that the engine says about it.

export interface LogRecord {
  /** When the line was complete, in milliseconds since the Unix epoch. */
  readonly time: number;
  /** Id of the datum; empty for what concerns the whole job. */
  readonly datum: string;
  readonly message: string;
}
