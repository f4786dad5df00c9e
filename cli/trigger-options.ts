// The options that give a branch a trigger, and triggers as text.

import type { PutTrigger, Trigger } from '../engine/server/wire-triggers.ts';
import type { ParsedArguments } from './arguments.ts';
import { usageError } from './cli-error.ts';
import type { Option } from './command.ts';
import { formatSize } from './format.ts';

export const TRIGGER_OPTIONS = {
  trigger: {
    type: 'string',
    short: 't',
    value: 'branch',
    description: 'the branch to follow, of the same repo; master where only conditions are given',
  },
  'trigger-commits': {
    type: 'number',
    value: 'count',
    description: 'move once it is ahead by this many commits',
  },
  'trigger-size': {
    type: 'string',
    value: 'bytes',
    description: 'move once it is larger by this much, as in 100M or 1Gi',
  },
  'trigger-rate': {
    type: 'string',
    value: 'schedule',
    aliases: ['trigger-rate-limit', 'trigger-rate-limit-spec'],
    description: 'move at most once in each interval of a schedule, as in "@every 1h"',
  },
  'trigger-cron': {
    type: 'string',
    value: 'schedule',
    aliases: ['trigger-cron-spec'],
    description: 'move at the times of a schedule in UTC, as in "0 4 * * *"; stands alone',
  },
  'trigger-all': { type: 'boolean', description: 'move when all conditions hold, not any' },
  'remove-trigger': { type: 'boolean', description: 'follow no branch any more' },
} as const satisfies Record<string, Option>;

/** Returns the trigger that a command line asks for; null to remove it, undefined where it says nothing. */
export function triggerOf(args: ParsedArguments): PutTrigger | null | undefined {
  const branch = args.string('trigger');
  const commits = args.number('trigger-commits');
  const size = args.string('trigger-size');
  const rateLimit = args.string('trigger-rate');
  const cron = args.string('trigger-cron');
  const all = args.flag('trigger-all');
  const given = {
    ...(branch === undefined ? {} : { branch }),
    ...(commits === undefined ? {} : { commits }),
    ...(size === undefined ? {} : { size }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(cron === undefined ? {} : { cron }),
    ...(all ? { all } : {}),
  };
  const isGiven = Object.keys(given).length > 0;
  if (args.flag('remove-trigger')) {
    if (isGiven) {
      throw usageError('Give a trigger, or remove it, not both');
    }
    return null;
  }
  return isGiven ? given : undefined;
}

/** Returns a trigger as one line: `master, 10 commits or 1.0 GB`. */
export function triggerText(trigger: Trigger): string {
  const { branch, all, size, commits, rateLimit, cron } = trigger;
  const conditions = [
    commits === null ? '' : `${commits} ${commits === 1 ? 'commit' : 'commits'}`,
    size === null ? '' : formatSize(size),
    rateLimit === null ? '' : `rate ${rateLimit}`,
    cron === null ? '' : `at ${cron}`,
  ].filter((text) => text !== '');
  return `${branch}: ${conditions.join(all ? ' and ' : ' or ')}`;
}
