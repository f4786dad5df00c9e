// What makes a datum the same datum: its id says which files it is made of, its hash also what is in them. Both are
// formats: results are stored and found under them for ever, so the bytes below never change.

import { hash } from 'node:crypto';

/** One file or directory of a datum, as one input found it. */
export interface DatumInput {
  /** Name of the input: the directory below `/pfs`. */
  readonly name: string;
  readonly project: string;
  readonly repo: string;
  readonly branch: string;
  /** In the repo, with a leading slash; `/` is the whole repo. */
  readonly path: string;
  /** Git object of the content, 40 hex digits: a blob, or a tree for a directory. */
  readonly id: string;
  /** Git mode: `100644`, `100755` or `40000`. */
  readonly mode: string;
  /** Bytes of content, everything below included. */
  readonly size: number;
  /** What the groups of the glob captured, in order. */
  readonly captures: readonly string[];
  /** The key by which a join paired it; absent outside joins. */
  readonly joinOn?: string;
  /** The key by which a group gathered it; absent outside groups. */
  readonly groupBy?: string;
  /** It stays in a join without a partner. */
  readonly outerJoin?: boolean;
  /** Files appear with their names and no content. */
  readonly emptyFiles: boolean;
  /** Files are pipes that are filled when they are opened. */
  readonly lazy?: boolean;
  /** It is a bucket and not below `/pfs`. */
  readonly s3?: boolean;
  /** The content takes no part in the hash. */
  readonly reference: boolean;
}

export interface Datum {
  /** SHA-256 in hex; stable while contents change. */
  readonly id: string;
  /** SHA-256 in hex; results are kept under it. */
  readonly hash: string;
  /** Sorted by name, then project, repo, branch and path. */
  readonly inputs: readonly DatumInput[];
}

/**
 * Makes a datum of files of any order: sorts them, drops what stands there twice, and computes id and hash with the
 * pipeline's salt.
 */
export function makeDatum(inputs: readonly DatumInput[], salt: string): Datum {
  const sorted = inputs.length > 1 ? withoutRepeats([...inputs].sort(compareInputs)) : inputs;
  const id = datumId(sorted);
  return { id, hash: datumHash(id, { inputs: sorted, salt }), inputs: sorted };
}

/**
 * Returns the id of a datum whose inputs are sorted: SHA-256 over, for each input in turn, the five fields name, project,
 * repo, branch and path, each as its length in bytes (32 bits, big-endian) and then its UTF-8.
 */
function datumId(inputs: readonly DatumInput[]): string {
  const fields: string[] = [];
  for (const { name, project, repo, branch, path } of inputs) {
    fields.push(name, project, repo, branch, path);
  }
  return digest(fields);
}

/**
 * The hash of a datum: SHA-256 over the 32 bytes of its id; then for each input in the order of the id the two fields
 * content id (40 hex digits) and mode (Git's digits, as in `100644`), both empty for an input by reference; then the
 * field salt. A field is its length in bytes (32 bits, big-endian) and then its UTF-8.
 */
function datumHash(
  id: string,
  content: { readonly inputs: readonly DatumInput[]; readonly salt: string },
): string {
  const fields: string[] = [];
  for (const input of content.inputs) {
    fields.push(input.reference ? '' : input.id, input.reference ? '' : input.mode);
  }
  fields.push(content.salt);
  return digest(fields, id);
}

function digest(fields: readonly string[], prefixHex = ''): string {
  let size = prefixHex.length / 2;
  for (const field of fields) {
    size += 4 + Buffer.byteLength(field);
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.write(prefixHex, 'hex');
  for (const field of fields) {
    const length = bytes.write(field, at + 4);
    bytes.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return hash('sha256', bytes, 'hex');
}

/** Overlapping members of a union may bring one file into a group under different keys or flags. */
function withoutRepeats(sorted: readonly DatumInput[]): readonly DatumInput[] {
  return sorted.filter((input, index) => {
    const before = sorted[index - 1];
    return before === undefined || comparePlaces(before, input) !== 0;
  });
}

function compareInputs(a: DatumInput, b: DatumInput): number {
  return comparePlaces(a, b) || compareText(JSON.stringify(a), JSON.stringify(b));
}

function comparePlaces(a: DatumInput, b: DatumInput): number {
  return (
    compareText(a.name, b.name) ||
    compareText(a.project, b.project) ||
    compareText(a.repo, b.repo) ||
    compareText(a.branch, b.branch) ||
    compareText(a.path, b.path)
  );
}

/** Compares by UTF-8 bytes, so that the order does not depend on how a language holds text. */
function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
