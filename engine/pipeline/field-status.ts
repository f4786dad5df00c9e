// Looks through a spec for fields that this release does not honour. Fields whose absence would give wrong results
// are problems; all others are warnings. Which is which stands in the schema.

import type { SpecPath, SpecProblem } from './spec-document.ts';
import type { FieldSchema } from './spec-schema.ts';
import { childField, resolveField } from './spec-schema.ts';

/** What became of the fields of a spec, with the names of the schema. */
export interface StatusFindings {
  readonly problems: SpecProblem[];
  readonly warnings: SpecProblem[];
}

/** Finds the fields that are not effective in this release, but for those set to what would happen anyway. */
export function fieldStatuses(value: unknown, schema: FieldSchema): StatusFindings {
  const findings: StatusFindings = { problems: [], warnings: [] };
  look({ value, schema, path: [] }, findings);
  return findings;
}

function look(
  place: { readonly value: unknown; readonly schema: FieldSchema; readonly path: SpecPath },
  findings: StatusFindings,
): void {
  const { value, path } = place;
  const schema = resolveField(place.schema);
  const status = schema['x-status'] ?? 'effective';
  if (path.length > 0 && asksNothing(value, status === 'refused')) {
    return;
  }
  if (status === 'refused') {
    findings.problems.push({ path, message: refusal(path, schema), key: true });
    return;
  }
  const warning = warningText(status, schema.deprecated === true);
  if (warning !== undefined) {
    findings.warnings.push({ path, message: warning, key: true });
    return;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (schema.items !== undefined) {
        look({ value: item, schema: schema.items, path: [...path, index] }, findings);
      }
    }
  } else if (typeof value === 'object' && value !== null && schema.properties !== undefined) {
    for (const [name, child] of Object.entries(value)) {
      const field = childField(schema, name);
      if (field !== undefined) {
        look({ value: child, schema: field, path: [...path, name] }, findings);
      }
    }
  }
}

function asksNothing(value: unknown, presenceCounts: boolean): boolean {
  if (value === null || value === undefined || value === false || value === '' || value === 0) {
    return true;
  }
  if (Array.isArray(value)) {
    return value.length === 0;
  }
  return !presenceCounts && typeof value === 'object' && Object.keys(value as object).length === 0;
}

function refusal(path: SpecPath, schema: FieldSchema): string {
  const instead = schema['x-instead'] ?? 'leave it out';
  return path.at(-1) === 'dry_run' || path.at(-1) === 'reprocess'
    ? `is an option of the command and not of the spec; ${instead}`
    : `is not yet supported, and results without it would be wrong; ${instead}`;
}

function warningText(status: string, deprecated: boolean): string | undefined {
  if (status === 'kept') {
    return 'only matters on Kubernetes; it is kept, and has no effect here';
  }
  if (status === 'not_yet') {
    return deprecated
      ? 'belongs to older versions, and has no effect any more'
      : 'is accepted, but has no effect yet';
  }
  return undefined;
}
