// The rules for names of pipelines, branches and inputs. Pure text.

import { isId } from '../base/ids.ts';

/** The longest name of a pipeline, in characters. */
export const MAX_PIPELINE_NAME = 51;

/** Says what is wrong with the name of a pipeline, or undefined where nothing is. */
export function pipelineNameProblem(name: string): string | undefined {
  if (!/^[a-zA-Z0-9_-]*$/.test(name)) {
    return `${JSON.stringify(name)} is not allowed as a name; use only letters, digits, "-" and "_"`;
  }
  if (/^[_-]/.test(name)) {
    return `${JSON.stringify(name)} does not begin with a letter or a digit; put one first`;
  }
  if (name.length > MAX_PIPELINE_NAME) {
    const excess = name.length - MAX_PIPELINE_NAME;
    return `the name is ${excess} character${excess === 1 ? '' : 's'} longer than the ${MAX_PIPELINE_NAME} allowed; shorten it`;
  }
  return undefined;
}

/** Says what is wrong with the name of a branch beyond its letters, or undefined where nothing is. */
export function branchNameProblem(name: string): string | undefined {
  return isId(name.toLowerCase())
    ? `"${name}" looks like the id of a commit; name a branch, whose head may be that commit`
    : undefined;
}

/** Says what is wrong with the name of an input, or undefined where nothing is. */
export function inputNameProblem(name: string): string | undefined {
  if (name === 'out') {
    return 'an input cannot be named "out", since /pfs/out takes the output; choose another name';
  }
  if (name === '.env') {
    return 'an input cannot be named ".env", which is reserved; choose another name';
  }
  return /^[a-zA-Z0-9_-][a-zA-Z0-9_.-]*$/.test(name)
    ? undefined
    : `${JSON.stringify(name)} is not allowed as the name of an input; use only letters, digits, ".", "-" and "_"`;
}
