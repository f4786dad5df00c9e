// What can be seen of this machine without the engine.

import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DoctorCheck } from '../engine/server/wire-store.ts';
import type { Context } from './context.ts';
import { cliVersion } from './version.ts';

const run = promisify(execFile);
const NEEDED_NODE = [20, 19];
const OTHERS = 0o077;

/** Makes the checks of this side. Never rejects. */
export async function examineClient(context: Context): Promise<DoctorCheck[]> {
  const { folder } = context.home;
  return await Promise.all([
    { name: 'pfs', state: 'ok' as const, detail: cliVersion(), remedy: '' },
    checkNode(),
    checkPrivate('home', folder),
    checkPrivate('token', join(folder, 'token')),
    checkTool('git', ['--version'], 'install Git to clone what pfs export repo writes'),
    checkTool('git-lfs', ['version'], 'install git-lfs to get large files in clones'),
  ]);
}

function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = NEEDED_NODE;
  const isFit = major > neededMajor || (major === neededMajor && minor >= neededMinor);
  return {
    name: 'Node',
    state: isFit ? 'ok' : 'problem',
    detail: process.version,
    remedy: isFit ? '' : `install Node ${NEEDED_NODE.join('.')} or newer`,
  };
}

/** Who can read the home can read the token, and who has the token has everything. */
async function checkPrivate(name: string, path: string): Promise<DoctorCheck> {
  try {
    const { mode, uid } = await lstat(path);
    const isOwn = process.getuid === undefined || uid === process.getuid();
    const isOpen = (mode & OTHERS) !== 0;
    const permissions = (mode & 0o777).toString(8);
    return {
      name: `${name} is private`,
      state: !isOwn || (isOpen && name === 'token') ? 'problem' : isOpen ? 'warning' : 'ok',
      detail: `${path} (${permissions}${isOwn ? '' : ', owned by another user'})`,
      remedy: !isOwn
        ? `make it yours: sudo chown -R $(id -un) ${path}`
        : isOpen
          ? `close it to others: chmod go= ${path}`
          : '',
    };
  } catch (error) {
    const isMissing = (error as { code?: unknown }).code === 'ENOENT';
    return {
      name: `${name} is private`,
      state: isMissing ? 'ok' : 'problem',
      detail: isMissing ? `${path} is made when the engine first starts` : String(error),
      remedy: '',
    };
  }
}

async function checkTool(
  tool: string,
  args: readonly string[],
  remedy: string,
): Promise<DoctorCheck> {
  try {
    const { stdout } = await run(tool, args);
    return { name: tool, state: 'ok', detail: stdout.split('\n')[0] ?? '', remedy: '' };
  } catch {
    return { name: tool, state: 'warning', detail: 'not found', remedy };
  }
}
