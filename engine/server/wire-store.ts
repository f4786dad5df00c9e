// What travels between the engine and its clients about the store itself. See `wire.ts` for how.
//
//  GET    /store/check?data=true&store=<url>                  → stream of CheckReport, the last a summary (store: another one)
//  POST   /store/repair?data=true&from=<url>   body: empty text → stream of RepairReport, the last a summary
//  POST   /store/mirror?to=<url>               body: empty text → stream of MirrorReport, the last a summary
//  GET    /store/doctor                                       → DoctorReport
//
// An engine whose store is damaged answers these, /version, /engine and /engine/stop, and nothing else.

export interface StoreProgress {
  readonly kind: 'progress';
  readonly stage: string;
  readonly done: number;
  /** 0 where it is not known. */
  readonly total: number;
}

export interface StoreFinding {
  readonly kind: 'finding';
  readonly level: 'damage' | 'warning' | 'note';
  /** The object of the bucket it is about. */
  readonly key: string | null;
  readonly message: string;
  /** What would put it right: making it again from other objects, or a copy of the store. */
  readonly remedy: 'rebuild' | 'copy' | null;
}

export interface CheckSummary {
  readonly kind: 'summary';
  readonly data: boolean;
  readonly sequence: number;
  readonly commits: number;
  readonly packs: number;
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: number;
  readonly warnings: number;
  readonly affected: readonly {
    readonly repo: string;
    readonly path: string;
    readonly commits: number;
    readonly newest: string;
  }[];
  readonly omitted: number;
}

export type CheckReport = StoreProgress | StoreFinding | CheckSummary;

export interface Repaired {
  readonly kind: 'repaired';
  /** The object of the bucket; null for objects that were in none of them any more. */
  readonly key: string | null;
  readonly message: string;
}

export type RepairReport = CheckReport | Repaired;

export interface MirrorSummary {
  readonly kind: 'summary';
  readonly sequence: number;
  readonly copied: number;
  readonly bytes: number;
  readonly deleted: number;
}

export type MirrorReport = StoreProgress | MirrorSummary;

export interface DoctorCheck {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  /** What to do; empty where nothing is. */
  readonly remedy: string;
}

export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
}
