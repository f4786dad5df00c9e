// The rules for pipelines that run for ever: services and spouts.

import { type Fields, fieldsOf } from './fields.ts';
import { inputNameProblem } from './names.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';

/** What only makes sense where datums are processed to their end. */
const OF_DATUMS: readonly (readonly string[])[] = [
  ['datum_tries'],
  ['datum_timeout'],
  ['job_timeout'],
  ['reprocess_spec'],
  ['datum_set_spec'],
  ['transform', 'accept_return_code'],
  ['transform', 'err_cmd'],
  ['transform', 'err_stdin'],
];

/** Returns a spec without the input that the canonical form gives a spout, which combines nothing. */
export function withoutNoInput(value: unknown): unknown {
  const { input, ...rest } = fieldsOf(value);
  const members = fieldsOf(input).union;
  const isNone = Array.isArray(members) && members.length === 0;
  return rest.spout !== undefined && isNone ? rest : value;
}

/** Returns what breaks a rule for services and spouts. */
export function hostedProblems(spec: Fields): SpecProblem[] {
  const { service, spout } = spec;
  if (service === undefined && spout === undefined) {
    return [];
  }
  if (service !== undefined && spout !== undefined) {
    const message =
      'service and spout are both set; for a spout that is reached on a port, put service into spout';
    return [{ path: ['service'], message, key: true }];
  }
  const kind = spout === undefined ? 'service' : 'spout';
  const problems: SpecProblem[] = [
    ...addressProblems(['service'], service),
    ...addressProblems(['spout', 'service'], fieldsOf(spout).service),
    ...markerProblems(fieldsOf(spout).marker),
  ];
  if (spout !== undefined) {
    for (const name of ['input', 'inputs']) {
      if (spec[name] !== undefined) {
        problems.push({
          path: [name],
          message: 'a spout makes its data itself, and has no input; leave it out',
          key: true,
        });
      }
    }
  }
  const { constant } = fieldsOf(spec.parallelism_spec);
  if (typeof constant === 'number' && constant > 1) {
    problems.push({
      path: ['parallelism_spec', 'constant'],
      message: `a ${kind} runs in one container; write 1, or leave it out`,
    });
  }
  for (const name of ['autoscaling', 'standby']) {
    if (spec[name] === true) {
      problems.push({
        path: [name],
        message: `a ${kind} always runs, so that it cannot scale with its work; leave it out`,
        key: true,
      });
    }
  }
  if (fieldsOf(spec.transform).datum_batching === true) {
    problems.push({
      path: ['transform', 'datum_batching'],
      message: `a ${kind} has no datums to go through; leave it out`,
      key: true,
    });
  }
  if (spec.egress !== undefined) {
    const message =
      kind === 'service'
        ? 'a service has no output to send anywhere; leave it out'
        : 'a spout has no jobs whose output could be sent; let a pipeline that reads its repo do that';
    problems.push({ path: ['egress'], message, key: true });
  }
  return problems;
}

/** Returns advice on what has no effect in services and spouts. */
export function hostedWarnings(spec: Fields): SpecProblem[] {
  if (spec.service === undefined && spec.spout === undefined) {
    return [];
  }
  const kind = spec.spout === undefined ? 'service' : 'spout';
  return OF_DATUMS.filter((path) => isSet(valueAt(spec, path))).map((path) => ({
    path,
    message: `has no effect in a ${kind}, which runs until it is replaced`,
    key: true,
  }));
}

function addressProblems(path: SpecPath, value: unknown): SpecProblem[] {
  const { ip, health_path: health } = fieldsOf(value);
  const problems: SpecProblem[] = [];
  if (typeof ip === 'string' && ip !== '' && !/^[0-9a-zA-Z_.:%-]+$/.test(ip)) {
    problems.push({
      path: [...path, 'ip'],
      message: `${JSON.stringify(ip)} is no address of a machine; write one such as 127.0.0.1, and the port into external_port`,
    });
  }
  if (typeof health === 'string' && health !== '' && !/^\/[\x21-\x7e]*$/.test(health)) {
    problems.push({
      path: [...path, 'health_path'],
      message: `${JSON.stringify(health)} is no path of an address; write one such as "/health"`,
    });
  }
  return problems;
}

function markerProblems(marker: unknown): SpecProblem[] {
  if (typeof marker !== 'string' || marker === '') {
    return [];
  }
  const isName = inputNameProblem(marker) === undefined;
  return isName
    ? []
    : [
        {
          path: ['spout', 'marker'],
          message: `${JSON.stringify(marker)} cannot be the name of the marker, which stands beside /pfs/out; use letters, digits, ".", "-" and "_"`,
        },
      ];
}

function valueAt(spec: Fields, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => fieldsOf(value)[name], spec);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}
