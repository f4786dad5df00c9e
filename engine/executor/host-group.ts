// Control groups that bound the processes and the memory of one set of namespaces. The limit of a user (ulimit) does not bind
// root, in whatever namespace: a command that forks without end would take every process id of the machine.

import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';

const PREFIX = 'pfs-';
const MOUNT = '/sys/fs/cgroup';
/** What was killed leaves its group a moment later. */
const LAST_TRIES = 50;
const TRY_MS = 20;

export interface GroupLimits {
  /** Processes and threads. */
  readonly processes: number;
  readonly memoryBytes?: number | undefined;
}

/** Where the kernel counts what it killed for memory: its file, and where a container of Docker's would have it. */
export interface MemoryEvents {
  readonly file: string;
  readonly shownAs: string;
}

export interface HostGroup {
  /** Whoever writes its process id into these belongs to the group, with all that it starts. */
  readonly procs: readonly string[];
  /** Undefined where memory is not bound. */
  readonly memoryEvents: MemoryEvents | undefined;
  /** Removes the group, once nothing is in it any more. */
  remove(): Promise<void>;
}

/** Makes a group; it bounds what this user, on this machine, may have bounded, which may be nothing. */
export async function makeHostGroup(name: string, limits: GroupLimits): Promise<HostGroup> {
  const folders: string[] = [];
  const bound = new Map<Controller, Hierarchy & { readonly folder: string }>();
  for (const hierarchy of await hierarchies()) {
    const wanted = hierarchy.controllers.filter(
      (each) => !bound.has(each) && (each === 'pids' || limits.memoryBytes !== undefined),
    );
    const folder = wanted.length > 0 ? await makeFolder(hierarchy, PREFIX + name) : undefined;
    if (folder === undefined) {
      continue;
    }
    folders.push(folder);
    for (const controller of wanted) {
      if (await bind(folder, { controller, version: hierarchy.version, limits })) {
        bound.set(controller, { ...hierarchy, folder });
      }
    }
  }
  const memory = bound.get('memory');
  const used = new Set([...bound.values()].map(({ folder }) => folder));
  await Promise.all(folders.filter((folder) => !used.has(folder)).map(remove));
  return {
    procs: [...used].map((folder) => join(folder, 'cgroup.procs')),
    memoryEvents: memory && memoryEvents(memory),
    remove: async () => {
      await Promise.all([...used].map(remove));
    },
  };
}

/** Removes the group of this name that an engine left when it was killed, once nothing is in it any more. */
export async function removeHostGroup(name: string): Promise<void> {
  for (const { parents } of await hierarchies()) {
    await Promise.all(parents.map((parent) => remove(join(parent, PREFIX + name))));
  }
}

/** Returns how many processes the kernel has killed for memory. */
export async function killedForMemory({ file }: MemoryEvents): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

type Controller = 'pids' | 'memory';

interface Hierarchy {
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
  /** Folders below which a group may be made, the best first. */
  readonly parents: readonly string[];
}

/** Reads the lines of cgroups(7): `<number>:<controllers>:<path>`. */
async function hierarchies(): Promise<readonly Hierarchy[]> {
  const text = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  return text.split('\n').flatMap((line): Hierarchy[] => {
    const [, names, path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (names === '') {
      // Only a group without processes of its own can hand controllers down: not ours, but the one above.
      const parents = [join(MOUNT, dirname(path))];
      return [{ version: 2, controllers: ['pids', 'memory'], parents }];
    }
    const all = names?.split(',') ?? [];
    return (['pids', 'memory'] as const)
      .filter((each) => all.includes(each))
      .map((each) => ({
        version: 1,
        controllers: [each],
        // In a container the path is often that of the machine, where only the group itself is mounted.
        parents: [...new Set([join(MOUNT, each, path), join(MOUNT, each)])],
      }));
  });
}

async function makeFolder({ parents }: Hierarchy, name: string): Promise<string | undefined> {
  for (const parent of parents) {
    try {
      // Beside groups there are plain directories here, too.
      await access(join(parent, 'cgroup.procs'));
      const folder = join(parent, name);
      await mkdir(folder);
      return folder;
    } catch {
      // Not there, or not for this user.
    }
  }
  return undefined;
}

async function bind(
  folder: string,
  what: {
    readonly controller: Controller;
    readonly version: 1 | 2;
    readonly limits: GroupLimits;
  },
): Promise<boolean> {
  const { controller, version, limits } = what;
  const set = async (file: string, value: number) => {
    // Never made: where there is none, the controller is not handed down to here.
    await writeFile(join(folder, file), String(value), { flag: 'r+' });
  };
  try {
    if (controller === 'pids') {
      await set('pids.max', limits.processes);
      return true;
    }
    const bytes = limits.memoryBytes ?? 0;
    await set(version === 1 ? 'memory.limit_in_bytes' : 'memory.max', bytes);
    // What there is of swap would come on top; not every kernel counts it.
    const swap =
      version === 1 ? set('memory.memsw.limit_in_bytes', bytes) : set('memory.swap.max', 0);
    await swap.catch(() => undefined);
    return true;
  } catch {
    return false;
  }
}

function memoryEvents({ folder, version }: { folder: string; version: 1 | 2 }): MemoryEvents {
  return version === 1
    ? { file: join(folder, 'memory.oom_control'), shownAs: `${MOUNT}/memory/memory.oom_control` }
    : { file: join(folder, 'memory.events'), shownAs: `${MOUNT}/memory.events` };
}

async function remove(folder: string): Promise<void> {
  for (let left = LAST_TRIES; left > 0; left--) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      if (systemCode(error) !== 'EBUSY') {
        // It is gone, or no group of ours.
        return;
      }
      await delay(TRY_MS);
    }
  }
}
