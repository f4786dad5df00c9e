// What the engine says of a pack: its identity, what is in it, how large it is. Never its contents.

import type { PackIndex } from './pack-index.ts';

/** A pack of Git objects, or of chunks of large files. */
export type PackKind = 'git' | 'chunk';

/** A live pack, as the journal names it. */
export interface PackRef {
  readonly id: string;
  readonly kind: PackKind;
  /** Length of the whole pack. */
  readonly bytes: number;
  /** How many objects are in it. */
  readonly objects: number;
}

/** A pack that was just uploaded, with its index, so that nobody needs to fetch it. */
export interface NewPack extends PackRef {
  readonly index: PackIndex;
}

/** What an object is. The first four are Git's; a list names the chunks of one large file. */
export type ObjectKind = 'commit' | 'tree' | 'blob' | 'tag' | 'chunk' | 'list';

/** What is known of an object without reading it. */
export interface ObjectStat {
  readonly kind: ObjectKind;
  /** Bytes: of a blob the file's, of a tree all files' below it, of any other object its own. */
  readonly size: number;
  /** Files below a tree; 1 for a blob, or 0 for one that is hidden from users. */
  readonly files: number;
}

/** Where an object stands in its pack. */
export interface PackEntry extends ObjectStat {
  readonly id: string;
  /** Where its entry starts in the pack. */
  readonly offset: number;
  /** Length of its entry in the pack. */
  readonly stored: number;
  /** Of a delta: the id of the object of the same pack that it is a delta of. */
  readonly base?: string;
}
