// What travels about provenance; as `wire.ts`, which says what holds for all routes.
//
//  GET    /provenance?repo=<project/repo>&ref=&path=&direction=up|down → Lineage

import type { Commit, Image, RepoName } from './wire.ts';

/** A tree of where something came from (`up`) or what came of it (`down`). */
export interface Lineage {
  readonly commit: Commit;
  /** The files and directories that take part, at most 100: empty for a whole commit, `path` null but for a single one. */
  readonly path: string | null;
  readonly paths: readonly string[];
  /** The same commit and paths stand before this one: `datums` and `next` are there. */
  readonly repeated: boolean;
  /** For an output: the datums that wrote it, and what they read. At most 100; `omitted` counts the rest. */
  readonly datums: readonly {
    readonly id: string;
    readonly job: string;
    readonly version: number;
    readonly image: Image | null;
    /** `name@version` of the secrets that it could see; absent for none. */
    readonly secrets?: readonly string[];
    readonly inputs: readonly {
      readonly name: string;
      readonly repo: RepoName;
      readonly commit: string;
      readonly path: string;
    }[];
  }[];
  readonly omitted: number;
  /** Up: the commits it was made from. Down: the commits made from it. */
  readonly next: readonly Lineage[];
}
