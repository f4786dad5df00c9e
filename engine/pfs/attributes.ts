// The `.gitattributes` of ours: what makes a clone give back every byte. One at the root of every tree, one in each
// directory that holds large files; users never see them. Where a user's own stands, theirs is kept.

/** The name Git reads attributes from. */
export const ATTRIBUTES_NAME = '.gitattributes';

const MARK = '# pfs: made for clones; not a file of this repo';
const EXACT_BYTES = '* -text -ident';
const LARGE = 'filter=lfs diff=lfs merge=lfs -text';

/** Returns whether a file of that name and content is one of ours: it says what ours say and nothing else. */
export function isOwnAttributes(name: string, content: Uint8Array): boolean {
  return (
    name === ATTRIBUTES_NAME &&
    decodeAttributes(Buffer.from(content.buffer, content.byteOffset, content.length)) !== undefined
  );
}

/** Returns our attributes for a directory, or undefined when it needs none. */
export function encodeAttributes(
  largeNames: Iterable<string>,
  options: { readonly isRoot: boolean },
): Buffer | undefined {
  const names = [...largeNames].sort();
  if (names.length === 0 && !options.isRoot) {
    return undefined;
  }
  const lines = [MARK];
  if (options.isRoot) {
    lines.push(EXACT_BYTES);
  }
  for (const name of names) {
    lines.push(`${pattern(name)} ${LARGE}`);
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** Returns the names of the large files that attributes of ours list; undefined for a user's own attributes. */
export function decodeAttributes(content: Buffer): Set<string> | undefined {
  if (content.length <= MARK.length || content.toString('latin1', 0, MARK.length) !== MARK) {
    return undefined;
  }
  const lines = content.toString().split('\n');
  if (lines.shift() !== MARK || lines.pop() !== '') {
    return undefined;
  }
  if (lines[0] === EXACT_BYTES) {
    lines.shift();
  }
  const names = new Set<string>();
  for (const line of lines) {
    if (!line.startsWith('"/') || !line.endsWith(`" ${LARGE}`)) {
      return undefined;
    }
    names.add(unpattern(line.slice(0, -LARGE.length - 1)));
  }
  return names;
}

/**
 * Writes a name as a pattern that matches it alone, in this directory alone (gitattributes(5)): anchored by a
 * slash, glob characters escaped, in the double quotes of a C string.
 */
function pattern(name: string): string {
  const escaped = name.replace(/[\\*?[\]]/g, (c) => `\\${c}`);
  return `"/${escaped.replace(/[\\"]/g, (c) => `\\${c}`)}"`;
}

function unpattern(text: string): string {
  const unquoted = text.slice(2, -1).replace(/\\([\\"])/g, '$1');
  return unquoted.replace(/\\([\\*?[\]])/g, '$1');
}
