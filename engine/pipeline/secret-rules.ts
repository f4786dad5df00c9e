// The rules for `transform.secrets`: what a secret may be shown as, and where. Works on specs that may be wrong in other ways.

import type { SpecPath, SpecProblem } from './spec-document.ts';

type Fields = Readonly<Record<string, unknown>>;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Variables that the engine sets: a secret under such a name would not arrive. */
const OWN_VARIABLES = /^(?:PFS_|PPS_|PACH_)/;
/** What a container needs as it is. */
const TAKEN = ['/pfs', '/proc', '/sys', '/dev'];

/** Returns what is wrong with the secrets of a spec with the names of the schema. */
export function secretProblems(transform: Fields): SpecProblem[] {
  const { secrets, env } = transform;
  const problems: SpecProblem[] = [];
  const variables = new Map<string, string>(
    Object.keys(fields(env)).map((name) => [name, 'transform.env']),
  );
  const directories: string[] = [];
  const say = (path: SpecPath, message: string | undefined) => {
    if (message !== undefined) {
      problems.push({ path, message });
    }
  };
  for (const [index, one] of (Array.isArray(secrets) ? secrets : []).entries()) {
    const path: SpecPath = ['transform', 'secrets', index];
    const { name, key, mount_path: directory, env_var: variable } = fields(one);
    const isShown = filled(directory) || filled(variable);
    say(path, isShown ? undefined : 'is shown nowhere; set mount_path, or env_var and key');
    if (typeof variable === 'string' && variable !== '') {
      say(
        [...path, 'env_var'],
        filled(key)
          ? variableProblem(variable, variables.get(variable))
          : `secret ${String(name)} has env_var set but is missing key; add the key whose value the variable is to have`,
      );
      variables.set(variable, `secret "${String(name)}"`);
    }
    if (typeof directory === 'string' && directory !== '') {
      const clean = cleanDirectory(directory);
      say([...path, 'mount_path'], directoryProblem(clean, directories));
      directories.push(clean);
    }
  }
  return problems;
}

/** Returns a directory without slashes that say nothing. */
export function cleanDirectory(path: string): string {
  return path.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
}

function variableProblem(name: string, taken: string | undefined): string | undefined {
  if (!VARIABLE.test(name)) {
    return `"${name}" is no name of a variable; use letters, digits and "_"`;
  }
  if (OWN_VARIABLES.test(name)) {
    return `"${name}" is a variable of the engine's own; choose another name`;
  }
  return taken === undefined ? undefined : `"${name}" is set by ${taken} too; keep one`;
}

function directoryProblem(path: string, others: readonly string[]): string | undefined {
  if (!path.startsWith('/') || path.split('/').some((part) => part === '..' || part === '.')) {
    return `"${path}" is no absolute path; write it as "/secrets/db"`;
  }
  const taken = TAKEN.find((one) => path === one || path.startsWith(`${one}/`));
  if (path === '/' || taken !== undefined) {
    return `"${path}" is in ${taken ?? 'the way of everything'}, which the container needs; choose another directory, such as "/secrets/db"`;
  }
  const around = others.find(
    (other) => path.startsWith(`${other}/`) || other.startsWith(`${path}/`),
  );
  return around === undefined
    ? undefined
    : `"${path}" and "${around}" are one in the other; put them side by side`;
}

function filled(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}
