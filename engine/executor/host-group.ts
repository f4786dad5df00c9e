// A control group that bounds how many processes run in one set of namespaces. The limit of a user (ulimit) does not bind root,
// in whatever namespace: a command that forks without end would take every process id of the machine.

import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PREFIX = 'pfs-';
const MOUNT = '/sys/fs/cgroup';
/** What was killed leaves its group a moment later. */
const LAST_TRIES = 50;
const TRY_MS = 20;

export interface HostGroup {
  /** Whoever writes its process id there belongs to the group, with all that it starts. */
  readonly procs: string;
  /** Removes the group, once nothing is in it any more. */
  remove(): Promise<void>;
}

/** Makes a group of at most so many processes; undefined where this user, or this machine, can have none. */
export async function makeHostGroup(
  name: string,
  processes: number,
): Promise<HostGroup | undefined> {
  for (const parent of await parents()) {
    const folder = join(parent, PREFIX + name);
    try {
      await mkdir(folder);
    } catch {
      continue;
    }
    try {
      await writeFile(join(folder, 'pids.max'), String(processes));
      return { procs: join(folder, 'cgroup.procs'), remove: () => remove(folder) };
    } catch {
      // The controller is not handed down to here.
      await remove(folder);
    }
  }
  return undefined;
}

/** Removes the groups that engines left when they were killed: those in which nothing is. */
export async function removeEmptyGroups(): Promise<void> {
  for (const parent of await parents()) {
    const names = await readdir(parent).catch(() => []);
    for (const name of names.filter((each) => each.startsWith(PREFIX))) {
      await rmdir(join(parent, name)).catch(() => undefined);
    }
  }
}

/** Returns the folders below which a group could be made, by the lines of cgroups(7): `<number>:<controllers>:<path>`. */
async function parents(): Promise<string[]> {
  const text = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [, controllers, path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers?.split(',').includes('pids')) {
      return [join(MOUNT, 'pids', path)];
    }
    // In version 2 only a group without processes of its own can hand the controller down: not ours, but the one above.
    return controllers === '' ? [join(MOUNT, dirname(path))] : [];
  });
}

async function remove(folder: string): Promise<void> {
  for (let left = LAST_TRIES; left > 0; left--) {
    try {
      await rmdir(folder);
      return;
    } catch {
      await delay(TRY_MS);
    }
  }
}
