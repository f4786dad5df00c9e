// The rules of a spec that a schema cannot say. Works on specs that may be wrong in other ways too, so that all
// problems are reported at once: a value of a wrong type is passed over here.

import { egressProblems } from './egress-rules.ts';
import { type Fields, fieldsOf } from './fields.ts';
import type { CheckGlob } from './glob-text.ts';
import { hostedProblems, hostedWarnings } from './hosted-rules.ts';
import { inputFindings } from './input-rules.ts';
import { branchNameProblem, pipelineNameProblem } from './names.ts';
import { parseCpu, parseQuantity } from './quantity.ts';
import { s3Problems } from './s3-rules.ts';
import { secretProblems } from './secret-rules.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';

/** Returns what breaks a rule in a spec with the names of the schema. */
export function ruleProblems(value: unknown, options: { checkGlob: CheckGlob }): SpecProblem[] {
  const spec = fieldsOf(value);
  return [
    ...nameProblems(spec),
    ...transformProblems(spec),
    ...egressProblems(fieldsOf(spec.egress)),
    ...secretProblems(fieldsOf(spec.transform)),
    ...inputFindings(spec, options).problems,
    ...parallelismProblems(spec),
    ...uptimeProblems(spec),
    ...resourceProblems(spec),
    ...hostedProblems(spec),
    ...s3Problems(spec),
  ];
}

/** Returns advice on a spec that is right but may surprise. */
export function ruleWarnings(value: unknown, options: { checkGlob: CheckGlob }): SpecProblem[] {
  const spec = fieldsOf(value);
  const warnings: SpecProblem[] = [
    ...inputFindings(spec, options).warnings,
    ...hostedWarnings(spec),
  ];
  const image = fieldsOf(spec.transform).image;
  if (typeof image === 'string' && !image.includes('@')) {
    const tag = /:([^/:]+)$/.exec(image)?.[1];
    if (tag === undefined || tag === 'latest') {
      warnings.push({
        path: ['transform', 'image'],
        message: `"${image}" names no fixed version, so that runs may differ; give the image a tag`,
      });
    }
  }
  const parallelism = fieldsOf(spec.parallelism_spec);
  if (parallelism.coefficient !== undefined) {
    warnings.push({
      path: ['parallelism_spec', 'coefficient'],
      message:
        'counts nodes of a cluster, and has no effect here; set constant to the number of workers',
    });
  }
  return warnings;
}

function nameProblems(spec: Fields): SpecProblem[] {
  const name = fieldsOf(spec.pipeline).name;
  const branch = spec.output_branch;
  return [
    ...problemAt(
      ['pipeline', 'name'],
      typeof name === 'string' ? pipelineNameProblem(name) : undefined,
    ),
    ...problemAt(
      ['output_branch'],
      typeof branch === 'string' ? branchNameProblem(branch) : undefined,
    ),
  ];
}

function transformProblems(spec: Fields): SpecProblem[] {
  const transform = fieldsOf(spec.transform);
  const problems: SpecProblem[] = [];
  const cmd = transform.cmd;
  if (Array.isArray(cmd) && cmd.length > 0 && cmd[0] === '') {
    problems.push({
      path: ['transform', 'cmd', 0],
      message: 'the command is empty; name a program',
    });
  }
  const texts: [SpecPath, unknown][] = [
    ...listEntries(['transform', 'cmd'], cmd),
    ...Object.entries(fieldsOf(transform.env)).map(([key, text]): [SpecPath, unknown] => [
      ['transform', 'env', key],
      text,
    ]),
    [['transform', 'user'], transform.user],
    [['transform', 'working_dir'], transform.working_dir],
  ];
  for (const [path, text] of texts) {
    if (typeof text === 'string' && text.includes('\0')) {
      problems.push({ path, message: 'holds a NUL character; remove it' });
    }
  }
  return problems;
}

function listEntries(path: SpecPath, list: unknown): [SpecPath, unknown][] {
  return Array.isArray(list)
    ? list.map((item: unknown, index): [SpecPath, unknown] => [[...path, index], item])
    : [];
}

function parallelismProblems(spec: Fields): SpecProblem[] {
  const { constant, coefficient } = fieldsOf(spec.parallelism_spec);
  const both = constant !== undefined && typeof coefficient === 'number' && coefficient > 0;
  return problemAt(
    ['parallelism_spec', 'coefficient'],
    both ? 'contradicts constant; keep only constant' : undefined,
  );
}

function uptimeProblems(spec: Fields): SpecProblem[] {
  const alone = spec.maximum_expected_uptime !== undefined && spec.autoscaling !== true;
  return problemAt(
    ['maximum_expected_uptime'],
    alone ? 'needs autoscaling; add "autoscaling": true' : undefined,
  );
}

function resourceProblems(spec: Fields): SpecProblem[] {
  const requests = fieldsOf(spec.resource_requests);
  const limits = fieldsOf(spec.resource_limits);
  const exceeds = (name: string, read: (value: unknown) => number | undefined) => {
    const request = read(requests[name]);
    const limit = read(limits[name]);
    return request !== undefined && limit !== undefined && request > limit
      ? 'is more than resource_limits allows; ask for less, or raise the limit'
      : undefined;
  };
  return [
    ...problemAt(['resource_requests', 'cpu'], exceeds('cpu', cpus)),
    ...problemAt(['resource_requests', 'memory'], exceeds('memory', bytes)),
  ];
}

function cpus(value: unknown): number | undefined {
  return typeof value === 'number'
    ? value
    : typeof value === 'string'
      ? parseCpu(value)
      : undefined;
}

function bytes(value: unknown): number | undefined {
  return typeof value === 'string' ? parseQuantity(value) : undefined;
}

function problemAt(path: SpecPath, message: string | undefined): SpecProblem[] {
  return message === undefined ? [] : [{ path, message }];
}
