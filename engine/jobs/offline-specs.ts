// What is wrong with specs by themselves, without an engine: it knows neither repos nor pipelines nor defaults.

import { isEngineError } from '../base/errors.ts';
import { compileGlob } from '../pfs/glob.ts';
import { parseSpecs } from '../pipeline/parse-spec.ts';
import { validateSpecs } from '../pipeline/validate-spec.ts';

/** A spec in which nothing is wrong by itself. */
export interface CheckedSpec {
  readonly project: string;
  readonly name: string;
  readonly warnings: readonly string[];
}

/** Checks the specs of a text; throws `invalid` as creating them would. */
export function checkOffline(
  text: string,
  options: { readonly fileName: string; readonly project: string },
): CheckedSpec[] {
  const { fileName, project } = options;
  const documents = parseSpecs(text, { fileName });
  const specs = validateSpecs(documents, { defaultProject: project, checkGlob });
  return specs.map(({ spec: { pipeline }, warnings }) => ({
    project: pipeline.project.name,
    name: pipeline.name,
    warnings,
  }));
}

/** Says how many groups a glob captures, or what is wrong with it. */
export function checkGlob(glob: string): string | number {
  try {
    return compileGlob(glob).captureCount;
  } catch (error) {
    if (isEngineError(error, 'invalid')) {
      return error.message;
    }
    throw error;
  }
}
