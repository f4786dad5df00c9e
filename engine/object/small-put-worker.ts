// What a thread that puts small objects runs: one put after the other. Of one that fails it says no more than that.

import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { systemCode } from '../base/errors.ts';
import { syncEntries } from './sync-entries.ts';

/** A put, which fails where something has the name. All paths are absolute. */
export interface SmallPut {
  readonly bytes: Uint8Array;
  /** Where it is written, which nobody has. */
  readonly temporary: string;
  readonly path: string;
  /** Its directory may have to be made; the one above is there. */
  readonly isNew: boolean;
}

/** Carries out a put. Returns whether it is durable, whole and under its name. */
export function work(put: SmallPut): boolean {
  const { bytes, temporary, path, isNew } = put;
  const directory = dirname(path);
  try {
    writeNew(temporary, bytes);
    try {
      if (isNew) {
        make(directory);
        syncEntries(dirname(directory));
      }
      linkSync(temporary, path);
    } finally {
      unlinkSync(temporary);
    }
    syncEntries(directory);
    return true;
  } catch {
    return false;
  }
}

function writeNew(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx');
  try {
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(file, bytes, at, bytes.length - at, at);
    }
    fsyncSync(file);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
}

function make(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') {
      throw error;
    }
  }
}

parentPort?.on('message', (put: SmallPut) => parentPort?.postMessage(work(put)));
