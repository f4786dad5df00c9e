// Exports of repos in the hands of stock Git.

import assert from 'node:assert/strict';
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { exportRepo } from '../../engine/pfs/export.ts';
import { gather, type Pfs } from './pfs.ts';

/** Runs Git as a user would who has git-lfs set up, whatever this machine's own settings are. */
export function gitIn(home: string, cwd: string) {
  const config = [
    '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f',
    '\tprocess = git-lfs filter-process\n\trequired = true\n[user]\n\tname = t\n\temail = t@t',
  ];
  writeFileSync(join(home, '.gitconfig'), `${config.join('\n')}\n`);
  const options: ExecFileSyncOptions = {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1' },
  };
  return (...args: string[]) => execFileSync('git', args, options).toString();
}

/** Writes an export to a folder, as the command line does. */
export async function writeExport(pfs: Pfs, repo: string, directory: string): Promise<string[]> {
  const paths: string[] = [];
  for (const folder of ['objects/info', 'refs/heads']) {
    mkdirSync(join(directory, folder), { recursive: true });
  }
  for await (const { path, size, data } of exportRepo(pfs.context, `default/${repo}`)) {
    const bytes = Buffer.isBuffer(data) ? data : await gather(data);
    assert.equal(bytes.length, size, path);
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
    paths.push(path);
  }
  return paths;
}

/** Returns the files below a folder, but for Git's own and ours. */
export function filesIn(directory: string): Map<string, { mode: string; bytes: Buffer }> {
  const files = new Map<string, { mode: string; bytes: Buffer }>();
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(directory, path);
    if (entry.isFile() && !name.startsWith('.git/')) {
      const bytes = readFileSync(path);
      if (entry.name !== '.gitattributes' || !bytes.toString().startsWith('# pfs:')) {
        files.set(name, { mode: statSync(path).mode & 0o100 ? '100755' : '100644', bytes });
      }
    }
  }
  return files;
}
