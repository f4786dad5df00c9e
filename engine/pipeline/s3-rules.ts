// The rules for what a command reads and writes through S3: `s3` of inputs, and `s3_out`. Works on specs that may be wrong in
// other ways too.

import { type Fields, fieldsOf } from './fields.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';

/** The variables that tell a command where its buckets are: with these names, clients of S3 find them by themselves. */
export const S3_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'S3_ENDPOINT',
] as const;

/** The bucket that a command writes to. */
export const OUTPUT_BUCKET = 'out';

/** Kinds of combinations in which an input needs a key of each file, which a bucket has not. */
const KEYED = ['join', 'group'] as const;

interface Found {
  readonly path: SpecPath;
  readonly input: Fields;
  /** The nearest combination around it in which it can't stand. */
  readonly within: string | undefined;
}

/** Returns what breaks a rule for S3. */
export function s3Problems(spec: Fields): SpecProblem[] {
  const inputs = [...found(spec.input, { path: ['input'], within: undefined })];
  const problems = inputs.flatMap(inputProblems);
  const hasOutput = spec.s3_out === true;
  if (!hasOutput && inputs.length === 0) {
    return problems;
  }
  const field: SpecPath = hasOutput ? ['s3_out'] : [...(inputs[0]?.path ?? []), 's3'];
  const add = (path: SpecPath, message: string) => problems.push({ path, message, key: true });
  const kind = spec.spout === undefined ? 'service' : 'spout';
  if (spec.service !== undefined || spec.spout !== undefined) {
    add(field, `is for commands that process datums, and a ${kind} runs for ever; leave it out`);
  }
  const { network, datum_batching: batching, env, secrets } = fieldsOf(spec.transform);
  if (network === 'none') {
    add(
      ['transform', 'network'],
      'takes away the network, through which buckets are reached; leave it out, or use /pfs',
    );
  }
  if (batching === true) {
    add(
      ['transform', 'datum_batching'],
      'keeps one command for many datums, and buckets are those of one; leave it out, or use /pfs',
    );
  }
  for (const name of S3_VARIABLES) {
    const message = `"${name}" tells the command where its buckets are, so that the engine sets it; give yours another name`;
    if (Object.hasOwn(fieldsOf(env), name)) {
      add(['transform', 'env', name], message);
    }
    for (const [index, secret] of (Array.isArray(secrets) ? secrets : []).entries()) {
      if (fieldsOf(secret).env_var === name) {
        add(['transform', 'secrets', index, 'env_var'], message);
      }
    }
  }
  return problems;
}

function* found(value: unknown, place: Omit<Found, 'input'>): Generator<Found> {
  const input = fieldsOf(value);
  const { path, within } = place;
  for (const kind of ['pfs', 'atom'] as const) {
    const leaf = fieldsOf(input[kind]);
    if (leaf.s3 === true) {
      yield { path: [...path, kind], input: leaf, within };
    }
  }
  for (const kind of ['cross', 'union', ...KEYED] as const) {
    const members = input[kind];
    for (const [index, member] of (Array.isArray(members) ? members : []).entries()) {
      const isKeyed = KEYED.some((one) => one === kind);
      yield* found(member, { path: [...path, kind, index], within: isKeyed ? kind : within });
    }
  }
}

function inputProblems({ path, input, within }: Found): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const add = (field: string, message: string) => {
    problems.push({ path: [...path, field], message });
  };
  if (within !== undefined) {
    add(
      's3',
      `an input that is a bucket has no files to ${within} by; take it out of the ${within}`,
    );
  }
  if (typeof input.glob === 'string' && input.glob.replace(/^\/+/, '') !== '') {
    add('glob', 'an input that is a bucket shows the whole commit; write "/"');
  }
  for (const field of ['lazy', 'empty_files']) {
    if (input[field] === true) {
      add(field, 'says how files appear in /pfs, where those of a bucket are not; leave it out');
    }
  }
  return problems;
}
