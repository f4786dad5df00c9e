// Commands to work on one datum by hand.

import { jobParams } from '../../client/params.ts';
import type { BenchEnd, BenchStart } from '../../engine/server/wire-workbench.ts';
import type { ParsedArguments } from '../arguments.ts';
import { CliError, usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatDuration, formatImage, formatSize } from '../format.ts';
import { findJob } from '../job-lookup.ts';
import { showName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['debug datum'],
    summary: 'Open a shell where a datum ran, or run a command there',
    details:
      'With its inputs below /pfs, in its image, with its variables, user, working directory and limits. Nothing is recorded: what is written is thrown away with the container. The beginning of a datum’s id is enough. Ends as the command does.',
    usage: '<pipeline@job> <datum> | <pipeline> <datum> [-- <command> …]',
    completes: 'pipeline',
    arguments: [2, Number.POSITIVE_INFINITY],
    options: {},
    examples: [
      ['debug datum model@master 5d9a3c', 'opens a shell where it ran; Ctrl-D ends it'],
      ['debug-datum model 5d9a3c -- ls -l /pfs', 'runs one command there'],
    ],
    run: debugDatum,
  },
  {
    names: ['run local', 'run datum'],
    summary: 'Run one datum of a spec on the data as it is, with your code, and record nothing',
    details:
      'For writing a pipeline: nothing is created, no image is built. A folder of yours stands in for one of the image, read-only; it is sent to the engine each time. Prints what the command prints, and what it wrote; -o keeps that. Ends as the command does.',
    usage: '<spec>',
    arguments: [1, 1],
    options: {
      datum: {
        type: 'string',
        short: 'd',
        value: 'number or path',
        description:
          'which datum: its number in pfs list datum -f, from 0, or a path that it reads',
      },
      mount: {
        type: 'strings',
        short: 'm',
        value: 'folder:path',
        completes: 'file',
        description: 'puts a folder over this path of the image; may be given several times',
      },
      output: {
        type: 'string',
        short: 'o',
        value: 'folder',
        completes: 'file',
        description: 'keeps what was written to /pfs/out in this folder',
      },
      pipeline: {
        type: 'string',
        short: 'p',
        value: 'name',
        description: 'which pipeline, of a spec with several',
      },
    },
    examples: [
      ['run-local model.json', 'runs its first datum'],
      ['run-local model.json -m ./code:/code', 'with the code in ./code, not the image’s'],
      ['run-local edges.json --datum /house.png -o out', 'runs one, and keeps its output'],
    ],
    run: runLocal,
  },
];

async function debugDatum(context: Context, args: ParsedArguments): Promise<void> {
  const { positionals, rest } = args;
  const words = rest ? positionals.slice(0, positionals.length - rest.length) : positionals;
  const datum = words.at(-1);
  if (words.length < 2 || words.length > 3 || datum === undefined) {
    throw usageError(
      'Say which datum, as in pfs debug datum model@master 5d9a3c; a command comes after --',
    );
  }
  const { pipeline, id } = await findJob(context, words.slice(0, -1), { newest: true });
  const { runSession } = await import('../bench-session.ts');
  const { output, stdin, env } = context;
  const size = stdin.isTTY ? output.terminal : undefined;
  const end = await runSession(context, {
    ask: (talk) =>
      context.client.converse(
        'POST /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}/debug',
        {
          params: { ...jobParams(pipeline, id), datum },
          ...talk,
        },
      ),
    request: {
      command: rest ?? [],
      ...(size ? { terminal: { ...size, type: env.TERM || 'xterm' } } : {}),
    },
    input: true,
    terminal: size !== undefined,
    onStart: (start) => {
      if (size && !rest?.length) {
        describe(context, start);
        output.note(`Its command is: ${commandLine(start.command)}`);
        output.note('Nothing is recorded; exit or Ctrl-D ends this');
      }
    },
  });
  endAs(end);
}

async function runLocal(context: Context, args: ParsedArguments): Promise<void> {
  const [spec = ''] = args.positionals;
  const { output, project } = context;
  const { readSpec } = await import('../spec-source.ts');
  const { runSession } = await import('../bench-session.ts');
  const { text, name } = await readSpec(context, spec);
  const mounts = args.strings('mount').map(parseMount);
  const folder = args.string('output');
  const datum = args.string('datum');
  const { mountFiles } = await import('../mount-files.ts');
  const { writeFolder } = await import('../folder-writer.ts');
  const end = await runSession(context, {
    ask: (talk) => context.client.converse('POST /workbench', talk),
    request: {
      spec: text,
      file: name,
      project,
      pipeline: args.string('pipeline'),
      datum: datum !== undefined && /^\d{1,9}$/.test(datum) ? Number(datum) : datum,
      mounts: mounts.map(({ target }) => target),
      output: folder !== undefined,
    },
    ...(mounts.length > 0 ? { files: mountFiles(mounts) } : {}),
    input: false,
    terminal: false,
    onStart: (start) => {
      for (const warning of start.warnings) {
        output.note(`Warning: ${warning}`);
      }
      describe(context, start);
    },
    ...(folder === undefined
      ? {}
      : {
          onOutput: async (source) => {
            await writeFolder(folder, { source, signal: context.signal });
          },
        }),
  });
  tellOutput(context, end, folder);
  endAs(end);
}

function describe({ output }: Context, { datum, inputs, image }: BenchStart): void {
  const files = inputs.map(({ repo, path: at }) => `${showName(repo)}:${at}`).join(' × ');
  output.note(`Datum ${datum.slice(0, 12)} (${files || 'no files'}) in ${formatImage(image)}`);
}

function tellOutput({ output }: Context, end: BenchEnd, folder: string | undefined): void {
  const took = formatDuration(end.processMs);
  if (!end.ok) {
    output.note(`It failed after ${took}: ${end.reason}`);
    return;
  }
  const where = folder === undefined ? '; -o keeps them' : `, now in ${folder}`;
  const count = `${end.fileCount} ${end.fileCount === 1 ? 'file' : 'files'}`;
  output.note(
    `It succeeded after ${took} and wrote ${end.fileCount === 0 ? 'nothing' : `${count}${where}`}`,
  );
  for (const file of end.files.slice(0, 20)) {
    output.note(`  ${file.path} (${formatSize(file.size)})`);
  }
  if (end.fileCount > 20) {
    output.note(`  … and ${end.fileCount - 20} more`);
  }
}

/** Ends the process as the command has ended. */
function endAs({ ok, exitCode }: BenchEnd): void {
  if (!ok) {
    throw new CliError('job_failed', '', exitCode ? { exit: exitCode } : {});
  }
}

function parseMount(text: string): { readonly folder: string; readonly target: string } {
  const at = text.lastIndexOf(':');
  const [folder, target] = [text.slice(0, at), text.slice(at + 1)];
  if (at <= 0 || !target.startsWith('/')) {
    throw usageError(
      `Cannot read the mount "${text}": write <your folder>:<absolute path in the image>, as in ./code:/code`,
    );
  }
  return { folder, target };
}

function commandLine(words: readonly string[]): string {
  return words.length === 0
    ? 'that of the image'
    : words
        .map((word) => (/^[\w./=:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
        .join(' ');
}
