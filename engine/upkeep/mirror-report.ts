// What a mirroring tells: for people, and for programs.

/** What a mirroring says while it goes on, and at its end. */
export type MirrorReport =
  | {
      readonly kind: 'progress';
      readonly stage: string;
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly kind: 'summary';
      /** The newest journal entry that the mirror has now. */
      readonly sequence: number;
      readonly copied: number;
      readonly bytes: number;
      /** Objects that the store no longer has, and that nothing in the mirror needs. */
      readonly deleted: number;
    };
