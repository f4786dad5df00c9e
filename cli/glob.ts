// What tells a pattern from a path.

/** Returns whether a path holds characters of the glob dialect. */
export function isGlob(text: string): boolean {
  return /[*?[\]{}!]|[@+]\(/.test(text);
}
