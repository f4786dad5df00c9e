// The rules for inputs: names, reserved words, globs, and what may stand in which combination. Works on specs that may
// be wrong in other ways too, with the names of the schema; a value of a wrong type is passed over.

import { type Fields, fieldsOf } from './fields.ts';
import { gitBranchProblem, gitUrlProblem, nameOfUrl, pollProblem } from './git-url.ts';
import { type CheckGlob, cleanGlob } from './glob-text.ts';
import { type InputPlace, keyProblems, keyWarnings } from './key-rules.ts';
import { branchNameProblem, inputNameProblem } from './names.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';
import { scheduleProblem, type TriggerFields, triggerProblems } from './trigger.ts';

/** The kinds whose members' files stand side by side in one datum, so that their names must differ. */
const COMBINING = ['cross', 'join', 'group'] as const;
const LEAVES = ['pfs', 'atom', 'cron', 'git'] as const;

/** Names that a datum of one input may use below `/pfs`, and where each was given. */
type Names = Map<string, SpecPath>;

/** What is wrong with the inputs of a spec, and advice on what is right but may surprise. */
export interface InputFindings {
  readonly problems: readonly SpecProblem[];
  readonly warnings: readonly SpecProblem[];
}

/** Looks through the inputs of a spec. */
export function inputFindings(spec: Fields, options: { checkGlob: CheckGlob }): InputFindings {
  const check = new InputCheck(options.checkGlob);
  if (spec.inputs !== undefined && spec.input !== undefined) {
    check.problems.push({
      path: ['inputs'],
      message: '"inputs" is the old form of "input"; keep only "input"',
      key: true,
    });
  }
  if (spec.input !== undefined) {
    check.input(spec.input, { path: ['input'], around: new Set() });
  } else if (Array.isArray(spec.inputs)) {
    check.oldInputs(spec.inputs);
  }
  return check;
}

class InputCheck implements InputFindings {
  readonly problems: SpecProblem[] = [];
  readonly warnings: SpecProblem[] = [];
  readonly #checkGlob: CheckGlob;
  /** Names of inputs that have repos of their own. */
  readonly #made = new Set<string>();

  constructor(checkGlob: CheckGlob) {
    this.#checkGlob = checkGlob;
  }

  /** Checks one input and everything below it; returns the names it uses. */
  input(value: unknown, place: InputPlace): Names {
    const input = fieldsOf(value);
    const { path } = place;
    const names: Names = new Map();
    for (const kind of COMBINING) {
      const around = new Set([...place.around, kind]);
      for (const [name, given] of this.#combined(input[kind], { path: [...path, kind], around })) {
        names.set(name, given);
      }
    }
    for (const [index, member] of list(input.union).entries()) {
      const within = { ...place, path: [...path, 'union', index] };
      for (const [name, given] of this.input(member, within)) {
        names.set(name, given);
      }
    }
    for (const kind of LEAVES) {
      if (input[kind] !== undefined) {
        const leaf = { ...place, path: [...path, kind] };
        const own =
          kind === 'git' ? this.#git(fieldsOf(input.git), leaf.path) : fieldsOf(input[kind]);
        this.#leaf(own, { path: leaf.path, names });
        if (kind === 'cron') {
          this.#cron(own, leaf.path);
        }
        const keyed = fieldsOf(input[kind]);
        const hasGlob = kind === 'pfs' || kind === 'atom';
        this.problems.push(...keyProblems(keyed, { ...leaf, hasGlob, checkGlob: this.#checkGlob }));
        this.warnings.push(...keyWarnings(keyed, leaf));
      }
    }
    return names;
  }

  /** Checks the list of inputs that early versions had; it is a cross. */
  oldInputs(inputs: readonly unknown[]): void {
    const all: Names = new Map();
    for (const [index, value] of inputs.entries()) {
      const input = fieldsOf(value);
      const repo = fieldsOf(input.repo).name;
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

  #combined(value: unknown, place: InputPlace): Names {
    const all: Names = new Map();
    for (const [index, member] of list(value).entries()) {
      const path = [...place.path, index];
      this.#mergeNames(all, this.input(member, { ...place, path }));
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
    this.#trigger(input, path);
    if (typeof input.glob === 'string' && input.glob !== '') {
      const checked = this.#checkGlob(cleanGlob(input.glob));
      this.#problem([...path, 'glob'], typeof checked === 'string' ? checked : undefined);
    }
  }

  #cron(input: Fields, path: SpecPath): void {
    const { name, spec, start, repo } = input;
    if (typeof spec === 'string') {
      this.#problem([...path, 'spec'], scheduleProblem(spec));
    }
    if (typeof start === 'string') {
      const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(start) && !Number.isNaN(Date.parse(start));
      this.#problem(
        [...path, 'start'],
        isTime ? undefined : `"${start}" is no time; write it as 2026-01-31T00:00:00Z`,
      );
    }
    this.#ownRepo({ name, repo }, path);
  }

  /** Checks what only a Git input has; returns the rest of it, with the name that it goes by. */
  #git(input: Fields, path: SpecPath): Fields {
    const { url, branch, poll_interval: poll, ...rest } = input;
    if (typeof url === 'string') {
      this.#problem([...path, 'url'], gitUrlProblem(url));
    }
    if (typeof branch === 'string' && branch !== '') {
      this.#problem([...path, 'branch'], gitBranchProblem(branch));
    }
    if (typeof poll === 'string') {
      this.#problem([...path, 'poll_interval'], pollProblem(poll));
    }
    const named = typeof input.name !== 'string' && typeof url === 'string';
    const own = named ? { ...rest, name: nameOfUrl(url) } : rest;
    this.#ownRepo(own, path);
    return own;
  }

  /** A repo of its own is named after the input, unless it is told another name. */
  #ownRepo({ name, repo }: Fields, path: SpecPath): void {
    if (typeof name === 'string' && name !== '') {
      const isRepo = typeof repo === 'string' || /^[a-zA-Z0-9_-]+$/.test(name);
      this.#problem(
        [...path, 'name'],
        isRepo
          ? undefined
          : `no repo can be named after "${name}"; set repo, or use only letters, digits, "-" and "_"`,
      );
      if (this.#made.has(name)) {
        this.#problem(
          [...path, 'name'],
          `another cron or Git input is named "${name}"; give each its own name`,
        );
      }
      this.#made.add(name);
    }
  }

  #trigger(input: Fields, path: SpecPath): void {
    const { trigger, branch } = input;
    if (typeof trigger === 'object' && trigger !== null) {
      // Without a branch of its own the input gets one of a new name.
      const on = typeof branch === 'string' ? branch : undefined;
      for (const { field, message } of triggerProblems(ofRightTypes(trigger), on)) {
        this.#problem([...path, 'trigger', ...(field ? [field] : [])], message);
      }
    }
  }

  #problem(path: SpecPath, message: string | undefined): void {
    if (message !== undefined) {
      this.problems.push({ path, message });
    }
  }
}

/** Leaves out what the schema has found to be wrong. */
function ofRightTypes(trigger: object): TriggerFields {
  const { branch, all, rate_limit_spec, size, commits, cron_spec } = trigger as Fields;
  return {
    ...(typeof branch === 'string' ? { branch } : {}),
    ...(typeof all === 'boolean' ? { all } : {}),
    ...(typeof rate_limit_spec === 'string' ? { rate_limit_spec } : {}),
    ...(typeof size === 'string' ? { size } : {}),
    ...(typeof commits === 'number' && Number.isInteger(commits) && commits >= 0
      ? { commits }
      : {}),
    ...(typeof cron_spec === 'string' ? { cron_spec } : {}),
  };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
