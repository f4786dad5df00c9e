// Checks a spec against its JSON Schema and says in plain words what is wrong and what would be right.

import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseDuration } from '../base/duration.ts';
import { nearestWord } from './edit-distance.ts';
import { parseCpu, parseQuantity } from './quantity.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';
import type { FieldSchema } from './spec-schema.ts';
import { childField, PIPELINE_SCHEMA, resolveField, SPEC_FIELD } from './spec-schema.ts';

const FORMATS: Readonly<
  Record<string, { readonly test: (text: string) => boolean; readonly message: string }>
> = {
  'go-duration': {
    test: (text) => (parseDuration(text) ?? 0) > 0,
    message: 'is no duration above zero; write one such as "90s", "15m" or "1h30m"',
  },
  'byte-quantity': {
    test: (text) => (parseQuantity(text) ?? 0) >= 1,
    message: 'is no amount of bytes; write one such as "512Mi", "2Gi" or "500M"',
  },
  'cpu-quantity': {
    test: (text) => (parseCpu(text) ?? 0) > 0,
    message: 'is no amount of CPUs; write one such as 0.5, 2 or "500m"',
  },
  'json-text': { test: isJson, message: 'is no JSON; write JSON as text, with its quotes escaped' },
};

let compiled: ValidateFunction | undefined;

function validator(): ValidateFunction {
  if (compiled === undefined) {
    const ajv = new Ajv2020({
      allErrors: true,
      allowUnionTypes: true,
      strictTypes: false,
      verbose: true,
    });
    ajv.addVocabulary(['x-status', 'x-instead']);
    for (const [name, { test }] of Object.entries(FORMATS)) {
      ajv.addFormat(name, test);
    }
    compiled = ajv.compile(PIPELINE_SCHEMA);
  }
  return compiled;
}

/** Returns everything in a spec, with the names of the schema, that its schema does not allow. */
export function schemaProblems(value: unknown): SpecProblem[] {
  const validate = validator();
  if (validate(value)) {
    return [];
  }
  return (validate.errors ?? []).flatMap((error) => {
    const problem = problemOf(error, value);
    return problem === undefined ? [] : [problem];
  });
}

function problemOf(error: ErrorObject, value: unknown): SpecProblem | undefined {
  const path = pathOf(error.instancePath, value);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'required':
      return missing(path, String(params.missingProperty), value);
    case 'additionalProperties':
      return unknownField(path, String(params.additionalProperty), error);
    case 'type':
      return { path, message: wrongType([params.type].flat().map(String), error) };
    case 'enum':
      return { path, message: wrongWord(error.data, params.allowedValues as string[]) };
    case 'format':
      return {
        path,
        message: `${shown(error.data)} ${FORMATS[String(params.format)]?.message ?? 'has a wrong form'}`,
      };
    case 'pattern':
      return wrongPattern(path, error);
    case 'minimum':
      return {
        path,
        message: `expected at least ${String(params.limit)}, got ${shown(error.data)}`,
      };
    case 'exclusiveMinimum':
      return {
        path,
        message: `expected more than ${String(params.limit)}, got ${shown(error.data)}`,
      };
    case 'maximum':
      return {
        path,
        message: `expected at most ${String(params.limit)}, got ${shown(error.data)}`,
      };
    case 'minLength':
      return { path, message: `is empty; fill it (${firstSentence(fieldAt(path))})` };
    case 'minItems':
      return { path, message: 'the list is empty; put at least one entry into it' };
    case 'minProperties':
      return {
        path,
        message:
          'no input is given; write one of pfs, cross or union, such as {"pfs": {"repo": "data", "glob": "/*"}}',
      };
    case 'maxProperties':
      return {
        path,
        message: `several kinds of input are given (${Object.keys(error.data as object).join(', ')}); put them into one cross or union`,
      };
    case 'propertyNames':
      return undefined;
    default:
      return { path, message: error.message ?? 'is not allowed' };
  }
}

