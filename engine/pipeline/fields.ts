// A value of a spec that may be wrong, looked into.

export type Fields = Readonly<Record<string, unknown>>;

/** Returns the value as an object with fields; an empty one where it is something else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}
