// Brings a spec as its author wrote it into one form: snake_case names, numbers as numbers. Remembers what
// the author called each field. Checks nothing but that no two names mean the same field.

import type { SpecPath, SpecProblem } from './spec-document.ts';
import { MAX_NESTING } from './spec-document.ts';
import type { FieldSchema } from './spec-schema.ts';
import { childField, resolveField } from './spec-schema.ts';

/** A spec with the names of the schema. Unknown fields are still there, under their own names. */
export interface NamedSpec {
  readonly value: unknown;
  readonly problems: readonly SpecProblem[];
  /** Returns the author's path for a path in `value`. */
  readonly sourcePath: (path: SpecPath) => SpecPath;
}

/**
 * Renames camelCase fields to the names of the schema, and reads whole numbers that are written as text where the schema
 * wants numbers. The keys of maps (`env`, `labels`) stay as they are. A null stays where there is such a field: it erases a
 * default.
 */
export function nameFields(value: unknown, schema: FieldSchema): NamedSpec {
  const problems: SpecProblem[] = [];
  const authorNames = new Map<string, string>();
  const named = rename({ value, schema, path: [], source: [] }, { problems, authorNames });
  return {
    value: named,
    problems,
    sourcePath: (path) =>
      path.map((part, index) =>
        typeof part === 'string'
          ? (authorNames.get(JSON.stringify(path.slice(0, index + 1))) ?? part)
          : part,
      ),
  };
}

interface Place {
  readonly value: unknown;
  readonly schema: FieldSchema | undefined;
  readonly path: SpecPath;
  readonly source: SpecPath;
}

interface Findings {
  readonly problems: SpecProblem[];
  readonly authorNames: Map<string, string>;
}

function rename(place: Place, findings: Findings): unknown {
  const { value, path, source } = place;
  const schema = place.schema && resolveField(place.schema);
  if (path.length > MAX_NESTING) {
    findings.problems.push({ path: source, message: `nested more than ${MAX_NESTING} deep` });
    return undefined;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      rename(
        {
          value: item,
          schema: schema?.items,
          path: [...path, index],
          source: [...source, index],
        },
        findings,
      ),
    );
  }
  if (typeof value === 'object' && value !== null) {
    return renameObject({ value, schema, path, source }, findings);
  }
  return typeof value === 'string' ? numberFrom(value, schema) : value;
}

function renameObject(
  place: Place & { readonly value: object; readonly schema: FieldSchema | undefined },
  findings: Findings,
): Record<string, unknown> {
  const { schema, path, source } = place;
  const names = schemaNames(schema);
  const result: Record<string, unknown> = {};
  const taken = new Map<string, string>();
  for (const [key, child] of Object.entries(place.value)) {
    const name = names.get(key) ?? key;
    const childSource = [...source, key];
    const other = taken.get(name);
    if (other !== undefined) {
      findings.problems.push({
        path: childSource,
        message: `"${key}" and "${other}" are the same field; keep one of them`,
        key: true,
      });
      continue;
    }
    taken.set(name, key);
    const childPath = [...path, name];
    if (name !== key) {
      findings.authorNames.set(JSON.stringify(childPath), key);
    }
    const childSchema = schema && childField(schema, name);
    // A field that there is not is a mistake, also where it is null.
    const value = child === null && childSchema === undefined ? false : child;
    // A plain assignment to `__proto__` would change the object instead of filling it.
    Object.defineProperty(result, name, {
      value: rename({ value, schema: childSchema, path: childPath, source: childSource }, findings),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return result;
}

function schemaNames(schema: FieldSchema | undefined): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of Object.keys(schema?.properties ?? {})) {
    names.set(camelCase(name), name);
  }
  for (const name of Object.keys(schema?.properties ?? {})) {
    names.set(name, name);
  }
  return names;
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function numberFrom(text: string, schema: FieldSchema | undefined): string | number {
  const types: readonly string[] = [schema?.type ?? []].flat();
  const wantsNumber = types.includes('integer') || types.includes('number');
  if (!wantsNumber || types.includes('string') || !/^-?\d+(\.\d+)?$/.test(text)) {
    return text;
  }
  const number = Number(text);
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : text;
}
