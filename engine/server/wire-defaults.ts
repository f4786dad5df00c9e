// What travels about defaults: parts of specs that a cluster or a project gives to every pipeline that does not say otherwise.
// The paths are under /api/v1; see `wire.ts`.
//
//  GET    /defaults/cluster  and  /defaults/projects/{project} → Defaults            (without any: an empty value)
//  PUT    the same           body: JSON or YAML text           → DefaultsChange
//         ?file=<name for messages>&create=true&regenerate=true&reprocess=true&dry-run=true
//         create: some that are there already are an error. regenerate: updates the pipelines that differ; reprocess: and
//         makes their results anew. dry-run: changes nothing.
//  DELETE the same ?regenerate=true&reprocess=true&dry-run=true → DefaultsChange

export interface Defaults {
  /** Null: of the cluster. */
  readonly project: string | null;
  /** Fields of a spec, with the names of the schema. */
  readonly value: Readonly<Record<string, unknown>>;
  /** As their author wrote them. */
  readonly text: string;
  /** Null where there are none. */
  readonly updated: string | null;
}

export interface DefaultsChange {
  /** Null where they were deleted. */
  readonly defaults: Defaults | null;
  /** Pipelines whose specs differ from what they would be with these defaults. */
  readonly affected: readonly { readonly project: string; readonly name: string }[];
  /** Whether those have been updated, or would have been. */
  readonly regenerated: boolean;
}
