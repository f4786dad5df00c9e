// Defaults: parts of specs that a cluster or a project gives to every pipeline that does not say otherwise.

import { EngineError } from '../base/errors.ts';
import { fieldStatuses } from './field-status.ts';
import type { CheckGlob } from './glob-text.ts';
import { isFields, mergePatch } from './merge-patch.ts';
import { parseSpecs } from './parse-spec.ts';
import { schemaProblems } from './schema-problems.ts';
import {
  problemsError,
  type SpecDocument,
  type SpecPath,
  type SpecProblem,
} from './spec-document.ts';
import { nameFields } from './spec-names.ts';
import { ruleProblems } from './spec-rules.ts';
import { SPEC_FIELD } from './spec-schema.ts';

/** Part of a spec, with the names of the schema. A null erases what defaults before it say. */
export type Defaults = Readonly<Record<string, unknown>>;

/** What every pipeline says for itself. */
const OWN_FIELDS = ['pipeline', 'input', 'inputs', 'service', 'spout', 'update', 'spec_commit'];

/** Fields of old specs, and what they are called now: who writes one has said the other. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  standby: 'autoscaling',
  chunk_spec: 'datum_set_spec',
  resource_spec: 'resource_requests',
};

/** As Pachyderm writes defaults: the spec within a request. */
const WRAPPERS = ['createPipelineRequest', 'create_pipeline_request'];

/** The least spec, upon which defaults are tried. */
const LEAST = {
  pipeline: { name: 'pipeline' },
  transform: { image: 'image:1', cmd: ['command'] },
  input: { pfs: { repo: 'repo', glob: '/' } },
};

/** Returns a spec with the names of the schema as it is on top of defaults, the outermost first. */
export function withDefaults(layers: readonly Defaults[], spec: unknown): unknown {
  const base = layers.reduce<unknown>(mergePatch, {});
  const said = isFields(spec) ? Object.keys(spec) : [];
  const renamed = said.flatMap((name) => OLD_NAMES[name] ?? []);
  const erased = Object.fromEntries(renamed.map((name) => [name, null]));
  return mergePatch(mergePatch(base, erased), spec);
}

/** Returns whether there is anything at a path. */
export function hasPath(value: unknown, path: SpecPath): boolean {
  let node = value;
  for (const part of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, part)) {
      return false;
    }
    node = (node as Readonly<Record<string | number, unknown>>)[part];
  }
  return true;
}

/**
 * Reads defaults: JSON or YAML, some fields of a spec, or those within `createPipelineRequest`. Throws `invalid` that names
 * all that is wrong, as a spec's error does.
 */
export function readDefaults(
  text: string,
  options: { readonly fileName: string; readonly checkGlob: CheckGlob },
): Defaults {
  const { fileName, checkGlob } = options;
  const [document, ...others] = parseSpecs(text, { fileName });
  if (document === undefined || others.length > 0) {
    throw new EngineError(
      'invalid',
      `Cannot use the defaults "${fileName}": they are one document, and there are ${others.length + 1}; keep one`,
    );
  }
  const { value, path } = unwrapped(document);
  const named = nameFields(value, SPEC_FIELD);
  const tried = mergePatch(LEAST, named.value);
  const inDocument = (problem: SpecProblem): SpecProblem => ({
    ...problem,
    path: [...path, ...named.sourcePath(problem.path)],
  });
  const problems = [
    ...named.problems.map((problem) => ({ ...problem, path: [...path, ...problem.path] })),
    ...[
      ...ownFields(named.value),
      ...schemaProblems(tried),
      ...ruleProblems(tried, { checkGlob }),
      ...fieldStatuses(tried, SPEC_FIELD).problems,
    ].map(inDocument),
  ];
  if (problems.length > 0) {
    throw problemsError(document, problems, 'defaults');
  }
  return named.value as Defaults;
}

function unwrapped({ value }: SpecDocument): { readonly value: unknown; readonly path: SpecPath } {
  const names = isFields(value) ? Object.keys(value) : [];
  const [only] = names;
  return isFields(value) && names.length === 1 && only !== undefined && WRAPPERS.includes(only)
    ? { value: value[only] ?? {}, path: [only] }
    : { value, path: [] };
}

function ownFields(value: unknown): SpecProblem[] {
  return OWN_FIELDS.filter((name) => hasPath(value, [name])).map((name) => ({
    path: [name],
    key: true,
    message: 'is what each pipeline says for itself; leave it out of the defaults',
  }));
}
