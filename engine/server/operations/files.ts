// The operations of files.

import { Type } from '@sinclair/typebox';
import { ARCHIVE_FORMATS, BYTES_TYPE, FRAMES_TYPE } from '../wire.ts';
import { Commit } from '../wire-commits.ts';
import { CopyFile, File, FileChange, FilePage } from '../wire-files.ts';
import { oneOf, page } from '../wire-schema.ts';
import { FoundCommit } from '../wire-versions.ts';
import { flag, operations, PAGED, query, text } from './operation.ts';

const COUNT = { minimum: 1 };
const path = text('A path in the commit; the top where it is left out.');
const description = text('Of the commit.');

export const FILE_OPERATIONS = operations({
  'POST /repos/{project}/{repo}/files/{ref}': {
    id: 'putFiles',
    tag: 'files',
    summary: 'Puts files into a branch: into its open commit, or else as a commit of their own.',
    description:
      'Sent as file frames, or one file as it is with its `path`; either may be gzipped (`Content-Encoding: gzip`). They are read no faster than they are stored, and nothing of a request that breaks off is kept.',
    query: query({
      path: text('Of a file that is sent as it is.'),
      own: flag('As a commit of their own, all or nothing, even where one is open.'),
      append: flag('Adds to the ends of files instead of replacing them.'),
      untar: flag('Of each file, which is a tar, takes what it holds.'),
      symlinks: Type.Optional(
        oneOf(['follow', 'keep', 'refuse'], {
          description:
            'What becomes of symbolic links in tars and frames; `follow` where it is left out.',
        }),
      ),
      split: Type.Optional(
        oneOf(['line', 'json', 'csv'], {
          description: 'Stores each file as pieces of whole records: `{path}/%016x`.',
        }),
      ),
      datums: Type.Optional(Type.Integer({ ...COUNT, description: 'Records in a piece.' })),
      bytes: Type.Optional(Type.Integer({ ...COUNT, description: 'Bytes at which a piece ends.' })),
      'header-records': Type.Optional(
        Type.Integer({ minimum: 0, description: 'Records at the beginning that each piece gets.' }),
      ),
      description,
    }),
    streams: [FRAMES_TYPE, BYTES_TYPE],
    answer: Commit,
    example: { query: { path: '/notes.txt' }, body: 'Two cats, one of them black.\n' },
  },
  'POST /repos/{project}/{repo}/files/{ref}/delete': {
    id: 'deleteFiles',
    tag: 'files',
    summary: 'Deletes files, directories and what globs match.',
    query: query({ description }),
    body: Type.Object({ paths: Type.Array(Type.String(), { description: 'Paths and globs.' }) }),
    answer: Commit,
    example: { body: { paths: ['/b.csv'] } },
  },
  'POST /repos/{project}/{repo}/files/{ref}/copy': {
    id: 'copyFile',
    tag: 'files',
    summary: 'Copies a file or directory from anywhere, without moving its data.',
    query: query({ description }),
    body: CopyFile,
    answer: Commit,
    example: {
      body: {
        source: { repo: { project: 'default', name: 'images' }, ref: 'master', path: '/a.csv' },
        path: '/copies/a.csv',
      },
    },
  },
  'GET /repos/{project}/{repo}/files/{ref}/list': {
    id: 'listFiles',
    tag: 'files',
    summary: 'Lists what is in a directory.',
    query: query({
      path,
      recursive: flag('All that is below it, too.'),
      offset: Type.Optional(
        Type.Integer({ minimum: 0, description: 'Begins at this place of the directory.' }),
      ),
      from: text('Begins at the first name that is not before this one.'),
      ...PAGED,
    }),
    answer: FilePage,
    example: { query: { path: '/', limit: 10 } },
  },
  'GET /repos/{project}/{repo}/files/{ref}/inspect': {
    id: 'getFile',
    tag: 'files',
    summary: 'Tells of a file or directory.',
    query: query({ path }),
    answer: File,
    example: { query: { path: '/a.csv' } },
  },
  'GET /repos/{project}/{repo}/files/{ref}/glob': {
    id: 'globFiles',
    tag: 'files',
    summary: 'Lists what a glob matches.',
    query: query({ pattern: Type.String({ description: 'The glob.' }), ...PAGED }),
    answer: page(File),
    example: { query: { pattern: '/*.csv' } },
  },
  'GET /repos/{project}/{repo}/files/{ref}/diff': {
    id: 'diffFiles',
    tag: 'files',
    summary: 'Lists what differs between two commits, or a commit and the one before.',
    query: query({
      path,
      old: text(
        'What it is compared with: `project/repo@ref:path`; the commit before where it is left out.',
      ),
      shallow: flag('A directory that differs is one change.'),
      ...PAGED,
    }),
    answer: page(FileChange),
    example: { query: { path: '/' } },
  },
  'GET /repos/{project}/{repo}/files/{ref}/content': {
    id: 'readFile',
    tag: 'files',
    summary: 'Sends a file, or what a glob matches one after the other.',
    query: query({
      path,
      link: flag('Of a symbolic link, sends where it leads; otherwise one is refused.'),
      inline: flag('Lets a browser show it, whatever it is.'),
      download: flag('Lets a browser save it, whatever it is.'),
    }),
    description: 'Its type is by its name. `HEAD` tells the same without the bytes.',
    bytes: '*/*',
    hasRanges: true,
    example: { query: { path: '/a.csv' }, headers: { range: 'bytes=0-3' } },
  },
  'GET /repos/{project}/{repo}/files/{ref}': {
    id: 'readArchive',
    tag: 'files',
    summary: 'Sends a file, a directory, or what a glob matches, as one archive.',
    query: query({
      path,
      format: oneOf(ARCHIVE_FORMATS, { description: 'The kind of archive.' }),
    }),
    bytes: ['application/x-tar', 'application/gzip', 'application/zip'],
    example: { query: { path: '/', format: 'tar.gz' } },
  },
  'GET /repos/{project}/{repo}/files/{ref}/frames': {
    id: 'readFrames',
    tag: 'files',
    summary: 'Sends a file, a directory, or what a glob matches, as frames.',
    description: 'Paths are relative to the parent of what was named.',
    query: query({ path }),
    bytes: FRAMES_TYPE,
    example: { query: { path: '/' } },
  },
  'GET /repos/{project}/{repo}/files/{ref}/commits': {
    id: 'findCommits',
    tag: 'files',
    summary: 'Sends the commits that changed a path, newest first.',
    query: query({ path, limit: PAGED.limit }),
    lines: FoundCommit,
    example: { query: { path: '/a.csv', limit: 3 } },
  },
});
