// Who asks for something, as decisions and the journal know them.

/** Whoever has the token of an engine's home; an admin that no record names. */
export const LOCAL = 'local';
/** What the engine does by itself. */
export const ENGINE = 'engine';

/** Somebody on whose behalf something is done. */
export interface Asker {
  /** As the journal names them: a user's name, `local`, `engine`, or `pipeline:` and its key. */
  readonly actor: string;
  /** The id of the user whose rights count. Absent: whoever may do everything. */
  readonly user?: string;
}

/** How the journal names what a pipeline does. No user can be named so. */
export function pipelineActor(pipeline: string): string {
  return `pipeline:${pipeline}`;
}
