// The rules for inputs: names, reserved words, globs, and what may stand in which combination. Works on specs that may
// be wrong in other ways too, with the names of the schema; a value of a wrong type is passed over.

import { branchNameProblem, inputNameProblem } from './names.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';

/** Says what is wrong with a glob (it begins with a slash), or undefined where nothing is. */
export type CheckGlob = (glob: string) => string | undefined;

type Fields = Readonly<Record<string, unknown>>;

/** The kinds whose members' files stand side by side in one datum, so that their names must differ. */
const COMBINING = ['cross', 'join', 'group'] as const;
const LEAVES = ['pfs', 'atom', 'cron', 'git'] as const;

/** Names that a datum of one input may use below `/pfs`, and where each was given. */
type Names = Map<string, SpecPath>;

/** Returns what is wrong with the inputs of a spec. */
export function inputProblems(spec: Fields, options: { checkGlob: CheckGlob }): SpecProblem[] {
  const check = new InputCheck(options.checkGlob);
  if (spec.inputs !== undefined && spec.input !== undefined) {
    check.problems.push({
      path: ['inputs'],
      message: '"inputs" is the old form of "input"; keep only "input"',
      key: true,
    });
  }
  if (spec.input !== undefined) {
    check.input(spec.input, ['input']);
  } else if (Array.isArray(spec.inputs)) {
    check.oldInputs(spec.inputs);
  }
  return check.problems;
}

/** Returns a glob as it is stored: with exactly one slash before it. */
export function cleanGlob(glob: string): string {
  return `/${glob.replace(/^\/+/, '')}`;
}

class InputCheck {
  readonly problems: SpecProblem[] = [];
  readonly #checkGlob: CheckGlob;

  constructor(checkGlob: CheckGlob) {
    this.#checkGlob = checkGlob;
  }

  /** Checks one input and everything below it; returns the names it uses. */
  input(value: unknown, path: SpecPath): Names {
    const input = fields(value);
    const names: Names = new Map();
    for (const kind of COMBINING) {
      for (const [name, place] of this.#combined(input[kind], [...path, kind])) {
        names.set(name, place);
      }
    }
    for (const [index, member] of list(input.union).entries()) {
      for (const [name, place] of this.input(member, [...path, 'union', index])) {
        names.set(name, place);
      }
    }
    for (const kind of LEAVES) {
      if (input[kind] !== undefined) {
        this.#leaf(fields(input[kind]), { path: [...path, kind], names });
      }
    }
    return names;
  }

  /** Checks the list of inputs that early versions had; it is a cross. */
  oldInputs(inputs: readonly unknown[]): void {
    const all: Names = new Map();
    for (const [index, value] of inputs.entries()) {
      const input = fields(value);
      const repo = fields(input.repo).name;
      const names: Names = new Map();
      if (input.glob === undefined && input.method === undefined) {
        this.problems.push({
          path: ['inputs', index, 'glob'],
          message: 'is missing; "/*" makes one datum per top-level entry, "/" one of everything',
        });
      }
      this.#leaf({ ...input, repo }, { path: ['inputs', index], names });
      this.#mergeNames(all, names);
    }
  }

  #combined(value: unknown, path: SpecPath): Names {
    const all: Names = new Map();
    for (const [index, member] of list(value).entries()) {
      this.#mergeNames(all, this.input(member, [...path, index]));
    }
    return all;
  }

  #mergeNames(all: Names, more: Names): void {
    for (const [name, path] of more) {
      if (all.has(name)) {
        this.problems.push({
          path,
          message: `the name "${name}" is used more than once, and one datum would hold both; give each input its own name`,
        });
      }
      all.set(name, path);
    }
  }

  #leaf(input: Fields, place: { path: SpecPath; names: Names }): void {
    const { path } = place;
    const { name, repo } = input;
    if (typeof name === 'string') {
      this.#problem([...path, 'name'], name === '' ? undefined : inputNameProblem(name));
    } else if (repo === 'out') {
      this.#problem(
        [...path, 'repo'],
        'an input from the repo "out" must have a name, since /pfs/out takes the output; set name',
      );
    }
    const used = typeof name === 'string' ? name : repo;
    if (typeof used === 'string' && used !== '') {
      place.names.set(used, [...path, typeof name === 'string' ? 'name' : 'repo']);
    }
    if (typeof input.branch === 'string') {
      this.#problem([...path, 'branch'], branchNameProblem(input.branch));
    }
    if (typeof input.commit === 'string' && input.commit !== '') {
      this.#problem(
        [...path, 'commit'],
        'an input follows a branch and cannot come from one commit; create a branch whose head is that commit, and name it in branch',
      );
    }
    if (input.repo_type === 'meta' || input.repo_type === 'spec') {
      this.#problem(
        [...path, 'repo_type'],
        'inputs from repos that the engine keeps for itself are not yet supported; leave it out',
      );
    }
    if (typeof input.glob === 'string' && input.glob !== '') {
      this.#problem([...path, 'glob'], this.#checkGlob(cleanGlob(input.glob)));
    }
  }

  #problem(path: SpecPath, message: string | undefined): void {
    if (message !== undefined) {
      this.problems.push({ path, message });
    }
  }
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
