// What travels of changes as they happen, as server-sent events (HTML, 9.2). The paths are under /api/v1; see `wire.ts`.
//
//  GET    /events?after=<seq>&project=&kinds=<kind,…>         → server-sent events; does not end
//         Each event has a position (`id`): the number of the journal entry whose change it tells. They come in order, one for
//         each entry that changed anything of what is asked for, whichever engine wrote it. `Last-Event-ID`, or `after`, is the
//         last position that the client has seen, also before a restart of the engine; without either they begin now.
//         `event: change`: `Change`. `event: reset`: `Reset`, where the position is too far behind or none of this store, or the
//         client reads too slowly: it reads again whatever it shows, and the events go on from there.
//         What has an `id` and no data moves the position on. A comment (a line that begins with a colon) keeps the stream alive.

export type { Change, Reset } from './wire-changes.ts';

/** What changes are told of. */
export const CHANGE_KINDS = [
  'projects',
  'repos',
  'branches',
  'tags',
  'commits',
  'pipelines',
  'jobs',
  'secrets',
  'defaults',
  'transactions',
] as const;

export type ChangeKind = (typeof CHANGE_KINDS)[number];
