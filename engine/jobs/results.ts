// The datum results of a pipeline as a Git tree: `<first two digits of the hash>/<hash>/meta.json` and beside it
// `out`, the tree that the datum wrote. The tree grows by what ran; only the directories that change are written anew.

import { EngineError } from '../base/errors.ts';
import { compareEntries, type TreeEntry } from '../git/tree.ts';
import type { ContentReader, ContentWriter } from './contents.ts';
import { type DatumResult, decodeResult, encodeResult } from './datum-result.ts';

const RECORD_NAME = 'meta.json';
const OUTPUT_NAME = 'out';
const SHARD_DIGITS = 2;
const HASH_PATTERN = /^[0-9a-f]{8,}$/;

/** Returns where the result of a datum hash stands in the tree: `ab/abcdef…`. */
export function resultPath(hash: string): string {
  if (!HASH_PATTERN.test(hash)) {
    throw new EngineError('internal', `Cannot name the result of datum "${hash}": it is no hash`);
  }
  return `${hash.slice(0, SHARD_DIGITS)}/${hash}`;
}

/** Finds the result of a datum hash; undefined where the tree (null: the empty one) has none. */
export async function findResult(
  reader: ContentReader,
  options: { tree: string | null; hash: string },
): Promise<DatumResult | undefined> {
  const [shardName = '', name = ''] = resultPath(options.hash).split('/');
  const root = options.tree === null ? [] : await reader.readTree(options.tree);
  const shard = root.find((entry) => entry.name === shardName);
  if (!shard) {
    return undefined;
  }
  const entry = findEntry(await reader.readTree(shard.id), name);
  return entry && readResult(reader, entry.id);
}

/**
 * Yields the stored results in the order of their hashes, those after `after` where it is given. One directory of
 * the tree is in memory at a time.
 */
export async function* iterateResults(
  reader: ContentReader,
  options: { tree: string | null; after?: string },
): AsyncGenerator<DatumResult> {
  const { tree, after = '' } = options;
  for (const shard of tree === null ? [] : await reader.readTree(tree)) {
    if (shard.name < after.slice(0, SHARD_DIGITS)) {
      continue;
    }
    for (const entry of await reader.readTree(shard.id)) {
      if (entry.name > after) {
        yield await readResult(reader, entry.id);
      }
    }
  }
}

/** Reads the result whose own directory is `tree`. */
export async function readResult(reader: ContentReader, tree: string): Promise<DatumResult> {
  const entries = await reader.readTree(tree);
  const record = entries.find((entry) => entry.name === RECORD_NAME);
  if (!record) {
    throw new EngineError(
      'corrupt',
      `Cannot read datum result "${tree}": it has no ${RECORD_NAME}`,
    );
  }
  const output = entries.find((entry) => entry.name === OUTPUT_NAME)?.id ?? null;
  const content = await reader.readFile(record.id);
  return decodeResult(await bytesOf(content), output);
}

/** Writes the directory of one result and returns its tree id. */
export async function writeResult(writer: ContentWriter, result: DatumResult): Promise<string> {
  const entries: TreeEntry[] = [
    { name: RECORD_NAME, mode: '100644', id: (await writer.writeFile(encodeResult(result))).id },
  ];
  if (result.output !== null) {
    entries.push({ name: OUTPUT_NAME, mode: '40000', id: result.output });
  }
  return writer.writeTree(entries);
}

/**
 * Puts results into a tree of results (null: the empty one), each replacing what its hash had, and returns the new
 * tree. Reads and writes only the directories that `delta` touches.
 */
export async function mergeResults(
  writer: ContentWriter,
  base: string | null,
  delta: Iterable<DatumResult>,
): Promise<string | null> {
  const added = new Map<string, TreeEntry[]>();
  for (const result of delta) {
    const [shard = '', name = ''] = resultPath(result.hash).split('/');
    const entry: TreeEntry = { name, mode: '40000', id: await writeResult(writer, result) };
    const entries = added.get(shard);
    if (entries) {
      entries.push(entry);
    } else {
      added.set(shard, [entry]);
    }
  }
  return mergeShards(writer, { base, added });
}

/** Puts all results of the tree `from` into the tree `base`, without reading a record; returns the new tree. */
export async function mergeResultTrees(
  writer: ContentWriter,
  trees: { base: string | null; from: string | null },
): Promise<string | null> {
  const { base, from } = trees;
  if (base === null || from === null || base === from) {
    return base ?? from;
  }
  const have = new Map((await writer.readTree(base)).map((shard) => [shard.name, shard.id]));
  const added = new Map<string, readonly TreeEntry[]>();
  for (const shard of await writer.readTree(from)) {
    if (have.get(shard.name) !== shard.id) {
      added.set(shard.name, await writer.readTree(shard.id));
    }
  }
  return mergeShards(writer, { base, added });
}

/**
 * Returns a tree of results without those whose hashes are not wanted; null where none is left, and the tree itself where all
 * are.
 */
export async function keepResults(
  writer: ContentWriter,
  tree: string,
  isWanted: (hash: string) => boolean,
): Promise<string | null> {
  const root: TreeEntry[] = [];
  let isSame = true;
  for (const shard of await writer.readTree(tree)) {
    const entries = await writer.readTree(shard.id);
    const wanted = entries.filter(({ name }) => isWanted(name));
    if (wanted.length === entries.length) {
      root.push(shard);
    } else {
      isSame = false;
      if (wanted.length > 0) {
        root.push({ ...shard, id: await writer.writeTree(wanted) });
      }
    }
  }
  return isSame ? tree : root.length === 0 ? null : await writer.writeTree(root);
}

async function mergeShards(
  writer: ContentWriter,
  change: { base: string | null; added: ReadonlyMap<string, readonly TreeEntry[]> },
): Promise<string | null> {
  const { base, added } = change;
  if (added.size === 0) {
    return base;
  }
  const root = new Map<string, TreeEntry>();
  for (const shard of base === null ? [] : await writer.readTree(base)) {
    root.set(shard.name, shard);
  }
  for (const [name, entries] of added) {
    const old = root.get(name);
    const merged = new Map<string, TreeEntry>();
    for (const entry of old ? await writer.readTree(old.id) : []) {
      merged.set(entry.name, entry);
    }
    for (const entry of entries) {
      merged.set(entry.name, entry);
    }
    const sorted = [...merged.values()].sort(compareEntries);
    root.set(name, { name, mode: '40000', id: await writer.writeTree(sorted) });
  }
  return writer.writeTree([...root.values()].sort(compareEntries));
}

/** Finds a directory by name among entries in Git's order; hashes of one length sort as their text does. */
function findEntry(entries: readonly TreeEntry[], name: string): TreeEntry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.name ?? '') < name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const found = entries[low];
  return found?.name === name ? found : undefined;
}

async function bytesOf(
  content: Awaited<ReturnType<ContentReader['readFile']>>,
): Promise<Uint8Array> {
  if (content.kind === 'small') {
    return content.bytes;
  }
  const parts: Uint8Array[] = [];
  for await (const part of content.read()) {
    parts.push(part);
  }
  return Buffer.concat(parts);
}
