// What the state holds of egress: which outputs a place outside may hold, so that what vanishes can be taken away there.

/** What the pipeline has sent to the place that its spec names. */
export interface EgressRecord {
  /** `project/name`. */
  readonly pipeline: string;
  /** Never reused, unlike the name. */
  readonly pipelineId: string;
  /** The job that sends, or sent last. */
  readonly job: string;
  /** Names the place, without passwords. Another one starts anew, and what is at the old one stays. */
  readonly target: string;
  /** Git trees of the outputs whose files may be there; null for an output without files. */
  readonly trees: readonly (string | null)[];
  /** Whether all files of the one tree are there. */
  readonly isComplete: boolean;
}
