// Commands on secrets. Values come from files and standard input; on the command line only where the user wants that.

import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { PutSecret, SecretKeys } from '../../engine/server/wire-secrets.ts';
import type { ParsedArguments } from '../arguments.ts';
import { fileError, usageError } from '../cli-error.ts';
import type { Command, Option } from '../command.ts';
import type { Context } from '../context.ts';
import { formatTime } from '../format.ts';

const SOURCES: Readonly<Record<string, Option>> = {
  file: {
    type: 'string',
    short: 'f',
    value: 'path',
    completes: 'file',
    description: 'the secret as Kubernetes writes it, JSON or YAML; - for standard input',
  },
  'from-file': {
    type: 'strings',
    value: '[key=]path',
    description: 'a value out of a file, under its name or the one given; - for standard input',
  },
  'from-literal': {
    type: 'strings',
    value: 'key=value',
    description: 'a value as it is; other users of this machine may see it while the command runs',
  },
  type: {
    type: 'string',
    value: 'type',
    description: 'Opaque unless told, or kubernetes.io/dockerconfigjson, …',
  },
};

export const commands: readonly Command[] = [
  {
    names: ['create secret'],
    summary: 'Keep a password, a token or a key for pipelines, encrypted',
    details:
      'The store holds it encrypted; the key for that is in the home of the engine, and nowhere else until it is exported. No command shows the values again.',
    usage: '[name]',
    arguments: [0, 1],
    options: SOURCES,
    examples: [
      ['create secret -f db.json', 'takes the name and all values out of the file'],
      ['create secret db --from-file password=-', 'reads one value from standard input'],
      ['create-secret db --from-literal user=ann --from-file pw.txt', 'takes a name and a file'],
    ],
    run: (context, args) => putSecret(context, args, { update: false }),
  },
  {
    names: ['update secret'],
    summary: 'Replace all values of a secret',
    details: 'Pipelines that use it get new workers before the next datum.',
    usage: '[name]',
    completes: 'secret',
    arguments: [0, 1],
    options: SOURCES,
    examples: [['update secret db --from-file password=-', 'reads the new value']],
    run: (context, args) => putSecret(context, args, { update: true }),
  },
  {
    names: ['inspect secret'],
    summary: 'Show what a secret holds, but no value',
    usage: '<secret>',
    completes: 'secret',
    arguments: [1, 1],
    options: {},
    examples: [['inspect secret db', 'shows the names of its values, and who uses it']],
    run: async (context, args) => {
      const secret = await context.client.call('GET /secrets/{name}', {
        params: { name: args.positionals[0] ?? '' },
      });
      const { times } = context.output;
      await context.output.fields(secret, () => [
        ['Name', secret.name],
        ['Type', secret.type],
        ['Version', String(secret.version)],
        ['Created', formatTime(secret.created, times)],
        ['Updated', formatTime(secret.updated, times)],
        ['Values', secret.keys.join(', ')],
        ['Readable here', secret.readable ? 'yes' : 'no: this engine does not have its key'],
        ['Used by', secret.usedBy.join(', ')],
      ]);
    },
  },
  {
    names: ['list secret'],
    summary: 'List the secrets, without values',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['list secret', 'lists them with their types and versions']],
    run: async (context) => {
      await context.output.table(context.client.items('GET /secrets'), {
        heading: ['NAME', 'TYPE', 'CREATED', 'VERSION', 'VALUES'],
        row: ({ name, type, created, version, keys }) => [
          name,
          type,
          formatTime(created, context.output.times),
          String(version),
          keys.join(', '),
        ],
      });
    },
  },
  {
    names: ['delete secret'],
    summary: 'Delete a secret',
    details: 'Pipelines that use it wait until it is there again.',
    usage: '<secret>',
    completes: 'secret',
    arguments: [1, 1],
    options: {},
    examples: [['delete secret db', 'deletes it']],
    run: async (context, args) => {
      await context.client.call('DELETE /secrets/{name}', {
        params: { name: args.positionals[0] ?? '' },
      });
    },
  },
  {
    names: ['secret export key', 'export secret key'],
    summary: 'Print the key that opens the secrets, to be kept outside this machine',
    details:
      'Whoever has it and can read the store can read all secrets. Without it nobody can, once the home of the engine is lost.',
    usage: '',
    arguments: [0, 0],
    options: {
      output: {
        type: 'string',
        short: 'o',
        value: 'path',
        completes: 'file',
        description: 'write it into a new file that only you may read',
      },
    },
    examples: [
      ['secret export-key -o pfs-secret.key', 'writes it into a file'],
      ['secret export-key | pass insert -m pfs', 'hands it to a password manager'],
    ],
    run: exportKey,
  },
  {
    names: ['secret import key', 'import secret key'],
    summary: 'Give this engine the key of the secrets of its store',
    usage: '[path]',
    completes: 'file',
    arguments: [0, 1],
    options: {},
    examples: [
      ['secret import-key pfs-secret.key', 'reads it from a file'],
      ['secret import-key < pfs-secret.key', 'reads it from standard input'],
    ],
    run: importKey,
  },
];

