// How one attempt at a datum ended.

export interface Attempt {
  /** Empty on success. */
  readonly reason: string;
  /** Trying again can't help. */
  readonly isFinal: boolean;
  readonly exitCode: number | null;
  readonly lastLines: readonly string[];
  readonly output: string | null;
}
