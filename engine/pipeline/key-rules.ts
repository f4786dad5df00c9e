// The rules for the keys of joins and groups: every input below one must have its key, and others have no use for it.

import type { Fields } from './fields.ts';
import { type CheckGlob, cleanGlob } from './glob-text.ts';
import { parseKeyTemplate } from './key-template.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';

/** What a combination asks of every input below it. */
const KEYS = {
  join: { field: 'join_on', what: 'pairs files' },
  group: { field: 'group_by', what: 'gathers files' },
} as const;
type KeyKind = keyof typeof KEYS;
const KINDS = Object.keys(KEYS) as KeyKind[];

/** Where an input stands: its path, and the kinds of combination around it. */
export interface InputPlace {
  readonly path: SpecPath;
  readonly around: ReadonlySet<string>;
}

/** Returns what is wrong with the keys of an input; only one with a glob can have any. */
export function keyProblems(
  input: Fields,
  place: InputPlace & { readonly hasGlob: boolean; readonly checkGlob: CheckGlob },
): SpecProblem[] {
  const { path, around, hasGlob, checkGlob } = place;
  return KINDS.flatMap((kind) => {
    const { field, what } = KEYS[kind];
    const key = input[field];
    const isGiven = key !== undefined && key !== '';
    if (around.has(kind) && !hasGlob) {
      const message = `cannot stand in a ${kind}, since its files have no key; put a cross around the ${kind} and this input`;
      return [{ path, message }];
    }
    if (around.has(kind) && !isGiven) {
      const message = `is missing, and a ${kind} ${what} by it; set it to a part of the path, such as "$1" with the glob "/(*).csv"`;
      return [{ path: [...path, field], message }];
    }
    const message =
      typeof key === 'string' && isGiven
        ? templateProblem(key, { glob: input.glob, checkGlob })
        : undefined;
    return message === undefined ? [] : [{ path: [...path, field], message }];
  });
}

function templateProblem(
  key: string,
  { glob, checkGlob }: { readonly glob: unknown; readonly checkGlob: CheckGlob },
): string | undefined {
  const captures = typeof glob === 'string' ? checkGlob(cleanGlob(glob)) : '';
  // A glob that is wrong has been reported, and nobody can say what its groups are.
  if (typeof captures !== 'number') {
    return undefined;
  }
  const template = parseKeyTemplate(key, { captures });
  return typeof template === 'string' ? template : undefined;
}

/** Returns advice on keys that nothing around their input uses. */
export function keyWarnings(input: Fields, { path, around }: InputPlace): SpecProblem[] {
  const unused = (field: string, kind: KeyKind): SpecProblem => ({
    path: [...path, field],
    message: `has no effect outside a ${kind}; put the input into one, or leave it out`,
    key: true,
  });
  const keys = KINDS.filter((kind) => {
    const key = input[KEYS[kind].field];
    return typeof key === 'string' && key !== '' && !around.has(kind);
  });
  const isOuter = input.outer_join === true && !around.has('join');
  return [
    ...keys.map((kind) => unused(KEYS[kind].field, kind)),
    ...(isOuter ? [unused('outer_join', 'join')] : []),
  ];
}
