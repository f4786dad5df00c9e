// Triggers: the conditions under which a branch follows another one. Reads what people write, in specs and requests; knows no
// branch.

import { EngineError, errorText } from '../base/errors.ts';
import { parseSchedule } from '../base/schedule.ts';
import { branchNameProblem } from './names.ts';
import { parseQuantity } from './quantity.ts';

/** A trigger as people write it. */
export interface TriggerFields {
  readonly branch?: string;
  readonly all?: boolean;
  readonly rate_limit_spec?: string;
  readonly size?: string;
  readonly commits?: number;
  readonly cron_spec?: string;
}

/** A trigger that is right. Null: no such condition. */
export interface Trigger {
  /** The branch that is followed, of the same repo. */
  readonly branch: string;
  /** All conditions must hold, rather than any. */
  readonly all: boolean;
  /** Bytes by which the followed branch must be larger. */
  readonly size: number | null;
  /** Commits by which it must be ahead. */
  readonly commits: number | null;
  /** A schedule of which a time must have passed since the last move. */
  readonly rateLimit: string | null;
  /** A schedule at whose times the branch moves; then there are no other conditions. */
  readonly cron: string | null;
}

/** One field of a trigger that is wrong, and what would be right; without a field, the trigger as a whole. */
export interface TriggerProblem {
  readonly field?: keyof TriggerFields;
  readonly message: string;
}

const CONDITIONS = ['size', 'commits', 'rate_limit_spec'] as const;

/** Returns all that is wrong with a trigger of the branch `on`, where that is known. */
export function triggerProblems(fields: TriggerFields, on: string | undefined): TriggerProblem[] {
  const problems: TriggerProblem[] = [];
  const given = CONDITIONS.filter((field) => !isEmpty(fields[field]));
  const { branch = DEFAULT_BRANCH, size, cron_spec: cron } = fields;
  const add = (field: keyof TriggerFields, message: string | undefined) => {
    if (message !== undefined) {
      problems.push({ field, message });
    }
  };
  add('branch', branchNameProblem(branch));
  add(
    'branch',
    branch === on ? 'the branch would follow itself; name another one to follow' : undefined,
  );
  add('rate_limit_spec', scheduleProblem(fields.rate_limit_spec));
  add('cron_spec', scheduleProblem(cron));
  if (!isEmpty(size) && parseQuantity(String(size)) === undefined) {
    add('size', `"${size}" is no size; write a number of bytes such as 100M or 1Gi`);
  }
  if (fields.commits !== undefined && !(Number.isInteger(fields.commits) && fields.commits >= 0)) {
    add('commits', `${fields.commits} is no number of commits; write a whole number from 1`);
  }
  if (!isEmpty(cron) && (given.length > 0 || fields.all)) {
    add('cron_spec', 'stands alone: the branch moves at its times; leave the other conditions out');
  } else if (isEmpty(cron) && given.length === 0) {
    problems.push({
      message:
        'a trigger without a condition would never fire; set commits, size, rate_limit_spec or cron_spec',
    });
  }
  return problems;
}

/** The branch that a trigger follows where it names none. */
export const DEFAULT_BRANCH = 'master';

/** Reads a trigger of the branch `on`; throws `invalid` naming all that is wrong. */
export function readTrigger(fields: TriggerFields, on: string): Trigger {
  const problems = triggerProblems(fields, on);
  if (problems.length > 0) {
    const text = problems.map(({ field, message }) => (field ? `${field}: ${message}` : message));
    throw new EngineError(
      'invalid',
      `Cannot put a trigger on branch "${on}": ${text.join('\n  ')}`,
    );
  }
  const {
    branch = DEFAULT_BRANCH,
    all = false,
    size,
    commits,
    rate_limit_spec,
    cron_spec,
  } = fields;
  return {
    branch,
    all,
    size: isEmpty(size) ? null : (parseQuantity(String(size)) ?? null),
    commits: isEmpty(commits) ? null : (commits ?? null),
    rateLimit: isEmpty(rate_limit_spec) ? null : (rate_limit_spec ?? null),
    cron: isEmpty(cron_spec) ? null : (cron_spec ?? null),
  };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || value === 0;
}

/** Says what is wrong with a schedule and what would be right, or undefined where nothing is, or none is given. */
export function scheduleProblem(text: string | undefined): string | undefined {
  if (text === undefined || text === '') {
    return undefined;
  }
  try {
    parseSchedule(text);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
