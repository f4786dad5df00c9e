// What a shell may complete a command line with.

import { refParams, repoParams } from '../client/params.ts';
import type { EngineClient } from './client.ts';
import { type Completes, GLOBAL_OPTIONS, type Option } from './command.ts';
import { SHELLS } from './completion-scripts.ts';
import type { Context } from './context.ts';
import { parseCommitWords, parseRepoName, showName } from './refs.ts';
import { COMMAND_NAMES, findCommand, loadCommands } from './registry.ts';

/** A slow or absent engine must not hold up the user's typing. */
const ENGINE_MS = 1000;
/** Nobody chooses from more. */
const MOST_NAMES = 1000;

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
      Object.keys(options)
        .filter((name) => !options[name]?.hidden)
        .map((name) => `--${name}`),
    );
  }
  const option = optionOf(before.at(-1), options);
  const wanted = option && option.type !== 'boolean' ? option.completes : command.completes;
  if (command.names[0] === 'completion') {
    return startingWith(last, SHELLS);
  }
  const given = positionalsOf(before.slice(found.words), options);
  return startingWith(
    last,
    await nameCandidates(context, wanted, option?.completes ? [last] : [...given, last]),
  );
}

/** The words that are neither options nor their values. */
function positionalsOf(
  words: readonly string[],
  options: Readonly<Record<string, Option>>,
): readonly string[] {
  return words.filter((word, i) => {
    const option = optionOf(words[i - 1], options);
    return !word.startsWith('-') && (!option || option.type === 'boolean');
  });
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
  words: readonly string[],
): Promise<readonly string[]> {
  if (wanted === undefined || wanted === 'file' || wanted === 'command') {
    return [];
  }
  const client = context.connect({ start: false, signal: AbortSignal.timeout(ENGINE_MS) });
  try {
    if (wanted === 'project') {
      return (await client.all('GET /projects', { most: MOST_NAMES })).map(({ name }) => name);
    }
    if (wanted === 'secret') {
      return (await client.all('GET /secrets', { most: MOST_NAMES })).map(({ name }) => name);
    }
    if (wanted === 'pipeline') {
      const found =
        words.length > 1 ? [] : await client.all('GET /pipelines', { most: MOST_NAMES });
      return found.map(showName);
    }
    return await refCandidates(context, client, words);
  } catch {
    // No engine, no names: completion never complains.
    return [];
  } finally {
    client.close();
  }
}

/** What the last of `words` can become: a repo, then `@` or a second word with a branch, then `:` or a third with a path. */
async function refCandidates(
  context: Context,
  client: EngineClient,
  words: readonly string[],
): Promise<readonly string[]> {
  const { project } = context;
  const last = words.at(-1) ?? '';
  const isCombined = last.includes('@') || words.length === 1;
  const at = last.indexOf('@');
  const colon = last.indexOf(':', at);
  if (isCombined ? at < 0 : words.length > 3) {
    return words.length > 1
      ? []
      : (await client.all('GET /repos', { most: MOST_NAMES })).map(showName);
  }
  if (isCombined ? colon < 0 : words.length === 2) {
    const repo = isCombined ? last.slice(0, at) : (words[0] ?? '');
    const asked = { params: repoParams(parseRepoName(repo, project)), most: MOST_NAMES };
    const named = [
      ...(await client.all('GET /repos/{project}/{repo}/branches', asked)),
      ...(await client.all('GET /repos/{project}/{repo}/tags', asked)),
    ];
    return named.map((one) => (isCombined ? `${repo}@${one.name}` : one.name));
  }
  const ref = parseCommitWords(isCombined ? [last.slice(0, colon)] : words.slice(0, 2), {
    project,
  });
  const typed = isCombined ? last.slice(colon + 1) : last;
  const folder = typed.slice(0, typed.lastIndexOf('/') + 1);
  const files = await client.all('GET /repos/{project}/{repo}/files/{ref}/list', {
    params: refParams(ref.repo, ref.ref),
    query: { path: folder || '/' },
    most: MOST_NAMES,
  });
  const before = isCombined ? last.slice(0, colon + 1) : '';
  return files.map((file) => before + shownAs(file.path, typed));
}

/** A path as it was begun: with a leading slash or without. */
function shownAs(file: string, typed: string): string {
  return typed === '' || typed.startsWith('/') ? file : file.slice(1);
}

function startingWith(prefix: string, candidates: readonly string[]): readonly string[] {
  return candidates.filter((candidate) => candidate.startsWith(prefix)).sort();
}
