// Commands on files.

import type { CopyFile, File } from '../../engine/server/wire.ts';
import { CliError, failure } from '../cli-error.ts';
import type { Command, Option } from '../command.ts';
import { commitParams } from '../commit-actions.ts';
import type { Context } from '../context.ts';
import { formatSize } from '../format.ts';
import { type CommitRef, parseCommitWords, splitPairs, wantPath } from '../refs.ts';
import { UPLOAD_OPTIONS } from '../upload-options.ts';

const FILE = '<repo@ref:/path> | <repo> <ref> <path>';
const DIRECTORY = '<repo@ref[:/path]> | <repo> <ref> [path]';
const FILE_COLUMNS = {
  heading: ['SIZE', 'NAME'],
  row: (file: File): readonly string[] => [formatSize(file.size), file.path],
};
/** Transfers choose by themselves how much goes on at once. */
const parallelism: Option = {
  type: 'number',
  short: 'p',
  value: 'count',
  hidden: true,
  description: 'has no effect',
};

export const commands: readonly Command[] = [
  {
    names: ['put file'],
    summary: 'Put files, directories, URLs, objects of S3 or standard input into a branch',
    details:
      'Replaces files that are there. Without a path a file keeps its base name, and a directory (-r) its name; a path ending in / is a directory; the path / puts what a directory holds at the top.',
    usage: '<repo@branch[:/path]> | <repo> <branch> [path]',
    completes: 'repo',
    arguments: [1, 3],
    options: {
      file: {
        type: 'strings',
        short: 'f',
        value: 'source',
        completes: 'file',
        description: 'a file, a directory, a URL, s3://bucket/key, or -; can be repeated',
      },
      'input-file': {
        type: 'strings',
        short: 'i',
        value: 'list',
        completes: 'file',
        description: 'a file or URL that lists sources, one a line',
      },
      recursive: { type: 'boolean', short: 'r', description: 'put what directories hold' },
      commit: {
        type: 'boolean',
        short: 'c',
        description: 'into a commit of its own, all or nothing',
      },
      append: { type: 'boolean', short: 'a', description: 'add to the ends of files' },
      message: {
        type: 'string',
        short: 'm',
        value: 'text',
        description: 'what the commit is about',
      },
      'full-path': {
        type: 'boolean',
        description: 'keep the whole path of each source as its name',
      },
      overwrite: { type: 'boolean', short: 'o', description: 'has no effect: putting overwrites' },
      parallelism,
      progress: { type: 'boolean', hidden: true, description: 'has no effect' },
      ...UPLOAD_OPTIONS,
    },
    examples: [
      [
        'put-file training master -c -f data/iris.csv',
        'puts it at /iris.csv, in a commit of its own',
      ],
      ['put file training@master:/raw/ -f a.csv -f b.csv', 'puts both into the directory /raw'],
      ['put file images@master -r -f photos', 'puts the directory, as /photos/…'],
      ['put file images@master:/ -r -f photos', 'puts what it holds at the top'],
      ['put file training@master:/log.txt -a -f - < new.log', 'adds standard input to a file'],
      [
        'put file x@master:/rows --split csv --header-records 1 -f x.csv',
        'puts a file for every row into /rows, each with the header; with -a they are added',
      ],
      ['put file images@master:/ -r -f s3://my-bucket/photos', 'puts the objects below that'],
      ['put file images@master:/ --untar -f photos.tar.gz', 'puts the files of an archive'],
    ],
    run: async (context, args) => {
      const { putFile } = await import('../file-upload.ts');
      await putFile(context, args);
    },
  },
  {
    names: ['get file'],
    summary: 'Get a file, or with -r a directory or what a glob matches',
    details:
      'A file goes to standard output unless -o names a file. With -r, -o names the folder to write into; nothing is moved into it before all has arrived.',
    usage: DIRECTORY,
    completes: 'repo',
    arguments: [1, 3],
    options: {
      output: {
        type: 'string',
        short: 'o',
        value: 'path',
        completes: 'file',
        description: 'where to write; s3://bucket/prefix puts objects into a bucket',
      },
      recursive: {
        type: 'boolean',
        short: 'r',
        description: 'get a directory, or each match of a glob',
      },
      archive: {
        type: 'string',
        value: 'tar|tar.gz|zip',
        description: 'get a directory, or what a glob matches, as one archive',
      },
      parallelism,
      progress: { type: 'boolean', hidden: true, description: 'has no effect' },
      offset: { type: 'number', value: 'bytes', description: 'begin so far into the file' },
      retry: {
        type: 'boolean',
        description: 'with -o: keep what has arrived when it breaks off, and go on from there',
      },
    },
    examples: [
      ['get file model@master:/model.pkl -o model.pkl', 'writes it to model.pkl'],
      ['get-file training master /iris.csv | head', 'prints it'],
      ['get file images@master:/ -r -o out', 'gets everything into out/'],
      ['get file images@master:/ --archive zip -o images.zip', 'makes one archive of everything'],
      ["get file 'images@master:/*.png' -r", 'gets the matches into the current folder'],
      ['get file model@master:/ -r -o s3://my-bucket/models', 'puts objects into a bucket'],
      ['get file model@master:/model.pkl --retry -o model.pkl', 'goes on where it broke off'],
      ['get file logs@master:/app.log --offset 1000000', 'prints what comes after a megabyte'],
    ],
    run: async (context, args) => {
      const { getFile } = await import('../file-download.ts');
      await getFile(context, args);
    },
  },
  {
    names: ['inspect file'],
    summary: 'Show one file or directory',
    usage: FILE,
    completes: 'repo',
    arguments: [1, 3],
    options: {},
    examples: [['inspect file model@master:/model.pkl', 'shows its type, size and Git id']],
    run: async (context, args) => {
      const ref = parseCommitWords(args.positionals, { project: context.project, path: true });
      const file = await context.client.call('GET /repos/{project}/{repo}/files/{ref}/inspect', {
        params: commitParams(ref),
        query: { path: wantPath(ref) },
      });
      await context.output.fields(file, () => [
        ['Path', file.path],
        ['Type', typeText(file)],
        ['Size', formatSize(file.size)],
        ['Files', file.type === 'dir' ? String(file.files) : undefined],
        ['Git object', file.id],
      ]);
    },
  },
  {
    names: ['list file'],
    summary: 'List what a directory holds',
    usage: DIRECTORY,
    completes: 'repo',
    arguments: [1, 3],
    options: {
      recursive: {
        type: 'boolean',
        short: 'r',
        aliases: ['recurse'],
        description: 'also in directories below',
      },
    },
    examples: [
      ['list file model@master', 'lists the top of the newest commit'],
      ['list-file training master /raw -r', 'lists all files below /raw'],
    ],
    run: async (context, args) => {
      const ref = parseCommitWords(args.positionals, { project: context.project, path: true });
      const files = context.client.items('GET /repos/{project}/{repo}/files/{ref}/list', {
        params: commitParams(ref),
        query: { path: ref.path ?? '/', recursive: args.flag('recursive') },
      });
      await context.output.table(files, FILE_COLUMNS);
    },
  },
  {
    names: ['glob file'],
    summary: 'List the files and directories that a pattern matches',
    usage: '<repo@ref:pattern> | <repo> <ref> <pattern>',
    completes: 'repo',
    arguments: [1, 3],
    options: {},
    examples: [["glob file 'images@master:/**.png'", 'lists every PNG file']],
    run: async (context, args) => {
      const ref = parseCommitWords(args.positionals, { project: context.project, path: true });
      const files = context.client.items('GET /repos/{project}/{repo}/files/{ref}/glob', {
        params: commitParams(ref),
        query: { pattern: wantPath(ref) },
      });
      await context.output.table(files, FILE_COLUMNS);
    },
  },
  {
    names: ['delete file'],
    summary: 'Delete files or directories',
    usage: '<repo@branch:/path> | <repo> <branch> <path>…',
    completes: 'repo',
    arguments: [1, Infinity],
    options: {
      recursive: {
        type: 'boolean',
        short: 'r',
        description: 'has no effect: a directory goes with what it holds',
      },
      force: { type: 'boolean', short: 'f', description: 'also where nothing is there' },
    },
    examples: [
      ['delete file training@master:/old.csv', 'deletes it in a new commit, or in the open one'],
      ['delete-file training master /a /b', 'deletes both'],
    ],
    run: async (context, args) => {
      // In the combined form the path is in the first word; further words are further paths in either form.
      const words = args.positionals.slice(0, args.positionals[0]?.includes('@') ? 1 : 3);
      const more = args.positionals.slice(words.length);
      const ref = parseCommitWords(words, { project: context.project, path: true });
      const paths = [...(ref.path === undefined ? [] : [ref.path]), ...more];
      if (paths.length === 0) {
        wantPath(ref);
      }
      for (const each of args.flag('force') ? [] : paths) {
        await checkThere(context, ref, each);
      }
      const commit = await context.client.call('POST /repos/{project}/{repo}/files/{ref}/delete', {
        params: commitParams(ref),
        body: { paths },
      });
      if (context.output.raw) {
        await context.output.json(commit);
      }
    },
  },
  {
    names: ['copy file'],
    summary: 'Copy a file or directory, within a repo or between repos, without moving bytes',
    usage: '<repo@ref:/path> <repo@branch:/path>',
    completes: 'repo',
    arguments: [2, 6],
    options: {
      append: { type: 'boolean', short: 'a', description: 'add to the end of a file' },
      overwrite: { type: 'boolean', short: 'o', description: 'has no effect: copying overwrites' },
    },
    examples: [['copy file training@master:/iris.csv backup@master:/2026/iris.csv', 'copies it']],
    run: async (context, args) => {
      const [source, target] = splitPairs(args.positionals, context.project);
      const body: CopyFile = {
        source: { repo: source.repo, ref: source.ref, path: wantPath(source) },
        path: target.path ?? wantPath(source),
        ...(args.flag('append') ? { append: true } : {}),
      };
      const commit = await context.client.call('POST /repos/{project}/{repo}/files/{ref}/copy', {
        params: commitParams(target),
        body,
      });
      if (context.output.raw) {
        await context.output.json(commit);
      }
    },
  },
  {
    names: ['diff file'],
    summary: 'Show what differs between two commits, directories or files',
    details:
      'With one argument it compares with the parent commit. Text is shown line by line, as git and patch understand it; of binary files, and those over 1 MiB, it says that they differ. In lists OP is + for added, - for removed, M for changed. It ends with code 0 whether or not something differs, with --exit-code with 1 where something does.',
    usage: '<repo@ref[:/path]> [<old repo@ref[:/path]>]',
    completes: 'repo',
    arguments: [1, 6],
    options: {
      'name-only': { type: 'boolean', description: 'print the paths alone' },
      stat: { type: 'boolean', description: 'list the files that differ, with their sizes' },
      shallow: {
        type: 'boolean',
        short: 's',
        description: 'list what differs in the directory itself; one below it is one line',
      },
      'exit-code': { type: 'boolean', description: 'end with code 1 where something differs' },
    },
    examples: [
      ['diff file training@master', 'shows what the newest commit changed'],
      [
        'diff file training@master:/raw training@master^2:/raw --stat',
        'compares a directory with an older one',
      ],
      ['diff-file training@master training@v1 --name-only', 'lists what changed since a tag'],
    ],
    run: async (context, args) => {
      const { diffFile } = await import('../file-diff.ts');
      await diffFile(context, args);
    },
  },
];

function typeText({ type, executable }: File): string {
  const texts = { dir: 'directory', link: 'symbolic link', file: 'file' };
  return executable ? 'executable file' : texts[type];
}

/** Throws where nothing is at a path: a typing error must not pass for a deletion, and start pipelines besides. */
async function checkThere(context: Context, ref: CommitRef, file: string): Promise<void> {
  try {
    await context.client.call('GET /repos/{project}/{repo}/files/{ref}/inspect', {
      params: commitParams(ref),
      query: { path: file },
    });
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_found') {
      const { isGlob } = await import('../glob.ts');
      const hint = isGlob(file)
        ? 'a pattern is not meant here; see what matches with pfs glob file'
        : 'nothing was deleted';
      throw failure('not_found', `${error.message}; ${hint}`, error);
    }
    throw error;
  }
}
