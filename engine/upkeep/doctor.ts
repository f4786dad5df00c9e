// Looks for what keeps an engine from working well on its machine, and says what to do about it.

import { statfs } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { type ProbeReport, probeStore } from '../object/probe.ts';

export interface DoctorCheck {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  /** What to do; empty where nothing is. */
  readonly remedy: string;
}

export interface DoctorOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Directories whose disks must have room, by what they are for. */
  readonly directories: Readonly<Record<string, string>>;
  /** The version of Node that runs the engine. */
  readonly node: string;
  executorHealth(): Promise<{ readonly ok: boolean; readonly notes: readonly string[] }>;
}

const GiB = 1024 ** 3;
const LOW_BYTES = 2 * GiB;
const TOO_LOW_BYTES = GiB / 4;
const SKEW_MS = 5000;
const NEEDED_NODE = [20, 19];

/** Makes all checks, side by side. Never rejects: what can't be checked is a problem of its own. */
export async function examine(options: DoctorOptions): Promise<DoctorCheck[]> {
  const checks = await Promise.all([
    checkNode(options.node),
    checkStoreSafety(options),
    checkExecutor(options),
    ...Object.entries(options.directories).map(([name, path]) => checkRoom(name, path)),
  ]);
  return checks.flat();
}

function checkNode(version: string): DoctorCheck {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = NEEDED_NODE;
  const isFit = major > neededMajor || (major === neededMajor && minor >= neededMinor);
  return {
    name: 'Node of the engine',
    state: isFit ? 'ok' : 'problem',
    detail: version,
    remedy: isFit ? '' : `install Node ${NEEDED_NODE.join('.')} or newer`,
  };
}

async function checkStoreSafety(options: DoctorOptions): Promise<DoctorCheck[]> {
  const { store, clock, random } = options;
  let report: ProbeReport;
  try {
    report = await probeStore(store, { clock, random });
  } catch (error) {
    const detail = errorText(error);
    return [{ name: 'store', state: 'problem', detail, remedy: 'make the store reachable' }];
  }
  const checks = report.checks.map(
    ({ name, ok, detail }): DoctorCheck => ({
      name: `store: ${name}`,
      state: ok ? 'ok' : 'problem',
      detail,
      remedy: ok
        ? ''
        : 'commits could be lost on this store: choose another one, or a newer server',
    }),
  );
  const seconds = Math.round(Math.abs(report.skewMs) / 1000);
  const isSkewed = Math.abs(report.skewMs) > SKEW_MS;
  checks.push({
    name: 'clock',
    state: isSkewed ? 'warning' : 'ok',
    detail: isSkewed
      ? `the store's clock is ${seconds} s ${report.skewMs > 0 ? 'ahead of' : 'behind'} this machine's`
      : 'agrees with the clock of the store',
    remedy: isSkewed ? 'switch on time synchronization (NTP) on both machines' : '',
  });
  return checks;
}

async function checkExecutor(options: DoctorOptions): Promise<DoctorCheck> {
  const { ok, notes } = await options.executorHealth();
  return {
    name: 'Docker',
    state: ok ? 'ok' : 'problem',
    detail: notes.join('; '),
    remedy: ok ? '' : 'repos work without Docker; for pipelines start it, and let this user use it',
  };
}

async function checkRoom(name: string, path: string): Promise<DoctorCheck> {
  const what = `room for ${name}`;
  try {
    const { bavail, bsize } = await statfs(path);
    const free = bavail * bsize;
    return {
      name: what,
      state: free < TOO_LOW_BYTES ? 'problem' : free < LOW_BYTES ? 'warning' : 'ok',
      detail: `${(free / GiB).toFixed(1)} GiB free at ${path}`,
      remedy: free < LOW_BYTES ? 'free some space there, or move it to a larger disk' : '',
    };
  } catch (error) {
    const detail = `${path}: ${errorText(error)}`;
    return { name: what, state: 'problem', detail, remedy: 'make the directory accessible' };
  }
}
