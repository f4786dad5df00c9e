// What a shell may complete a command line with.

import type { Pipeline, Repo } from '../engine/server/wire.ts';
import { type Completes, GLOBAL_OPTIONS, type Option } from './command.ts';
import { SHELLS } from './completion-scripts.ts';
import type { Context } from './context.ts';
import { showName } from './refs.ts';
import { COMMAND_NAMES, findCommand, loadCommands } from './registry.ts';

/** A slow or absent engine must not hold up the user's typing. */
const ENGINE_MS = 1000;

/** Returns what the last of `words` can become. Asks a running engine for names and starts none. */
export async function complete(
  context: Context,
  words: readonly string[],
): Promise<readonly string[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const found = findCommand(before);
  if (!found) {
    return startingWith(last, commandWords(before));
  }
  const commands = await loadCommands(found.module);
  const command = commands.find(({ names }) => names.includes(found.name));
  if (!command) {
    return [];
  }
  const options: Readonly<Record<string, Option>> = { ...GLOBAL_OPTIONS, ...command.options };
  if (last.startsWith('-')) {
    return startingWith(
      last,
      Object.keys(options).map((name) => `--${name}`),
    );
  }
  const option = optionOf(before.at(-1), options);
  const wanted = option && option.type !== 'boolean' ? option.completes : command.completes;
  if (command.names[0] === 'completion') {
    return startingWith(last, SHELLS);
  }
  return startingWith(last, await nameCandidates(context, wanted));
}

function commandWords(before: readonly string[]): readonly string[] {
  if (before.length === 0) {
    const names = [...COMMAND_NAMES.keys()];
    return [
      ...new Set([
        ...names.map((name) => name.replaceAll(' ', '-')),
        ...names.map((name) => name.split(' ')[0] ?? ''),
      ]),
    ];
  }
  const prefix = `${before.join(' ')} `;
  return [...COMMAND_NAMES.keys()]
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

function optionOf(
  word: string | undefined,
  options: Readonly<Record<string, Option>>,
): Option | undefined {
  if (!word?.startsWith('-')) {
    return undefined;
  }
  return word.startsWith('--')
    ? options[word.slice(2)]
    : Object.values(options).find((option) => option.short === word.slice(1));
}

async function nameCandidates(
  context: Context,
  wanted: Completes | undefined,
): Promise<readonly string[]> {
  if (wanted !== 'repo' && wanted !== 'pipeline') {
    return [];
  }
  const client = context.connect({ start: false, signal: AbortSignal.timeout(ENGINE_MS) });
  const names: string[] = [];
  try {
    for await (const item of client.items<Repo | Pipeline>(
      wanted === 'repo' ? '/repos' : '/pipelines',
    )) {
      names.push(showName(item));
    }
  } catch {
    // No engine, no names: completion never complains.
  } finally {
    client.close();
  }
  return names;
}

function startingWith(prefix: string, candidates: readonly string[]): readonly string[] {
  return candidates.filter((candidate) => candidate.startsWith(prefix)).sort();
}
