// What travels about lists of jobs, and about datums that begin again. The paths are under /api/v1; see `wire.ts`.
//
//  GET    /jobs?project=&pipeline=&state=<state,…>&version=&input=<project/repo@commit,…>&since=<time>&after=&limit=
//         → Page<Job>, newest first
//  GET    /jobs/subscribe?project=&pipeline=&state=<state,…>&version=&new=true → stream of Job whenever the state of one changes;
//         does not end (new: without those that are under way)
//  POST   /pipelines/{project}/{pipeline}/jobs/{id}/restart {datums} → RestartedDatums
//         (datums: beginnings of ids, or paths with a leading slash; none: all that are at work)

/** Datums that begin again. */
export interface RestartedDatums {
  readonly restarted: readonly { readonly datum: string; readonly worker: string }[];
}
