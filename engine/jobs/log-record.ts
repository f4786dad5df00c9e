// One line that user code printed, or that the engine says about it, and how lines are stored: segments of gzipped
// JSON lines.

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { EngineError } from '../base/errors.ts';

export interface LogRecord {
  /** When the line was complete, in milliseconds since the Unix epoch. */
  readonly time: number;
  /** `project/name`. Jobs of several pipelines share the id of their commit set, and so a log. */
  readonly pipeline: string;
  /** Id of the datum; empty for what concerns the whole job. */
  readonly datum: string;
  readonly message: string;
}

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Makes a segment of records. */
export async function encodeSegment(records: readonly LogRecord[]): Promise<Buffer> {
  const lines = records.map(({ time, pipeline, datum, message }) =>
    JSON.stringify({ time, pipeline, datum, message }),
  );
  return compress(`${lines.join('\n')}\n`, { level: 1 });
}

/** Reads a segment; `key` names it in the message when it is `corrupt`. */
export async function decodeSegment(bytes: Buffer, key: string): Promise<LogRecord[]> {
  try {
    const text = (await decompress(bytes)).toString('utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogRecord);
  } catch (error) {
    throw damaged(error, key);
  }
}

function damaged(cause: unknown, key: string): EngineError {
  return new EngineError('corrupt', `Cannot read log segment "${key}": it is damaged`, { cause });
}
