// The home of an engine: one engine at a time, its token, and the record by which clients find it.

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, errorText, systemCode } from './base/errors.ts';
import { startTime } from './base/process-start.ts';
import type { Random } from './base/random.ts';

/** What clients read to find the engine. */
export interface EngineRecord {
  readonly pid: number;
  readonly address: string;
  /** The name, in its home, of the Unix socket at which it listens too, where it could have one. */
  readonly socket?: string;
  /** Where the door for S3 listens. */
  readonly s3?: string;
  /** The file of its certificate, where it speaks TLS. */
  readonly certificate?: string;
  readonly store: string;
  readonly version: string;
  readonly started: string;
}

/** A home held by this process. */
export interface Instance {
  /** Of the home, the same for every engine that ever holds it. */
  readonly id: string;
  readonly token: string;
  /** Lets clients find the engine. */
  announce(record: EngineRecord): void;
  /** Lets another engine have the home. */
  release(): void;
}

/** Another engine holds the home. */
export class AlreadyRunningError extends EngineError {
  constructor(home: string, pid: number) {
    super(
      'failed_precondition',
      `Cannot start the engine: process ${pid} already runs one on ${home}`,
    );
  }
}

/** Takes the home for this process, which makes it where it is missing. Throws {@link AlreadyRunningError}. */
export function holdInstance(home: string, random: Random): Instance {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw homeError(home, error);
  }
  const pidFile = join(home, 'engine.pid');
  takePid(home, pidFile);
  const recordFile = join(home, 'engine.json');
  rmSync(recordFile, { force: true });
  return {
    id: keep(join(home, 'instance'), () => random.bytes(8).toString('hex')),
    token: keep(join(home, 'token'), () => random.bytes(32).toString('base64url')),
    announce(record) {
      const temporary = `${recordFile}.${process.pid}`;
      writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
      renameSync(temporary, recordFile);
    },
    release() {
      rmSync(recordFile, { force: true });
      rmSync(pidFile, { force: true });
    },
  };
}

function homeError(home: string, cause: unknown): EngineError {
  const what = `Cannot make the folder "${home}": ${systemCode(cause) ?? errorText(cause)}`;
  return new EngineError('failed_precondition', `${what}; set PFS_HOME to one you may write`, {
    cause,
  });
}

/** Puts this process into the pid file, unless one that still runs is there: linking has exactly one winner. */
function takePid(home: string, pidFile: string): void {
  const own = `${pidFile}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startTime(process.pid)}\n`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(own, pidFile);
        return;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') {
          throw error;
        }
      }
      const [pid = 0, start = ''] = readPid(pidFile);
      if (pid !== 0 && startTime(pid) === start) {
        throw new AlreadyRunningError(home, pid);
      }
      // Moved aside, not removed: of two engines that find the same dead one, one moves it.
      const aside = `${pidFile}.dead.${process.pid}`;
      try {
        renameSync(pidFile, aside);
        rmSync(aside, { force: true });
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') {
          throw error;
        }
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function readPid(pidFile: string): [number, string] {
  try {
    const [pid = '', start = ''] = readFileSync(pidFile, 'utf8').trim().split(' ');
    return [Number(pid), start];
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      return [0, ''];
    }
    throw error;
  }
}

/** Returns the content of a file that is made once, readable by its owner only. */
function keep(file: string, make: () => string): string {
  try {
    writeFileSync(file, `${make()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') {
      throw error;
    }
  }
  return readFileSync(file, 'utf8').trim();
}
