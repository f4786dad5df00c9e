// Turns a document into a canonical spec, or into one error that names everything that is wrong with it. Knows nothing
// of what else there is: for that see context-rules.ts.

import { canonicalSpec, pathBeforeTranslation } from './canonical-spec.ts';
import { type Defaults, hasPath, withDefaults } from './defaults.ts';
import { fieldStatuses } from './field-status.ts';
import { fieldsOf } from './fields.ts';
import type { CheckGlob } from './glob-text.ts';
import { withoutNoInput } from './hosted-rules.ts';
import { schemaProblems } from './schema-problems.ts';
import type { PipelineSpec } from './spec.ts';
import { pipelineKey } from './spec.ts';
import type { SpecDocument, SpecPath, SpecProblem } from './spec-document.ts';
import { pathText, problemsError } from './spec-document.ts';
import { nameFields } from './spec-names.ts';
import { ruleProblems, ruleWarnings } from './spec-rules.ts';
import { SPEC_FIELD } from './spec-schema.ts';

export interface ValidateOptions {
  /** Project of a pipeline that names none, and of its inputs. */
  readonly defaultProject: string;
  readonly checkGlob: CheckGlob;
  /** What specs of a project stand on, the outermost first; none where it is not given. */
  readonly defaultsOf?: (project: string) => readonly Defaults[];
}

export interface ValidatedSpec {
  readonly document: SpecDocument;
  readonly spec: PipelineSpec;
  /** One sentence each, with the file and line: fields without effect, and advice. */
  readonly warnings: string[];
  /** Returns where a field of the canonical spec stands in the document, by the author's names. */
  readonly sourcePath: (path: SpecPath) => SpecPath;
}

/** Returns where a field of a canonical spec stands, for messages: file, line, column and the author's name of it. */
export function placeOf({ document, sourcePath }: ValidatedSpec, path: SpecPath): string {
  const own = sourcePath(path);
  const { line, column } = document.position(own, { key: false });
  return `${document.fileName}:${line}:${column}: ${pathText(own)}`;
}

/**
 * Validates a document and returns its canonical spec. Throws `invalid` with all problems of the document, each with
 * file, line, column, field, what is wrong and what would be right; details hold `file`, `line` and `field` of the
 * first.
 */
export function validateSpec(document: SpecDocument, options: ValidateOptions): ValidatedSpec {
  const named = nameFields(withoutNoInput(document.value), SPEC_FIELD);
  const layers = options.defaultsOf?.(projectOf(named.value) ?? options.defaultProject) ?? [];
  const value = withDefaults(layers, named.value);
  const isGiven = ({ path }: SpecProblem) =>
    !hasPath(named.value, path) && layers.some((layer) => hasPath(layer, path));
  const statuses = fieldStatuses(value, SPEC_FIELD);
  const inDocument = (problem: SpecProblem): SpecProblem => ({
    ...problem,
    path: named.sourcePath(problem.path),
  });
  const problems = [
    ...named.problems,
    ...[
      ...schemaProblems(value),
      ...ruleProblems(value, { checkGlob: options.checkGlob }),
      ...statuses.problems,
    ].map((problem) => (isGiven(problem) ? ofDefaults(problem) : inDocument(problem))),
  ];
  if (problems.length > 0) {
    throw problemsError(document, problems);
  }
  // Who wrote the defaults was warned of them then.
  const warnings = [...statuses.warnings, ...ruleWarnings(value, options)]
    .filter((warning) => !isGiven(warning))
    .map(inDocument);
  return {
    document,
    spec: canonicalSpec(value, options),
    warnings: withoutRepeats(warnings).map((warning) => warningText(document, warning)),
    sourcePath: (path) => named.sourcePath(pathBeforeTranslation(value, path)),
  };
}

function projectOf(value: unknown): string | undefined {
  const { name } = fieldsOf(fieldsOf(fieldsOf(value).pipeline).project);
  return typeof name === 'string' ? name : undefined;
}

function ofDefaults(problem: SpecProblem): SpecProblem {
  return {
    ...problem,
    message: `${problem.message} (it comes from the defaults, see pfs inspect-defaults; null in the spec erases it)`,
  };
}

/**
 * Validates all documents of one text. Throws the error of the first that is wrong; two that describe the same
 * pipeline are wrong too.
 */
export function validateSpecs(
  documents: readonly SpecDocument[],
  options: ValidateOptions,
): ValidatedSpec[] {
  const seen = new Map<string, SpecDocument>();
  return documents.map((document) => {
    const validated = validateSpec(document, options);
    const key = pipelineKey(validated.spec);
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      const { line } = earlier.position(['pipeline', 'name']);
      throw problemsError(document, [
        {
          path: ['pipeline', 'name'],
          message: `the pipeline "${validated.spec.pipeline.name}" is already described in line ${line}; keep one, or rename it`,
        },
      ]);
    }
    seen.set(key, document);
    return validated;
  });
}

/** Keeps the last warning about each field, which is the most particular one. */
function withoutRepeats(warnings: readonly SpecProblem[]): SpecProblem[] {
  return [...new Map(warnings.map((warning) => [pathText(warning.path), warning])).values()];
}

function warningText(document: SpecDocument, warning: SpecProblem): string {
  const { line } = document.position(warning.path, { key: warning.key ?? false });
  return `${document.fileName}:${line}: ${pathText(warning.path)}: ${warning.message}`;
}
