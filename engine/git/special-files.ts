// Files that Git itself reads out of a tree: it checks what they are and say, and so do we, before they get in.

import { EngineError } from '../base/errors.ts';

/** Which of Git's own files a name stands for on some file system; undefined for any other name. */
export type SpecialFile = 'modules' | 'attributes';

/** Code points that HFS+ ignores in names. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;
/** Every such name begins, on one file system or the other, with one of these. */
const MAYBE_SPECIAL = /^[.gG~\u200c-\u206f\ufeff]/;
const MODULES = disguises('gitmodules', 'gitmod', 'gi7eba');
const ATTRIBUTES = disguises('gitattributes', 'gitatt', 'gi7d29');

/** From this length on Git refuses a line of attributes. */
const MAX_TARGET_BYTES = 4095;
const MAX_ATTRIBUTES_LINE_BYTES = 2048;

const MODULES_LINE = new RegExp(
  [
    String.raw`\s*`,
    String.raw`\s*[#;].*`,
    String.raw`\s*\[submodule "(?!(?:.*[/\\])?\.\.(?:[/\\]|"))[\w./+ -]+"\]\s*`,
    String.raw`\s*path\s*=\s*[\w.][\w./+ -]*`,
    String.raw`\s*url\s*=\s*(?:(?:https?|ssh|git)://[\w.][\w./:@+~-]*|\.\.?/[\w./+~-]+|[\w.-]+@[\w.-]+:[\w./+~-]+)\s*`,
    String.raw`\s*branch\s*=\s*[\w.][\w./-]*\s*`,
    String.raw`\s*(?:shallow|ignore|fetchRecurseSubmodules|update)\s*=\s*[a-z][a-z-]*\s*`,
  ]
    .map((line) => `(?:${line})`)
    .join('|')
    .replace(/^/, '^(?:')
    .replace(/$/, ')$'),
);

/** Returns which of Git's own files a name stands for, in whatever disguise. */
export function specialFile(name: string): SpecialFile | undefined {
  if (!MAYBE_SPECIAL.test(name)) {
    return undefined;
  }
  const plain = name.replace(HFS_IGNORED, '').toLowerCase();
  if (plain === '.gitmodules' || MODULES.test(name)) {
    return 'modules';
  }
  return plain === '.gitattributes' || ATTRIBUTES.test(name) ? 'attributes' : undefined;
}

/** Refuses a directory or symbolic link under the name of one of Git's own files. */
export function checkSpecialMode(name: string, mode: string): void {
  const special = mode === '40000' || mode === '120000' ? specialFile(name) : undefined;
  if (special === 'modules' || (special && mode === '40000')) {
    throw new EngineError(
      'invalid',
      `Cannot store ${JSON.stringify(name)}: Git reads the file of that name, and this is none; use another name`,
    );
  }
}

/** Returns what is wrong with the target of a symbolic link; undefined where it can be kept. */
export function linkProblem(target: Buffer): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const hasControls = /[\u0000-\u001f\u007f]/.test(target.toString('latin1'));
  const isFine = target.length > 0 && target.length <= MAX_TARGET_BYTES && !hasControls;
  return isFine ? undefined : 'is empty, too long, or holds control characters';
}

/** Refuses, with the reason, a file of Git's own whose content a strict check by Git would reject. */
export function checkSpecialContent(name: string, content: Uint8Array): void {
  const special = specialFile(name);
  if (!special) {
    return;
  }
  const lines = Buffer.from(content.buffer, content.byteOffset, content.length)
    .toString('latin1')
    .split('\n');
  if (special === 'attributes') {
    const long = lines.findIndex((line) => line.length >= MAX_ATTRIBUTES_LINE_BYTES);
    if (long >= 0) {
      throw refused(name, `its line ${long + 1} is longer than Git reads`);
    }
    return;
  }
  const odd = lines.findIndex((line) => !MODULES_LINE.test(line));
  if (odd >= 0) {
    throw refused(name, `its line ${odd + 1} is not a plain description of a submodule`);
  }
}

function refused(name: string, problem: string): EngineError {
  return new EngineError(
    'invalid',
    `Cannot store ${JSON.stringify(name)}: ${problem}; change it or use another name`,
  );
}

/** The names that NTFS may take for `.<name>`: streams, trailing dots and spaces, short names. */
function disguises(name: string, short: string, hashed: string): RegExp {
  const forms = [`\\.${name}`, `${short}~[1-4]`];
  for (let length = 0; length <= 6; length++) {
    forms.push(`${hashed.slice(0, length)}~[1-9][0-9]{${6 - length}}`);
  }
  return new RegExp(`^(?:${forms.join('|')})[ .]*(?::.*)?$`, 'i');
}
