// Commands on the settings of this user: what holds for every command that does not say otherwise.

import { CliError, usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Config } from '../home.ts';
import { isProjectName } from '../refs.ts';

/** What can be set, and what each says. */
const SETTINGS: Readonly<Record<keyof Config, string>> = {
  project: 'the project of names given without one',
  store: 'where the local engine keeps its data; chosen when it first starts',
};

export const commands: readonly Command[] = [
  {
    names: ['config set'],
    summary: 'Set what holds for every command that does not say otherwise',
    details: `The setting is project: ${SETTINGS.project}. PFS_PROJECT and -P go before it. It is kept in PFS_HOME.`,
    usage: 'project <name>',
    arguments: [2, 2],
    options: {},
    examples: [['config set project team', 'makes "team" the project of names without one']],
    run: async (context, args) => {
      const [key = '', value = ''] = args.positionals;
      checkKey(key, ['project']);
      if (!isProjectName(value)) {
        throw usageError(
          `Cannot use "${value}" as the project: letters, digits, "_" and "-" are allowed`,
        );
      }
      context.home.configure({ project: value });
    },
  },
  {
    names: ['config get'],
    summary: 'Print one setting',
    usage: 'project | store',
    arguments: [1, 1],
    options: {},
    examples: [['config get project', 'prints the project that was set']],
    run: async (context, args) => {
      const key = checkKey(args.positionals[0] ?? '', ['project', 'store']);
      const value = context.home.config()[key];
      if (value === undefined) {
        throw new CliError('not_found', `The setting "${key}" was not made`);
      }
      await (context.output.raw ? context.output.json(value) : context.output.line(value));
    },
  },
  {
    names: ['config unset'],
    summary: 'Take a setting back',
    usage: 'project',
    arguments: [1, 1],
    options: {},
    examples: [['config unset project', 'makes "default" the project of names without one']],
    run: async (context, args) => {
      checkKey(args.positionals[0] ?? '', ['project']);
      context.home.configure({ project: undefined });
    },
  },
  {
    names: ['config list'],
    summary: 'List the settings',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['config list', 'lists what was set, and what each setting is']],
    run: async (context) => {
      const config = context.home.config();
      const keys = Object.keys(SETTINGS) as (keyof Config)[];
      const settings = keys.map((key) => ({ key, value: config[key] ?? null }));
      await context.output.table(settings, {
        heading: ['SETTING', 'VALUE', 'WHAT IT IS'],
        row: ({ key, value }) => [key, value ?? '-', SETTINGS[key]],
      });
    },
  },
];

function checkKey(key: string, known: readonly (keyof Config)[]): keyof Config {
  const found = known.find((one) => one === key);
  if (found === undefined) {
    throw usageError(`There is no setting "${key}" here; it is one of: ${known.join(', ')}`);
  }
  return found;
}
