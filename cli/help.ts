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
  const usage = command.usage.split(' | ').map((form) => `  pfs ${name} ${form}`.trimEnd());
  const also =
    spellings.length > 0 ? `Also: ${spellings.map((each) => `pfs ${each}`).join(', ')}` : '';
  const about = [command.summary, command.details ?? '', also].filter((text) => text !== '');
  const own = yargsOptions(command.options);
  const general = yargsOptions(GLOBAL_OPTIONS);
  const parser = start(columns)
    .options({ ...own, ...general })
    .group(Object.keys(own), 'Options:')
    .group(Object.keys(general), 'Options of every command:');
  return [
    about.map((text) => wrap(text, columns)).join('\n'),
    ['Usage:', ...usage].join('\n'),
    await parser.getHelp(),
    exampleText(command.examples),
  ].join('\n\n');
}

/**
 * Returns the overview of all commands, or of those whose name has the word `only`.
 * @param columns the width of the terminal.
 */
export async function overviewHelp(columns: number, only?: string): Promise<string> {
  const title = only
    ? `Commands with "${only}". See pfs <command> --help for each.`
    : 'Usage: pfs <command> …\n\nSee pfs <command> --help for each; create-repo and create repo are the same.';
  const parser = start(columns).usage(title).options(yargsOptions(GLOBAL_OPTIONS));
  const firsts: string[] = [];
  for (const module of Object.keys(MODULES) as ModuleName[]) {
    const commands = (await loadCommands(module)).filter(
      ({ names: [name] }) => !only || name.split(' ').includes(only),
    );
    for (const { names, summary } of commands) {
      parser.command(names[0], summary);
    }
    firsts.push(...commands.slice(0, 1).map(({ names }) => names[0]));
  }
  const help = await parser.getHelp();
  return only
    ? help
    : [
        apart(help, firsts),
        exampleText(OVERVIEW_EXAMPLES),
        exitCodeText(columns),
        environmentText(columns),
        DOCUMENTATION,
      ].join('\n\n');
}

const OVERVIEW_EXAMPLES: Command['examples'] = [
  ['create-repo training', 'makes a repo'],
  ['put-file training master -c -f iris.csv', 'commits a file into it'],
  ['create-pipeline model.json', 'trains on every commit from now on'],
  ['wait job model', 'waits for the model, with progress'],
  ['get file model@master:/model.pkl -o model.pkl', 'fetches it'],
  ['provenance model@master:/model.pkl', 'shows how it was made'],
];

const ENVIRONMENT: Readonly<Record<string, string>> = {
  PFS_CA_CERT: 'a file of authorities to trust over TLS, beside those that are known',
  PFS_ADDRESS: 'where the engine is; by default that of PFS_HOME, started when it is needed',
  PFS_HOME: 'state of the local engine; by default $XDG_DATA_HOME/pfs or ~/.local/share/pfs',
  PFS_STORE: 'where a new engine keeps its data: file:///folder or s3://bucket/prefix',
  PFS_TOKEN: 'the token of a remote engine; by default read from PFS_HOME',
  PFS_PROJECT: 'the default project',
  AWS_ENDPOINT_URL: 'the S3 server of s3:// files; AWS_ACCESS_KEY_ID and the others as usual',
  PFS_DEBUG: '1 prints where an error came from',
  NO_COLOR: 'no colour',
};

const DOCUMENTATION = [
  'Documentation:',
  '  docs/start.md and the pages beside it; also below /docs/ at the address that pfs engine status shows',
].join('\n');

/** The commands of each kind by themselves: an empty line before each of `firsts` but the topmost. */
function apart(help: string, firsts: readonly string[]): string {
  return firsts
    .slice(1)
    .reduce((text, name) => text.replace(`\n  pfs ${name} `, `\n\n  pfs ${name} `), help);
}

/** Each command line whole on a line of its own, so that it can be copied. */
function exampleText(examples: Command['examples']): string {
  const lines = examples.map(([line, effect]) => `  pfs ${line}\n      ${effect}`);
  return ['Examples:', ...lines].join('\n');
}

function exitCodeText(columns: number): string {
  const lines = EXIT_CODES.map(({ exit, meaning }) =>
    wrap(`  ${String(exit).padEnd(5)}${meaning}`, columns, 7),
  );
  return ['Exit codes:', ...lines].join('\n');
}

function environmentText(columns: number): string {
  const lines = Object.entries(ENVIRONMENT).map(([name, meaning]) =>
    wrap(`  ${name.padEnd(18)}${meaning}`, columns, 20),
  );
  return ['Environment:', ...lines].join('\n');
}

/** Breaks a line at spaces; what follows the first break is moved `indent` columns in. */
function wrap(text: string, columns: number, indent = 0): string {
  const most = Math.min(columns, MOST_COLUMNS);
  const lines: string[] = [];
  let rest = text;
  while (rest.length > most) {
    const space = rest.lastIndexOf(' ', most);
    const at = space > indent ? space : rest.indexOf(' ', most);
    if (at < 0) {
      break;
    }
    lines.push(rest.slice(0, at).trimEnd());
    rest = ' '.repeat(indent) + rest.slice(at + 1);
  }
  return [...lines, rest].join('\n');
}

function start(columns: number): Argv {
  return yargs([])
    .scriptName('pfs')
    .version(false)
    .help(false)
    .locale('en')
    .wrap(Math.min(columns, MOST_COLUMNS));
}

/** The name of a value stands with the option's own, as in `--file <source>`. */
function yargsOptions(options: Readonly<Record<string, Option>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, option]) => !option.hidden)
      .map(([name, { value, description, short }]) => [
        value ? `${name} <${value}>` : name,
        { description, ...(short ? { alias: short } : {}) },
      ]),
  );
}
