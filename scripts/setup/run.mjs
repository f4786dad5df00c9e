// Child processes for the scripts: output captured, time bounded, failures told with the last lines that were printed.

import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheBin, root } from './paths.mjs';
import { SetupError } from './say.mjs';

const maxCaptured = 4 << 20;

/** Returns the environment for children: ours, with the tools of `.cache/bin` at the end of the PATH. */
export function childEnvironment(extra = {}) {
  return { ...process.env, PATH: `${process.env.PATH ?? ''}${delimiter}${cacheBin}`, ...extra };
}

/** Returns the full path of a program on the PATH or in `.cache/bin`, or undefined. */
export function findProgram(name) {
  for (const folder of childEnvironment().PATH.split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (folder !== '' && statSync(path).isFile()) {
        return path;
      }
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Runs a program to its end and returns `{ code, stdout, stderr, timedOut, missing }`. Never rejects: a program that
 * is not there gives `missing`, one that took longer than `timeoutMs` is killed, with all it started, and gives `timedOut`.
 */
export function run(command, args, options = {}) {
  const { cwd = root, env, input, timeoutMs, show = false } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: childEnvironment(env),
      stdio: [
        input === undefined ? 'ignore' : 'pipe',
        show ? 'inherit' : 'pipe',
        show ? 'inherit' : 'pipe',
      ],
      // A group of its own, so that a time-out ends grandchildren too.
      detached: timeoutMs !== undefined,
    });
    const result = { code: 1, stdout: '', stderr: '', timedOut: false, missing: false };
    const kill = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        child.kill(signal);
      }
    };
    // Asked first: package managers must not be cut off in the middle of a step.
    const end = () => {
      kill('SIGTERM');
      setTimeout(() => kill('SIGKILL'), 5_000).unref();
    };
    let exitCode;
    const onSignal = (signal) => {
      exitCode = signal === 'SIGINT' ? 130 : 143;
      end();
    };
    let timer;
    if (timeoutMs !== undefined) {
      process.once('SIGINT', onSignal);
      process.once('SIGTERM', onSignal);
      timer = setTimeout(() => {
        result.timedOut = true;
        end();
      }, timeoutMs);
    }
    for (const name of ['stdout', 'stderr']) {
      child[name]?.setEncoding('utf8').on('data', (chunk) => {
        result[name] = (result[name] + chunk).slice(-maxCaptured);
      });
    }
    const finish = () => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      if (exitCode !== undefined) {
        process.exit(exitCode);
      }
      resolve(result);
    };
    child.on('error', (error) => {
      result.missing = error.code === 'ENOENT';
      result.stderr += error.message;
      result.code = 127;
      finish();
    });
    child.on('close', (code) => {
      result.code = code ?? 1;
      finish();
    });
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Runs a program that has to succeed; its output shows only in the sentence of the failure. */
export async function mustRun(command, args, options = {}) {
  const result = await run(command, args, options);
  if (result.code === 0) {
    return result;
  }
  const shown = [command, ...args].join(' ').slice(0, 200);
  const state = result.missing
    ? `${command} is not installed`
    : result.timedOut
      ? `no end after ${Math.round(options.timeoutMs / 1000)} s`
      : `exit code ${result.code}`;
  const printed = lastLines(`${result.stdout}\n${result.stderr}`, 25);
  throw new SetupError(`Cannot run "${shown}": ${state}${printed && `\n${printed}`}`);
}

/** Returns the last lines of a text, indented, for the end of an error message. */
export function lastLines(text, count) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .map((line) => `  ${line}`)
    .join('\n');
}
