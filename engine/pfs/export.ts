// A repo as a bare Git repository with its LFS objects: what stock Git clones. It holds what the branches reach
// and nothing else, whatever other repos share their packs; where commits were let go history is shallow.

import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { parsePointer } from '../content/pointer.ts';
import type { RepoKey } from '../journal/records.ts';
import type { PfsContext } from './context.ts';
import { ExportPack } from './export-pack.ts';
import { gitRefs, isThereOf } from './git-refs.ts';
import { type Cut, reachableObjects } from './reachable.ts';

/** A file of the export: its bytes at hand, or a stream of exactly `size` bytes. */
export interface OutgoingFile {
  readonly path: string;
  readonly executable: boolean;
  readonly size: number;
  readonly data: Buffer | AsyncIterable<Uint8Array>;
}

/** Objects that are looked up together: bounds what is held. */
const BATCH_OBJECTS = 10_000;
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n';

/**
 * Yields the files of a bare Git repository with a branch for each branch that has a good commit, and the tags. The receiver
 * makes the empty folders `objects` and `refs`. Large files stand where git-lfs looks for them when the folder is cloned.
 */
export async function* exportRepo(
  context: PfsContext,
  repo: RepoKey,
): AsyncGenerator<OutgoingFile> {
  const { branches: heads, tags, main } = await gitRefs(context, repo);
  yield textFile('HEAD', `ref: refs/heads/${main}\n`);
  yield textFile('config', CONFIG);
  if (heads.size + tags.size > 0) {
    const refs = [
      ...Array.from(heads, ([branch, git]) => `${git} refs/heads/${branch}\n`),
      ...Array.from(tags, ([tag, git]) => `${git} refs/tags/${tag}\n`),
    ];
    yield textFile(
      'packed-refs',
      `# pack-refs with: peeled fully-peeled sorted \n${refs.join('')}`,
    );
  }
  const large = new Map<string, { readonly blob: string; readonly size: number }>();
  const shallow: string[] = [];
  const isThere = await isThereOf(context, repo);
  yield* exportPacks(context, {
    heads: [...heads.values(), ...tags.values()],
    cut: isThere && { isThere, onCut: (commit) => void shallow.push(commit) },
    onBlob: (blob, content) => {
      const pointer = content.length < MAX_POINTER_BYTES ? parsePointer(content) : undefined;
      if (pointer) {
        large.set(pointer.sha256, { blob, size: pointer.size });
      }
    },
  });
  if (shallow.length > 0) {
    yield textFile('shallow', `${shallow.sort().join('\n')}\n`);
  }
  for (const [sha256, { blob, size }] of large) {
    const path = `lfs/objects/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
    yield { path, executable: false, size, data: context.readFile(blob) };
  }
}

async function* exportPacks(
  context: PfsContext,
  options: {
    readonly heads: Iterable<string>;
    readonly cut: Cut | undefined;
    readonly onBlob: (id: string, content: Buffer) => void;
  },
): AsyncGenerator<OutgoingFile> {
  const { heads, cut, onBlob } = options;
  const found = await reachableObjects(context.objects, heads, { cut });
  let pack = new ExportPack();
  for (const ids of found.batches(BATCH_OBJECTS)) {
    for await (const stored of context.packs.readMany(ids)) {
      // A damaged object must not leave the house as if it were whole.
      const object = await context.objects.resolve(stored);
      if (object.kind === 'blob') {
        onBlob(object.id, object.content);
      }
      if (!pack.fits(stored, object.content.length)) {
        yield* packFiles(pack);
        pack = new ExportPack();
      }
      pack.add(stored, object);
    }
  }
  if (!pack.isEmpty) {
    yield* packFiles(pack);
  }
}

function* packFiles(from: ExportPack): Generator<OutgoingFile> {
  const { name, pack, idx } = from.finish();
  const file = (path: string, bytes: Buffer): OutgoingFile => ({
    path: `objects/pack/pack-${name}.${path}`,
    executable: false,
    size: bytes.length,
    data: inOnePiece(bytes),
  });
  // Git looks for the index first: the pack it names must be there by then.
  yield file('pack', pack);
  yield file('idx', idx);
}

async function* inOnePiece(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function textFile(path: string, text: string): OutgoingFile {
  const data = Buffer.from(text);
  return { path, executable: false, size: data.length, data };
}
