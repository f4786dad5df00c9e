// The schemas of files and of what differs between commits.

import { Type } from '@sinclair/typebox';
import { RepoName } from './wire-repos.ts';
import { named, nullable, oneOf, page, type Wire } from './wire-schema.ts';

export const File = named(
  'File',
  Type.Object({
    path: Type.String({ description: "With a leading slash; a directory's ends in one." }),
    type: oneOf(['file', 'dir', 'link']),
    size: Type.Integer(),
    files: Type.Integer({ description: 'Files below a directory; 1 for a file.' }),
    executable: Type.Boolean(),
    id: Type.String({ description: 'Git object id.' }),
  }),
);
export type File = Wire<typeof File>;

export const FilePage = named(
  'FilePage',
  Type.Object(
    {
      ...page(File).properties,
      offset: Type.Optional(
        Type.Integer({ description: 'The place of the first item among all of the directory.' }),
      ),
      total: Type.Optional(Type.Integer({ description: 'How many those are.' })),
    },
    { description: 'A page of what is directly in a directory, or of all that is below it.' },
  ),
);
export type FilePage = Wire<typeof FilePage>;

export const CopyFile = named(
  'CopyFile',
  Type.Object({
    source: Type.Object({ repo: RepoName, ref: Type.String(), path: Type.String() }),
    path: Type.String(),
    append: Type.Optional(Type.Boolean()),
  }),
);
export type CopyFile = Wire<typeof CopyFile>;

export const FileChange = named(
  'FileChange',
  Type.Object({
    kind: oneOf(['added', 'removed', 'changed']),
    path: Type.String(),
    old: nullable(File),
    new: nullable(File),
  }),
);
export type FileChange = Wire<typeof FileChange>;
