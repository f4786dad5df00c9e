// Editing a spec in the user's editor: again and again until it is right, and nothing that was typed is lost.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError, failure } from './cli-error.ts';
import type { Context } from './context.ts';

const MARK = '# pfs: ';

export interface SpecEditing {
  /** Name of the file, without an ending. */
  readonly name: string;
  readonly text: string;
  readonly editor: string | undefined;
  /** Rejects with the code `invalid` where there is something wrong with a text. */
  check(text: string): Promise<void>;
  save(text: string): Promise<void>;
}

/**
 * Opens a text in the user's editor, checks what it has become and saves it; returns false where nothing was changed. A text that
 * is wrong is opened again, with what is wrong above it. Where it can't be saved it is kept in a file, whose name the user is told.
 */
export async function editSpec(context: Context, editing: SpecEditing): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'pfs-edit-'));
  const isJson = /^\s*[[{]/.test(editing.text);
  const file = join(folder, `${editing.name}.${isJson ? 'json' : 'yaml'}`);
  try {
    const text = await edited(context, { ...editing, file });
    if (text !== undefined) {
      await editing.save(text);
    }
    await rm(folder, { recursive: true });
    return text !== undefined;
  } catch (error) {
    context.output.note(`What you wrote is kept in ${file}`);
    throw error;
  }
}

/** Returns the text once it is right; undefined where it was left as it is. */
async function edited(
  context: Context,
  editing: SpecEditing & { readonly file: string },
): Promise<string | undefined> {
  const { file, check } = editing;
  let [last, header] = [editing.text, ''];
  await writeFile(file, last);
  for (;;) {
    await runEditor(context, editing);
    const text = withoutHeader(await readFile(file, 'utf8'));
    if (text === last) {
      if (header === '') {
        return undefined;
      }
      throw new CliError('invalid', `${withoutMarks(header)}\nIt was left as it is`);
    }
    const problem = await problemOf(check, text);
    if (problem === undefined) {
      return text;
    }
    last = text;
    header = await headerFor(check, { text, problem });
    await writeFile(file, header + text);
  }
}

async function problemOf(check: SpecEditing['check'], text: string): Promise<CliError | undefined> {
  try {
    await check(text);
    return undefined;
  } catch (error) {
    if (error instanceof CliError && error.code === 'invalid') {
      return error;
    }
    throw error;
  }
}

/** Makes the lines above a text that say what is wrong with it; lines are counted with these. */
async function headerFor(
  check: SpecEditing['check'],
  { text, problem }: { readonly text: string; readonly problem: CliError },
): Promise<string> {
  const advice = 'Save it unchanged to give up; these lines go by themselves.';
  const lines = [...problem.message.split('\n'), advice];
  const moved = await problemOf(check, '\n'.repeat(lines.length) + text);
  const shown = moved ? [...moved.message.split('\n'), advice] : lines;
  return shown.map((line) => `${MARK}${line}\n`).join('');
}

function withoutHeader(text: string): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => !line.startsWith(MARK))
    .join('');
}

function withoutMarks(header: string): string {
  return header
    .split('\n')
    .slice(0, -2)
    .map((line) => line.slice(MARK.length))
    .join('\n');
}

/** Runs the editor as Git does, by a shell: it may have options. */
async function runEditor(
  { env }: Context,
  { editor, file }: { readonly editor: string | undefined; readonly file: string },
): Promise<void> {
  const command = editor || env.VISUAL || env.EDITOR || 'vi';
  const child = spawn('sh', ['-c', `${command} "$@"`, command, file], { stdio: 'inherit' });
  let code: number | null;
  try {
    [code] = (await once(child, 'close')) as [number | null];
  } catch (error) {
    throw failure('io', `Cannot edit: no shell could be started for "${command}"`, error);
  }
  if (code !== 0) {
    throw new CliError(
      'io',
      `Cannot edit: the editor "${command}" ended with ${code ?? 'a signal'}; name another with --editor, or in EDITOR`,
    );
  }
}
