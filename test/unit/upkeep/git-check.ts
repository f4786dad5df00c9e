// Has stock Git judge what upkeep has left of a repo.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exportRepo } from '../../../engine/pfs/export.ts';
import { gather, type Pfs } from '../../support/pfs.ts';

type Test = { after(clean: () => void): void };

/** Exports a repo into a folder, has Git check it strictly, and returns the folder. */
export async function checkByGit(t: Test, pfs: Pfs, repo: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'pfs-export-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'objects'));
  mkdirSync(join(dir, 'refs'));
  for await (const { path, data } of exportRepo(pfs.context, `default/${repo}`)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), Buffer.isBuffer(data) ? data : await gather(data));
  }
  execFileSync('git', ['-C', dir, 'fsck', '--strict', '--full'], { stdio: 'pipe' });
  return dir;
}

/** Has Git index packs as they are stored. */
export function checkRawPacks(t: Test, packs: readonly Buffer[]): void {
  const dir = mkdtempSync(join(tmpdir(), 'pfs-raw-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  execFileSync('git', ['init', '-q', '--bare', dir]);
  for (const [i, bytes] of packs.entries()) {
    const path = join(dir, `${i}.pack`);
    writeFileSync(path, bytes);
    execFileSync('git', ['-C', dir, 'index-pack', path], { stdio: 'pipe' });
  }
}
