// Stands between a process and its disk: counts every change below a directory, writes down what it is, and kills the
// process just before a given one.

import { writeSync } from 'node:fs';
import fs from 'node:fs/promises';

/** One change of the file system. `done` follows once it was carried out, `failed` where it changed nothing. */
export type DiskEvent =
  | {
      readonly n: number;
      readonly op: 'create' | 'write' | 'mkdir' | 'remove';
      readonly path: string;
    }
  | { readonly n: number; readonly op: 'sync'; readonly path: string }
  | { readonly n: number; readonly op: 'name'; readonly from: string; readonly path: string }
  | { readonly n: number; readonly op: 'done' | 'failed' };

type Call = (...args: never[]) => Promise<unknown>;
type Change = Record<'op' | 'path' | 'from', string>;

/** Begins to watch. The log goes to the file descriptor `log`, a line of JSON per event. */
export async function watchDisk(options: {
  /** What happens elsewhere is not watched. */
  readonly root: string;
  readonly log: number;
  readonly killAt: number;
}): Promise<void> {
  const { root, log, killAt } = options;
  let count = 0;
  const note = (event: object) => writeSync(log, `${JSON.stringify(event)}\n`);
  const around = async <T>(event: Partial<Change>, work: () => Promise<T>): Promise<T> => {
    const path = event.path ?? '';
    if (path !== root && !path.startsWith(`${root}/`)) {
      return await work();
    }
    count += 1;
    const n = count;
    if (n === killAt) {
      process.kill(process.pid, 'SIGKILL');
    }
    note({ n, ...event });
    try {
      const result = await work();
      note({ n, op: 'done' });
      return result;
    } catch (error) {
      note({ n, op: 'failed' });
      throw error;
    }
  };
  const disk = fs as unknown as Record<string, Call>;
  const replace = (name: string, eventOf: (...args: string[]) => Partial<Change>) => {
    const real = disk[name] as Call;
    disk[name] = (...args: never[]) =>
      around(eventOf(...(args as unknown as string[])), () => real(...args));
  };
  const paths = new WeakMap<object, string>();
  const open = disk.open as Call;
  const probe = (await open('/dev/null' as never, 'r' as never)) as { close(): Promise<void> };
  const handles = Object.getPrototypeOf(probe) as Record<string, Call>;
  await probe.close();
  for (const [name, op] of [
    ['writev', 'write'],
    ['write', 'write'],
    ['sync', 'sync'],
  ] as const) {
    const real = handles[name] as Call;
    handles[name] = function (this: object, ...args: never[]) {
      return around({ op, path: paths.get(this) ?? '' }, () => real.apply(this, args));
    };
  }
  disk.open = (async (path: string, flags = 'r', ...rest: never[]) => {
    const work = () => open(path as never, flags as never, ...rest) as Promise<object>;
    const handle = await (flags === 'r' ? work() : around({ op: 'create', path }, work));
    paths.set(handle, path);
    return handle;
  }) as unknown as Call;
  replace('mkdir', (path = '') => ({ op: 'mkdir', path }));
  replace('link', (from = '', path = '') => ({ op: 'name', from, path }));
  replace('rename', (from = '', path = '') => ({ op: 'name', from, path }));
  replace('unlink', (path = '') => ({ op: 'remove', path }));
  replace('rmdir', (path = '') => ({ op: 'remove', path }));
}
