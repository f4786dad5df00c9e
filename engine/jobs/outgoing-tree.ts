// An output tree as egress sends it, compared with the trees that were sent before.

import type { Outgoing, OutgoingFile } from '../egress/outgoing.ts';
import type { EgressRecord } from '../journal/egress-records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { diffTrees } from '../pfs/diff.ts';
import { type FileEntry, findFile, isLink, walkFiles, withStat } from '../pfs/files.ts';

/** Returns the files of a tree (null: none), and what of earlier ones is not among them. */
export function outgoingTree(
  context: PfsContext,
  tree: string | null,
  earlier: Pick<EgressRecord, 'trees' | 'isComplete'> | undefined,
): Outgoing {
  const { objects } = context;
  const before = earlier?.isComplete ? earlier.trees[0] : undefined;
  return {
    async *files() {
      if (tree === null) {
        return;
      }
      for await (const entry of walkFiles(objects, { path: '', mode: '40000', id: tree })) {
        if (!isLink(entry)) {
          yield await outgoingFile(context, entry, before);
        }
      }
    },
    async *gone() {
      for (const old of earlier?.trees ?? []) {
        for await (const difference of diffTrees(objects, { old, new: tree })) {
          if (difference.old && !difference.new) {
            yield difference.old.path;
          }
        }
      }
    },
    read: (file) => context.readFile(file.id),
  };
}

async function outgoingFile(
  context: PfsContext,
  entry: FileEntry,
  before: string | null | undefined,
): Promise<OutgoingFile> {
  const { path, id, mode } = entry;
  const { size } = await withStat(context.objects, entry);
  const known = before ? await findFile(context.objects, before, path) : undefined;
  const isKnown = known?.id === id && known.mode === mode;
  return { path, id, size, executable: mode === '100755', isKnown };
}
