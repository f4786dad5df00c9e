// The JSON Schema of the pipeline spec as data: finds the schema of a field and what becomes of it in this release.

import type { AnySchemaObject } from 'ajv/dist/2020.js';
import schema from '../../schemas/pipeline.schema.json' with { type: 'json' };

/**
 * What becomes of a field: it works; it is kept though it only matters on Kubernetes; it will work in a later release;
 * or it is refused, since a pipeline that went without it would give wrong results.
 */
export type FieldStatus = 'effective' | 'kept' | 'not_yet' | 'refused';

/** The parts of a JSON Schema that the pipeline spec uses. */
export interface FieldSchema {
  readonly $ref?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly additionalProperties?: boolean | FieldSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly 'x-status'?: FieldStatus;
  readonly 'x-instead'?: string;
}

/** The whole schema, for a validator. */
export const PIPELINE_SCHEMA: AnySchemaObject = schema;

const DEFINITIONS: Readonly<Record<string, FieldSchema>> = schema.$defs as unknown as Record<
  string,
  FieldSchema
>;

/** The schema of a whole spec. */
export const SPEC_FIELD = schema as unknown as FieldSchema;

/** Returns a field's schema with the definition it refers to filled in. */
export function resolveField(field: FieldSchema): FieldSchema {
  const name = field.$ref?.replace('#/$defs/', '');
  return name === undefined ? field : { ...DEFINITIONS[name], ...field };
}

/** Returns the schema of the value at one step below `field`, or undefined where the schema names none. */
export function childField(field: FieldSchema, part: string | number): FieldSchema | undefined {
  const resolved = resolveField(field);
  if (typeof part === 'number') {
    return resolved.items;
  }
  if (resolved.properties !== undefined && Object.hasOwn(resolved.properties, part)) {
    return resolved.properties[part];
  }
  return typeof resolved.additionalProperties === 'object'
    ? resolved.additionalProperties
    : undefined;
}
