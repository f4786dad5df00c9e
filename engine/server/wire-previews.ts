// What travels about pipelines that are not made yet; as `wire.ts`, which says what holds for all routes.
//
//  POST   /previews?update=true&reprocess=true&project=&file=<name for messages>          body: spec text → PipelinePreview[]
//         rejects as `POST /pipelines` would; `project`, `file` and the body are as there. Nothing is changed.
//  POST   /validations?project=&file=                         body: spec text → SpecValidation[]; rejects as `POST /pipelines` with
//         update would, and looks at no data
//  POST   /previews/datums?reprocess=true&project=&file=                body: spec text → stream of PlannedDatum

import type { Datum } from './wire.ts';

/** A datum that a pipeline would have on the current heads. */
export interface PlannedDatum {
  readonly pipeline: string;
  readonly id: string;
  /** `skipped`: its result is there already. */
  readonly state: 'waiting' | 'skipped';
  readonly inputs: Datum['inputs'];
}

/** A pipeline as `POST /pipelines` would make it. */
export interface PipelinePreview {
  readonly project: string;
  readonly name: string;
  readonly version: number;
  /** False where it exists and would be changed. */
  readonly created: boolean;
  /** The canonical spec: defaults filled in, old names translated. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
  /** Why its first job may have other datums, one sentence each. */
  readonly notes: readonly string[];
  readonly datums: { readonly total: number; readonly skipped: number };
  /** The first datums, at most 20. */
  readonly first: readonly PlannedDatum[];
}

/** A spec that is right, and fits the repos and pipelines that there are. */
export interface SpecValidation {
  readonly project: string;
  readonly name: string;
  /** That it would get: 1 where the pipeline would be made. */
  readonly version: number;
  readonly warnings: readonly string[];
}
