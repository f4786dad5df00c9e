// Makes a directory that a container wrote to the engine's own again, also where root or another user left it. It needs
// neither root here nor a shell there: the Docker engine itself sets the modes, by unpacking a tar of directories.

import { accessSync, constants, lstatSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { EngineError, systemCode } from '../base/errors.ts';
import { bind } from './container-options.ts';
import { dockerError } from './docker-errors.ts';
import { type HeldDirectory, holdBelow } from './held-directory.ts';
import { unpackTar } from './tar-reader.ts';
import { packTar } from './tar-writer.ts';
import { removeContainer } from './worker-container.ts';

const MOUNT = '/pfs/out';
const STICKY = 0o1000;
/** Each round opens at least one more level of directories. */
const MAX_ROUNDS = 1000;

/** Makes a container that is never started, with these mounts. */
export type HelperMaker = (mounts: readonly Docker.MountSettings[]) => Promise<Docker.Container>;

/**
 * Makes everything below `directory`, or `only` one entry of it, readable and removable by this process's user. Nothing may be
 * writing there.
 * Costs a walk where all is well; a helper container and a file's copy where not.
 */
export async function takeOverDirectory(
  directory: string,
  createHelper: HelperMaker,
  options: { readonly only?: string } = {},
): Promise<void> {
  let helper: Docker.Container | undefined;
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const foreign = await findForeign(directory, options.only);
      if (foreign.directories.length === 0 && foreign.files.length === 0) {
        return;
      }
      helper ??= await createHelper([bind(directory, MOUNT, false)]);
      if (foreign.directories.length > 0) {
        await openDirectories(foreign.directories, helper);
      } else {
        await copyFiles(foreign.files, { directory, helper });
      }
    }
    throw new EngineError(
      'failed_precondition',
      `Cannot take over "${directory}": Docker can't change what containers left there; remove it as root`,
    );
  } catch (error) {
    throw dockerError(error, `take over "${directory}"`);
  } finally {
    if (helper) {
      await removeContainer(helper);
    }
  }
}

/** Lists, relative to `directory`, what this user can't read or can't remove things from. */
async function findForeign(
  directory: string,
  only: string | undefined,
): Promise<{ directories: string[]; files: string[] }> {
  const found: { directories: string[]; files: string[] } = { directories: [], files: [] };
  const own = process.getuid?.();
  /** Returns the directories to look into. */
  const look = async (held: HeldDirectory, names: readonly string[]): Promise<string[]> => {
    const open: string[] = [];
    for await (const entry of held.entries()) {
      const { name } = entry;
      const path = [...names, name].join('/');
      if (names.length === 0 && only !== undefined && name !== only) {
        continue;
      }
      if (entry.isFile() && !opens(held, name, { mode: 0o644, wanted: constants.R_OK })) {
        found.files.push(path);
      }
      if (entry.isDirectory()) {
        const wanted = constants.R_OK | constants.W_OK | constants.X_OK;
        const stat = lstatSync(held.entry(name));
        const stuck = (stat.mode & STICKY) !== 0 && stat.uid !== own && own !== 0;
        if (stuck || !opens(held, name, { mode: 0o777, wanted })) {
          found.directories.push(path);
        } else {
          open.push(name);
        }
      }
    }
    return open;
  };
  const walk = async (names: readonly string[]): Promise<void> => {
    const held = holdBelow(directory, names);
    let open: readonly string[];
    try {
      open = await look(held, names);
    } finally {
      held.close();
    }
    for (const name of open) {
      await walk([...names, name]);
    }
  };
  await walk([]);
  return found;
}

/** Returns whether this user may do with an entry what is wanted, after setting its mode where that is allowed. */
function opens(
  held: HeldDirectory,
  name: string,
  { mode, wanted }: { readonly mode: number; readonly wanted: number },
): boolean {
  try {
    accessSync(held.entry(name), wanted);
    return true;
  } catch {
    try {
      held.chmod(name, mode);
      accessSync(held.entry(name), wanted);
      return true;
    } catch (error) {
      if (systemCode(error) === 'EPERM' || systemCode(error) === 'EACCES') {
        return false;
      }
      throw error;
    }
  }
}

async function openDirectories(names: readonly string[], helper: Docker.Container): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const entries = names.map((name) => ({
    name: `${name}/`,
    type: 'directory' as const,
    mode: 0o777,
    uid,
    gid,
  }));
  await helper.putArchive(packTar(entries), { path: MOUNT });
}

/** Replaces files by copies that the Docker engine reads for us. */
async function copyFiles(
  paths: readonly string[],
  context: { directory: string; helper: Docker.Container },
): Promise<void> {
  for (const [index, name] of paths.entries()) {
    const names = name.split('/');
    const last = names.pop() ?? '';
    // Whoever puts a link in the place of a directory gets nothing written elsewhere.
    const held = holdBelow(context.directory, names);
    const path = held.entry(last).toString();
    const copies = `${path}.pfs-${index}`;
    try {
      await mkdir(copies);
      const stream = await context.helper.getArchive({ path: `${MOUNT}/${name}` });
      await unpackTar(stream as AsyncIterable<Buffer>, copies, { strip: 0 });
      const [copy = ''] = await readdir(copies);
      await rename(join(copies, copy), path);
    } finally {
      await rm(copies, { recursive: true, force: true });
      held.close();
    }
  }
}
