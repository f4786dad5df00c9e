// What the state holds of an input that follows a branch on a Git server.

/** An input of a pipeline whose commits come from a Git server. */
export interface GitRecord {
  /** Name of the input. */
  readonly input: string;
  /** Where the commits go; it belongs to the pipeline. */
  readonly repo: string;
  readonly url: string;
  /** The branch that is followed; null for the one the server shows first. */
  readonly branch: string | null;
  /** Whoever knows it may have the server looked at, and nothing else. */
  readonly hook: string;
  /** The last commit of the server that was taken; null before the first. */
  readonly taken: string | null;
  /** When that was committed there, in seconds since the Unix epoch. */
  readonly takenTime: number;
}
