// Stands between a process and its disk: counts every change below a directory, writes down what it is, and kills the
// process just before a given one.

import syncFs from 'node:fs';
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
  const { writeSync } = syncFs;
  const note = (event: object) => writeSync(log, `${JSON.stringify(event)}\n`);
  /** Notes a change that begins; undefined for one that is not watched. */
  const begin = (event: Partial<Change>): number | undefined => {
    const path = String(event.path ?? '');
    if (path !== root && !path.startsWith(`${root}/`)) {
      return undefined;
    }
    count += 1;
    const n = count;
    if (n === killAt) {
      process.kill(process.pid, 'SIGKILL');
    }
    note({ n, ...event });
    return n;
  };
  const around = async <T>(event: Partial<Change>, work: () => Promise<T>): Promise<T> => {
    const n = begin(event);
    if (n === undefined) {
      return await work();
    }
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
  watchSyncCalls(begin, note);
}

/** Watches the calls that wait, by which small objects are put. */
function watchSyncCalls(
  begin: (event: Partial<Change>) => number | undefined,
  note: (event: object) => void,
): void {
  const disk = syncFs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const paths = new Map<unknown, string>();
  const replace = (
    name: string,
    eventOf: (...args: never[]) => Partial<Change> | undefined,
    after: (result: unknown, args: unknown[]) => void = () => undefined,
  ) => {
    const real = disk[name] as (...args: unknown[]) => unknown;
    disk[name] = (...args) => {
      const event = eventOf(...(args as never[]));
      const n = event && begin(event);
      try {
        const result = real(...args);
        after(result, args);
        if (n !== undefined) {
          note({ n, op: 'done' });
        }
        return result;
      } catch (error) {
        if (n !== undefined) {
          note({ n, op: 'failed' });
        }
        throw error;
      }
    };
  };
  const known = (op: string) => (fd: number) => ({ op, path: paths.get(fd) ?? '' });
  replace(
    'openSync',
    (path: string, flags: unknown) => (flags === 'wx' ? { op: 'create', path } : undefined),
    (fd, [path]) => paths.set(fd, String(path)),
  );
  replace('writeSync', known('write'));
  replace('fsyncSync', known('sync'));
  replace(
    'closeSync',
    () => undefined,
    (_, [fd]) => paths.delete(fd),
  );
  replace('mkdirSync', (path: string) => ({ op: 'mkdir', path }));
  replace('linkSync', (from: string, path: string) => ({ op: 'name', from, path }));
  replace('renameSync', (from: string, path: string) => ({ op: 'name', from, path }));
  replace('unlinkSync', (path: string) => ({ op: 'remove', path }));
}