async function putSecret(
  context: Context,
  args: ParsedArguments,
  options: { readonly update: boolean },
): Promise<void> {
  const { update } = options;
  const name = args.positionals[0];
  const file = args.string('file');
  const type = args.string('type');
  const files = args.strings('from-file').map(splitFile);
  const literals = args.strings('from-literal').map(splitLiteral);
  const fromInput = [file, ...files.map(([, from]) => from)].filter((from) => from === '-');
  if (fromInput.length > 1) {
    throw usageError('Standard input can be one thing only: give - once');
  }
  const isBare = file === undefined && files.length === 0 && literals.length === 0;
  const values: Record<string, string> = {};
  for (const [key, from] of files) {
    values[key] = (await read(context, from)).toString('base64');
  }
  for (const [key, value] of literals) {
    values[key] = Buffer.from(value).toString('base64');
  }
  if (isBare && context.stdin.isTTY) {
    throw usageError(
      'Say what to keep: -f <file>, --from-file key=path, or --from-literal key=value; - is standard input',
    );
  }
  const source = file ?? (isBare ? '-' : undefined);
  const body: PutSecret = {
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { type }),
    ...(source === undefined
      ? {}
      : {
          document: (await read(context, source)).toString('utf8'),
          file: source === '-' ? 'standard input' : source,
        }),
    values,
  };
  const secret = await context.client.call('POST /secrets', { body, query: { update } });
  if (context.output.raw) {
    await context.output.json(secret);
  }
  if (secret.atRisk) {
    context.output.note(
      'The key that opens this secret is in the home of the engine and nowhere else; keep a copy outside this machine: pfs secret export-key -o <file>',
    );
  }
}

function splitFile(text: string): readonly [key: string, from: string] {
  const at = text.indexOf('=');
  if (at < 0 && text === '-') {
    throw usageError('Name the value that comes from standard input, as in --from-file password=-');
  }
  return at < 0 ? [basename(text), text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Messages never quote what was given: a slip may have put the value there. */
function splitLiteral(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) {
    throw usageError('Write --from-literal as key=value');
  }
  return [text.slice(0, at), text.slice(at + 1)];
}

async function read(context: Context, from: string): Promise<Buffer> {
  if (from !== '-') {
    try {
      return await readFile(from);
    } catch (error) {
      throw fileError(`read "${from}"`, error);
    }
  }
  const chunks: Buffer[] = [];
  for await (const chunk of context.stdin) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

async function exportKey(context: Context, args: ParsedArguments): Promise<void> {
  const file = args.string('output');
  const { text } = await context.client.call('POST /secret-keys/export');
  if (file === undefined || file === '-') {
    await context.output.write(text);
    return;
  }
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw usageError(`Cannot write "${file}": it is there already; name a new file`);
    }
    throw fileError(`write "${file}"`, error);
  }
  context.output.note(`The key is in ${file}; keep it outside this machine, and not in the store`);
}

async function importKey(context: Context, args: ParsedArguments): Promise<void> {
  const from = args.positionals[0] ?? '-';
  if (from === '-' && context.stdin.isTTY) {
    throw usageError('Name the file of the key, as in pfs secret import-key pfs-secret.key');
  }
  const body: SecretKeys = { text: (await read(context, from)).toString('utf8') };
  const { ids, secrets } = await context.client.call('POST /secret-keys/import', { body });
  const opened = secrets.length === 0 ? 'no secret needs it yet' : `opens ${secrets.join(', ')}`;
  context.output.note(`Key ${ids.join(', ')} is here now: ${opened}`);
}
