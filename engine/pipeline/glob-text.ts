// The text of a glob, as a spec has it. Its grammar is the engine's, and handed in.

/** Says what is wrong with a glob (it begins with a slash), or else how many groups it captures. */
export type CheckGlob = (glob: string) => string | number;

/** Returns a glob as it is stored: with exactly one slash before it. */
export function cleanGlob(glob: string): string {
  return `/${glob.replace(/^\/+/, '')}`;
}
