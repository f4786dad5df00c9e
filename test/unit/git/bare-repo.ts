// Lays packs out as a bare repository in a directory, so that stock Git can judge them.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toGitIdx } from '../../../engine/git/pack-idx.ts';
import { packKey } from '../../../engine/object/keys.ts';
import type { ObjectStore } from '../../../engine/object/object-store.ts';
import type { NewPack } from '../../../engine/object/pack-ref.ts';

export interface BareRepo {
  readonly dir: string;
  git(args: readonly string[], input?: string): Buffer;
  remove(): void;
}

/** Writes a bare repository of whole packs, with one branch. */
export async function layOut(
  store: ObjectStore,
  packs: readonly NewPack[],
  head: string,
): Promise<BareRepo> {
  const dir = mkdtempSync(join(tmpdir(), 'pfs-bare-'));
  execFileSync('git', ['init', '-q', '--bare', dir]);
  mkdirSync(join(dir, 'objects/pack'), { recursive: true });
  for (const pack of packs) {
    const bytes = await store.get(packKey(pack.id));
    const name = bytes.subarray(-20).toString('hex');
    writeFileSync(join(dir, `objects/pack/pack-${name}.pack`), bytes);
    writeFileSync(join(dir, `objects/pack/pack-${name}.idx`), toGitIdx(pack.index, bytes));
  }
  writeFileSync(join(dir, 'refs/heads/master'), `${head}\n`);
  writeFileSync(join(dir, 'HEAD'), 'ref: refs/heads/master\n');
  return {
    dir,
    git: (args, input) =>
      execFileSync('git', ['-C', dir, ...args], {
        input,
        stdio: ['pipe', 'pipe', 'pipe'],
        maxBuffer: 2 ** 28,
      }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