function missing(path: SpecPath, name: string, value: unknown): SpecProblem | undefined {
  // The form of early versions gives `inputs` in the place of `input`.
  // Spouts have none.
  const spec = value as Readonly<Record<string, unknown>>;
  if (path.length === 0 && name === 'input' && ('inputs' in spec || 'spout' in spec)) {
    return undefined;
  }
  const field = fieldAt([...path, name]);
  return { path: [...path, name], message: `is missing; add it (${firstSentence(field)})` };
}

function unknownField(path: SpecPath, name: string, error: ErrorObject): SpecProblem {
  const known = Object.entries((error.parentSchema as FieldSchema).properties ?? {});
  const current = known.filter(([, field]) => field.deprecated !== true).map(([key]) => key);
  const near = nearestWord(
    name,
    known.map(([key]) => key),
  );
  const advice =
    near === undefined ? `fields here are ${current.join(', ')}` : `did you mean "${near}"?`;
  return { path: [...path, name], message: `there is no such field; ${advice}`, key: true };
}

function wrongType(types: readonly string[], error: ErrorObject): string {
  const data: unknown = error.data;
  const format = FORMATS[String((error.parentSchema as { format?: string }).format)];
  const expected = types.map((type) => TYPE_WORDS[type] ?? type).join(' or ');
  const isScalar = typeof data === 'number' || typeof data === 'boolean';
  let remedy = '';
  if (format !== undefined) {
    return `${shown(data)} ${format.message}`;
  }
  if (types.includes('string') && isScalar) {
    remedy = `; put it into quotes: "${String(data)}"`;
  } else if (types.includes('array') && typeof data === 'string') {
    remedy = `; write it as a list: [${JSON.stringify(data.slice(0, 60))}]`;
  } else if (types.includes('boolean') && typeof data === 'string') {
    remedy = '; write true or false, without quotes';
  } else if (types.includes('integer') && typeof data === 'number') {
    remedy = '; write it without a fraction';
  }
  return `expected ${expected}, got ${shown(data)}${remedy}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function wrongWord(data: unknown, allowed: readonly string[]): string {
  const near = typeof data === 'string' ? nearestWord(data, allowed) : undefined;
  const advice = near === undefined ? '' : `; did you mean "${near}"?`;
  return `expected one of ${allowed.map((word) => `"${word}"`).join(', ')}, got ${shown(data)}${advice}`;
}

function wrongPattern(path: SpecPath, error: ErrorObject): SpecProblem | undefined {
  if (error.propertyName !== undefined) {
    return {
      path: [...path, error.propertyName],
      message: 'is no name for a variable; it must not be empty or hold "="',
      key: true,
    };
  }
  if (error.data === '') {
    // Where the schema asks for a length too, that has been reported.
    const isReported = (error.parentSchema as { minLength?: number }).minLength !== undefined;
    return isReported ? undefined : { path, message: 'is empty; leave the field out or fill it' };
  }
  const name = path.at(-1);
  if (name === 'working_dir') {
    return { path, message: `${shown(error.data)} is no absolute path; begin it with "/"` };
  }
  if (name === 'image') {
    return { path, message: `${shown(error.data)} holds spaces; write the image as name:tag` };
  }
  return { path, message: nameMessage(error.data) };
}

/** Says that a name may not be used, and which may. */
export function nameMessage(data: unknown): string {
  return `${shown(data)} is not allowed as a name; use only letters, digits, "-" and "_"`;
}

/** Shows a value in a message, shortened. */
export function shown(data: unknown): string {
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object' && data !== null) return 'an object';
  if (data === null || data === undefined) return 'nothing';
  const text = JSON.stringify(data);
  return text.length > 80 ? `${text.slice(0, 76)}…"` : text;
}

function firstSentence(field: FieldSchema | undefined): string {
  const text = field?.description ?? 'it is required';
  const end = text.search(/[.:] /);
  const sentence = (end < 0 ? text : text.slice(0, end)).replace(/\.$/, '');
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

function fieldAt(path: SpecPath): FieldSchema | undefined {
  let field: FieldSchema | undefined = SPEC_FIELD;
  for (const part of path) {
    field = field && childField(field, part);
  }
  return field && resolveField(field);
}

function pathOf(pointer: string, root: unknown): SpecPath {
  const path: (string | number)[] = [];
  let value = root;
  for (const raw of pointer.split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(part) : part);
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return path;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
