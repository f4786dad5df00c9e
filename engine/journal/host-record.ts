// What runs for as long as its pipeline: which engine hosts it, and how it is.

/** How the container of a service or spout is, as the engine that hosts it last said. */
export interface HostRecord {
  /** The engine; null once it has let go, for any other to take over. */
  readonly owner: string | null;
  /** The home of the engine that hosts it or did so last: what that left unfinished lies there. */
  readonly home: string | null;
  /** Where the service listens; kept while nobody hosts it, so that it comes back where it was. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** The output commit whose inputs are served; null for a spout, and where nothing is served. */
  readonly serving: string | null;
  /** The pipeline version that runs; null where nothing does. */
  readonly version: number | null;
  /** Since when it has been ready without a break, in milliseconds since the Unix epoch; null while it is not. */
  readonly since: number | null;
  /** How often a container ended by itself, since the pipeline was last started. */
  readonly restarts: number;
  /** The last time that happened, and why. */
  readonly lastRestart: { readonly time: number; readonly reason: string } | null;
}
