// One run of the command line: finds the command, parses its words, runs it, and turns what goes wrong into a sentence and an exit code.

import { type ParsedArguments, parseArguments } from './arguments.ts';
import { CliError, usageError } from './cli-error.ts';
import { type Command, GLOBAL_OPTIONS } from './command.ts';
import { Context, type Environment, type Input } from './context.ts';
import { exitCodeOf } from './exit-codes.ts';
import { findNearest } from './nearest.ts';
import { Output, type Sink, writeTo } from './output.ts';
import { COMMAND_NAMES, findCommand, loadCommands } from './registry.ts';

/** What a run has of the world. */
export interface World {
  readonly env: Environment;
  readonly stdin: Input;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, for relative times. */
  readonly now: number;
}

/** Runs the command line `argv` (without `node` and the script) and returns the exit code. */
export async function run(argv: readonly string[], world: World): Promise<number> {
  try {
    await runCommand(argv, world);
    return 0;
  } catch (error) {
    return report(error, world);
  }
}

async function runCommand(argv: readonly string[], world: World): Promise<void> {
  const columns = world.stdout.columns ?? 80;
  const { leading, words } = splitLeading(argv);
  if (words[0] === '__complete') {
    const { complete } = await import('./completion.ts');
    const context = makeContext(parseArguments([], {}), world);
    const answers = await complete(context, words.slice(1));
    await context.output.write(answers.map((answer) => `${answer}\n`).join(''));
    return;
  }
  const asksHelp = words[0] === 'help' || words.length === 0;
  const rest = words[0] === 'help' ? words.slice(1) : words;
  const found = findCommand(rest);
  if (!found) {
    await runOverview(rest, { asksHelp, columns, world, leading });
    return;
  }
  const commands = await loadCommands(found.module);
  const command = commands.find(({ names }) => names.includes(found.name));
  if (!command) {
    throw new CliError('internal', `The command "${found.name}" is not defined`);
  }
  const args = parseFor(command, [...leading, ...rest.slice(found.words)]);
  if (asksHelp || args.flag('help')) {
    const { commandHelp } = await import('./help.ts');
    await print(world, await commandHelp(command, columns));
    return;
  }
  checkCount(command, args);
  const context = makeContext(args, world);
  try {
    await command.run(context, args);
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_found' && context.home.transaction()) {
      context.output.note(
        'A transaction is active here: what it holds is not there before pfs finish transaction',
      );
    }
    throw error;
  } finally {
    await context.close();
  }
}

/** Help on everything, or on one verb or noun; else the error for a command that does not exist. */
async function runOverview(
  words: readonly string[],
  {
    asksHelp,
    columns,
    world,
    leading,
  }: { asksHelp: boolean; columns: number; world: World; leading: readonly string[] },
): Promise<void> {
  const plain = words.filter((word) => !word.startsWith('-'));
  const [first, second] = plain;
  const isWord = [...COMMAND_NAMES.keys()].some((name) => name.split(' ').includes(first ?? ''));
  if (first === undefined && leading.includes('--version')) {
    const { cliVersion } = await import('./version.ts');
    await print(world, cliVersion());
    return;
  }
  if (first === undefined) {
    parseArguments(leading, {});
  }
  if (first === undefined || (isWord && second === undefined)) {
    const { overviewHelp } = await import('./help.ts');
    const wanted =
      asksHelp || first === undefined || words.some((w) => w === '--help' || w === '-h');
    const text = await overviewHelp(columns, first);
    if (wanted) {
      await print(world, text);
      return;
    }
    throw usageError(`"${first}" alone is no command\n\n${text}`);
  }
  throw unknownCommand(plain);
}

function unknownCommand(words: readonly string[]): CliError {
  const [first = '', second] = words;
  const isDashed = first.includes('-');
  const nearest = nearestCommand(first, isDashed ? undefined : second);
  const shown = !isDashed && second !== undefined ? `${first} ${second}` : first;
  const hint = nearest ? `did you mean pfs ${nearest}?` : 'see pfs --help';
  return usageError(`There is no command "${shown}"; ${hint}`);
}

function nearestCommand(first: string, second: string | undefined): string | undefined {
  const names = [...COMMAND_NAMES.keys()];
  if (first.includes('-')) {
    return findNearest(first.replaceAll('-', ' '), names)?.replaceAll(' ', '-');
  }
  const swapped = second === undefined ? undefined : findCommand([second, first]);
  if (swapped?.words === 2) {
    return swapped.name;
  }
  return (
    (second === undefined ? undefined : findNearest(`${first} ${second}`, names)) ??
    findNearest(first, [...names, ...names.map((name) => name.split(' ')[0] ?? '')])
  );
}

/** Options for every command may stand before it: `pfs --raw list repo`. */
function splitLeading(argv: readonly string[]): {
  readonly leading: readonly string[];
  readonly words: readonly string[];
} {
  let at = 0;
  while (at < argv.length && argv[at]?.startsWith('-') && argv[at] !== '-') {
    const takesNext = argv[at] === '-P' || argv[at] === '--project';
    at += takesNext ? 2 : 1;
  }
  return { leading: argv.slice(0, at), words: argv.slice(at) };
}

function parseFor(command: Command, words: readonly string[]): ParsedArguments {
  try {
    return parseArguments(words, command.options);
  } catch (error) {
    if (error instanceof CliError && words.some((word) => word === '--help')) {
      return parseArguments(['--help'], GLOBAL_OPTIONS);
    }
    throw error;
  }
}

function checkCount(command: Command, args: ParsedArguments): void {
  const [least, most] = command.arguments;
  const count = args.positionals.length;
  const [name] = command.names;
  if (count < least) {
    throw usageError(
      `Something is missing: pfs ${name} ${command.usage}; see pfs ${name} --help for examples`,
    );
  }
  if (count > most) {
    const usage = `pfs ${name} ${command.usage}`.trimEnd();
    throw usageError(`"${args.positionals[most]}" is one word too many: ${usage}`);
  }
}

function makeContext(args: ParsedArguments, world: World): Context {
  const { env, stdout, stderr, stdin, signal } = world;
  const output = new Output({
    stdout,
    stderr,
    raw: args.flag('raw'),
    color: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    times: { now: world.now, full: args.flag('full-timestamps') },
  });
  const authority = args.string('ca-cert');
  return new Context({
    output,
    env: authority === undefined ? env : { ...env, PFS_CA_CERT: authority },
    signal,
    stdin,
    project: args.string('project'),
  });
}

async function print(world: World, text: string): Promise<void> {
  await writeTo(world.stdout, `${text}\n`);
}

function report(error: unknown, { env, signal, stderr }: World): number {
  const debug = env.PFS_DEBUG === '1';
  if (debug) {
    stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause) {
      stderr.write(`caused by ${cause.stack ?? cause.message}\n`);
    }
  }
  if (signal.aborted) {
    stderr.write('Interrupted\n');
    return exitCodeOf('interrupted');
  }
  if (error instanceof CliError) {
    if (!debug && error.message !== '') {
      stderr.write(`${error.message}\n`);
    }
    return error.exit ?? exitCodeOf(error.code);
  }
  if (!debug) {
    const text = error instanceof Error ? error.message : String(error);
    stderr.write(`Something unforeseen went wrong: ${text}; PFS_DEBUG=1 shows where\n`);
  }
  return 1;
}
