// How services and spouts run, as it travels.

export interface HostView {
  /** The engine that hosts it; null for none at the moment. */
  readonly engine: string | null;
  /** Where the service is reached, on the machine of that engine. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** The commit set whose data is served; null where none is, and for a spout. */
  readonly serving: string | null;
  /** The pipeline version that runs; null where nothing does. */
  readonly version: number | null;
  /** Since when it has been ready without a break; null while it is not. ISO 8601. */
  readonly readySince: string | null;
  /** How often its container ended by itself. */
  readonly restarts: number;
  readonly lastRestart: { readonly time: string; readonly reason: string } | null;
}
