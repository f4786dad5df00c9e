// The help texts, laid out by yargs from the definitions of the commands. Loaded only when help is asked for.

import yargs, { type Argv } from 'yargs';
import { type Command, GLOBAL_OPTIONS, type Option } from './command.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { loadCommands, MODULES, type ModuleName } from './registry.ts';

/** The widest that help is laid out, in columns. */
const MOST_COLUMNS = 110;

/** Returns the help of one command. */
export async function commandHelp(command: Command, columns: number): Promise<string> {
  const [name] = command.names;
  const spellings = command.names
    .flatMap((each) => (each.includes(' ') ? [each, each.replaceAll(' ', '-')] : [each]))
    .slice(1);
  const usage = command.usage
    .split(' | ')
    .map((form) => `pfs ${name} ${form}`.trimEnd())
    .join('\n  ');
  const also =
    spellings.length > 0 ? `Also: ${spellings.map((each) => `pfs ${each}`).join(', ')}` : '';
  const about = [command.summary, command.details, also].filter(Boolean).join('\n');
  const parser = start(columns)
    .usage(`${about}\n\nUsage:\n  ${usage}`)
    .options(yargsOptions({ ...command.options, ...GLOBAL_OPTIONS }))
    .group(Object.keys(command.options), 'Options:')
    .group(Object.keys(GLOBAL_OPTIONS), 'Options of every command:')
    .epilogue(exampleText(command.examples));
  return parser.getHelp();
}

/**
 * Returns the overview of all commands, or of those whose name has the word `only`.
 * @param columns the width of the terminal.
 */
export async function overviewHelp(columns: number, only?: string): Promise<string> {
  const parser = start(columns).usage(
    only
      ? `Commands with "${only}". See pfs <command> --help for each.`
      : 'Usage: pfs <command> …   See pfs <command> --help for each; create-repo and create repo are the same.',
  );
  for (const module of Object.keys(MODULES) as ModuleName[]) {
    for (const command of await loadCommands(module)) {
      const [name] = command.names;
      if (!only || name.split(' ').includes(only)) {
        parser.command(name, command.summary);
      }
    }
  }
  parser.options(yargsOptions(GLOBAL_OPTIONS));
  if (!only) {
    parser.epilogue([exampleText(OVERVIEW_EXAMPLES), exitCodeText(), ENVIRONMENT].join('\n\n'));
  }
  return parser.getHelp();
}

const OVERVIEW_EXAMPLES: Command['examples'] = [
  ['create-repo training', 'makes a repo'],
  ['put-file training master -c -f iris.csv', 'commits a file into it'],
  ['create-pipeline model.json', 'trains on every commit from now on'],
  ['wait job model', 'waits for the model, with progress'],
  ['get file model@master:/model.pkl -o model.pkl', 'fetches it'],
  ['provenance model@master:/model.pkl', 'shows how it was made'],
];

const ENVIRONMENT = `Environment:
  PFS_ADDRESS  where the engine is; by default that of PFS_HOME, started when it is needed
  PFS_HOME     state of the local engine; by default $XDG_DATA_HOME/pfs or ~/.local/share/pfs
  PFS_STORE    where a new engine keeps its data: file:///folder or s3://bucket/prefix
  PFS_TOKEN    the token of a remote engine; by default read from PFS_HOME
  PFS_PROJECT  the default project
  PFS_DEBUG    1 prints where an error came from
  NO_COLOR     no colour`;

/** Each command line whole on a line of its own, so that it can be copied. */
function exampleText(examples: Command['examples']): string {
  const lines = examples.map(([line, effect]) => `  pfs ${line}\n      ${effect}`);
  return ['Examples:', ...lines].join('\n');
}

function exitCodeText(): string {
  const lines = EXIT_CODES.map(({ exit, meaning }) => `  ${String(exit).padEnd(5)}${meaning}`);
  return ['Exit codes:', ...lines].join('\n');
}

function start(columns: number): Argv {
  return yargs([])
    .scriptName('pfs')
    .version(false)
    .help(false)
    .locale('en')
    .wrap(Math.min(columns, MOST_COLUMNS));
}

function yargsOptions(options: Readonly<Record<string, Option>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      {
        type: option.type === 'strings' ? 'array' : option.type,
        description: option.value ? `<${option.value}> ${option.description}` : option.description,
        ...(option.short ? { alias: option.short } : {}),
      },
    ]),
  );
}
