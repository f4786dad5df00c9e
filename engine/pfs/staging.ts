// Staging the files of an upload: their contents go into a write session, their places become edits of a commit.

import { isUtf8 } from 'node:buffer';
import { EngineError } from '../base/errors.ts';
import { MAX_BLOB_BYTES } from '../base/limits.ts';
import { checkPath } from '../git/names.ts';
import { linkProblem } from '../git/special-files.ts';
import type { Edit } from '../journal/records.ts';
import { isOwnAttributes } from './attributes.ts';
import { normalizePath } from './names.ts';
import { Overlay, type OverlayFile } from './overlay.ts';
import { SmallFiles } from './small-files.ts';
import { checkSplit, type SplitOptions, splitFiles } from './split.ts';
import { untarFiles } from './untar.ts';
import type { FilePart } from './upload.ts';
import type { FileWriter, StoredFile, WriteSession } from './write-session.ts';

/** What becomes of symbolic links: the content they lead to, links, or a refusal of the upload. */
export type SymlinkRule = 'follow' | 'keep' | 'refuse';

/** How the files of an upload are stored. */
export interface StagingOptions {
  /** Adds to the ends of files; with `split`, pieces follow those that are there. */
  readonly append: boolean;
  /** Stores each file as a directory of numbered pieces. */
  readonly split?: SplitOptions;
  /** Takes each file for a tar, and stores what it holds in the directory that the file's path names. */
  readonly untar?: boolean;
  /** `follow` unless told. */
  readonly symlinks?: SymlinkRule;
}

/** The longest target of a symbolic link that systems take, in bytes. */

/** Stores the files of an upload in `session`, and returns the edits that put them in their places. */
export async function stageFiles(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
  options: StagingOptions,
): Promise<Edit[]> {
  const { append, split, untar = false, symlinks = 'follow' } = options;
  if (untar && split) {
    throw new EngineError('invalid', 'Cannot both unpack and split: do one after the other');
  }
  if (split) {
    return await stagePieces(session, parts, { split: checkSplit(split), append });
  }
  const files = untar ? untarFiles(parts) : parts;
  return append ? await stageAppends(session, files) : await stageOverlay(session, files, symlinks);
}

async function stageOverlay(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
  symlinks: SymlinkRule,
): Promise<Edit[]> {
  const overlay = new Overlay();
  // Targets may come after the links that lead to them.
  const links: { readonly path: string; readonly target: string; readonly isHard: boolean }[] = [];
  for await (const batch of storedFiles(session, parts)) {
    for (const { path, executable, stored, link } of batch) {
      if (stored) {
        overlay.add(path, { ...stored, mode: executable ? '100755' : '100644' });
      } else if (link.isHard || symlinks === 'follow') {
        links.push({ path, ...link });
      } else if (symlinks === 'keep') {
        overlay.add(path, await storeLink(session, path, link.target));
      } else {
        throw new EngineError(
          'invalid',
          `Cannot store "/${path}": it is a symbolic link to "${link.target}"; follow or keep links, or leave it out`,
        );
      }
    }
  }
  overlay.copyLinks(links);
  const tree = await overlay.write(session);
  return tree === null ? [] : [{ kind: 'overlay', tree }];
}

async function storeLink(
  session: WriteSession,
  path: string,
  target: string,
): Promise<OverlayFile> {
  const bytes = Buffer.from(target);
  const problem = linkProblem(bytes);
  if (problem !== undefined) {
    throw new EngineError(
      'invalid',
      `Cannot keep the symbolic link "/${path}": its target ${JSON.stringify(target.slice(0, 100))} ${problem}`,
    );
  }
  return { mode: '120000', id: await session.blob(bytes), isLarge: false };
}

async function stageAppends(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
): Promise<Edit[]> {
  const edits: Edit[] = [];
  for await (const batch of storedFiles(session, parts)) {
    for (const { path, executable, stored } of batch) {
      if (stored === undefined) {
        throw new EngineError('invalid', `Cannot append "/${path}": it is a link`);
      }
      const entry = { mode: executable ? '100755' : '100644', id: stored.id };
      edits.push({ kind: 'append', path, entry });
    }
  }
  return edits;
}

/** Each file is a directory of its own, so that its pieces can be numbered when it is known which ones are there. */
async function stagePieces(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
  options: { readonly split: SplitOptions; readonly append: boolean },
): Promise<Edit[]> {
  const directories = new Map<string, Overlay>();
  const onFile = (path: string) => {
    checkPath(path);
    directories.set(path, directories.get(path) ?? new Overlay());
  };
  const pieces = splitFiles(parts, { ...options.split, onFile });
  for await (const batch of storedFiles(session, pieces)) {
    for (const { path, executable, stored } of batch) {
      const slash = path.lastIndexOf('/');
      const mode = executable ? '100755' : '100644';
      if (stored) {
        directories.get(path.slice(0, slash))?.add(path.slice(slash + 1), { ...stored, mode });
      }
    }
  }
  const edits: Edit[] = [];
  for (const [path, directory] of directories) {
    const tree = await directory.write(session);
    edits.push(...(options.append ? [] : [{ kind: 'delete' as const, path }]));
    edits.push(...(tree === null ? [] : [{ kind: 'extend' as const, path, tree }]));
  }
  return edits;
}

/** A file that was stored, or where a link leads. */
type NamedFile = { readonly path: string; readonly executable: boolean } & (
  | { readonly stored: StoredFile; readonly link?: undefined }
  | { readonly stored?: undefined; readonly link: { target: string; isHard: boolean } }
);

async function* storedFiles(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
): AsyncGenerator<readonly NamedFile[]> {
  const small = new SmallFiles(session);
  let open: { readonly path: string; readonly file: FileWriter } | undefined;
  try {
    for await (const batch of parts) {
      for (const part of batch) {
        const path = normalizePath(part.path);
        if (part.first === (open !== undefined) || (open && open.path !== path)) {
          throw incomplete(open?.path ?? path);
        }
        if (part.first) {
          checkPath(path);
        }
        const { executable, data } = part;
        if (part.first && part.last && !part.link && data.length <= MAX_BLOB_BYTES) {
          // What a clone brought back is left out: it is made anew wherever it is needed.
          if (!isOwnAttributes(path.slice(path.lastIndexOf('/') + 1), data)) {
            small.add({ path, executable }, data);
          }
          continue;
        }
        // Of two files at one path the later one stays: they come out in the order in which they came in.
        yield await small.rest();
        if (part.link) {
          yield [{ path, executable: false, link: linkOf(part) }];
          continue;
        }
        open ??= { path, file: session.newFile() };
        await open.file.write(data);
        if (part.last) {
          const stored = await open.file.finish();
          open = undefined;
          yield [{ path, executable, stored }];
        }
      }
      if (small.isAhead) {
        yield await small.next();
      }
    }
    yield await small.rest();
  } finally {
    small.discard();
  }
  if (open) {
    throw incomplete(open.path);
  }
}

function incomplete(path: string): EngineError {
  return new EngineError(
    'invalid',
    `Cannot store "/${path}": not all of it arrived; nothing was stored, send it again`,
  );
}

function linkOf({ path, link, data }: FilePart): { target: string; isHard: boolean } {
  if (!isUtf8(data)) {
    throw new EngineError('invalid', `Cannot store the link "${path}": its target is not UTF-8`);
  }
  return { target: data.toString(), isHard: link === 'hard' };
}
