// The record of one processed datum, as it is stored in a pipeline's meta repo beside the datum's output.

import { EngineError } from '../base/errors.ts';
import type { ImageRecord, JobStats } from '../journal/records.ts';

/** One file or directory that a datum read. */
export interface ResultInput {
  /** Name of the input. */
  readonly name: string;
  readonly project: string;
  readonly repo: string;
  readonly branch: string;
  readonly commit: string;
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

export interface DatumResult {
  readonly datum: string;
  readonly hash: string;
  /** The job that processed it. */
  readonly job: string;
  readonly state: 'success' | 'failed' | 'recovered';
  readonly reason: string;
  readonly exitCode: number | null;
  readonly tries: number;
  readonly inputs: readonly ResultInput[];
  /** Git tree of what it wrote; null for nothing. Stored as the entry `out` beside the record, not in it. */
  readonly output: string | null;
  readonly stats: JobStats;
  /** In milliseconds since the Unix epoch. */
  readonly started: number;
  /** Version of the pipeline. */
  readonly version: number;
  readonly image: ImageRecord | null;
  readonly lastLines: readonly string[];
  /** `name@version` of the secrets that it could see; absent for none. */
  readonly secrets?: readonly string[];
}

const FORMAT = 1;

/** Makes the bytes of `meta.json`. */
export function encodeResult(result: DatumResult): Buffer {
  const { output: _beside, ...record } = result;
  return Buffer.from(`${JSON.stringify({ format: FORMAT, ...record })}\n`);
}

/** Reads `meta.json`; `output` is the tree that stood beside it. A damaged or newer record is `corrupt`. */
export function decodeResult(bytes: Uint8Array, output: string | null): DatumResult {
  let record: DatumResult & { format: number };
  try {
    record = JSON.parse(Buffer.from(bytes).toString('utf8')) as typeof record;
  } catch (error) {
    throw damaged(error);
  }
  const { format, ...result } = record;
  if (format !== FORMAT) {
    throw new EngineError(
      'corrupt',
      `Cannot read a datum result: its format is ${format}, this engine knows ${FORMAT}; use a newer engine`,
    );
  }
  return { ...result, output };
}

function damaged(cause: unknown): EngineError {
  return new EngineError(
    'corrupt',
    'Cannot read a datum result: its record is damaged; run the datum again with --reprocess',
    { cause },
  );
}
