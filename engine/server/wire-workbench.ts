// What travels while somebody works on one datum; as `wire.ts`, which says what holds for all routes. Nothing of it is recorded.
//
//  POST   /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}/debug   body and answer: messages (`SESSION_TYPE`)
//  POST   /workbench                                                       likewise: one datum of a spec
//
// Both go on side by side, in one request: what happens is told as it happens. The first message is the request. The session ends
// with the client's connection, whatever runs then.
//
// message = kind(u8) length(u32 BE) data(length bytes)

import type { Datum } from './wire.ts';

/** Media type of a session's messages. */
export const SESSION_TYPE = 'application/vnd.pfs.session';

/** Kinds of messages that the client sends. */
export const ASKED = {
  /** JSON: `DebugRequest` or `RunLocalRequest`. */
  request: 1,
  /** File frames of what is to be mounted, each path below the number of its mount: `0/main.py`. */
  files: 2,
  filesEnd: 3,
  /** For the standard input of the command. */
  input: 4,
  inputEnd: 5,
  /** JSON: `TerminalSize`. */
  resize: 6,
} as const;

/** Kinds of messages that the engine sends. */
export const TOLD = {
  /** Nothing: keeps the connection alive. */
  alive: 0,
  /** JSON: `BenchStart`. */
  start: 1,
  /** What is being done before that, a line of text. */
  note: 2,
  stdout: 3,
  stderr: 4,
  /** File frames of the output, where it was asked for. */
  output: 5,
  /** JSON: `BenchEnd`. The last message but for a problem. */
  end: 6,
  /** JSON: `Problem`. The last message. */
  problem: 7,
} as const;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface DebugRequest {
  /** argv; empty: a shell. */
  readonly command: readonly string[];
  /** `type` is what `TERM` says. */
  readonly terminal?: TerminalSize & { readonly type: string };
}

export interface RunLocalRequest {
  /** Of the spec file. */
  readonly spec: string;
  /** For messages. */
  readonly file: string;
  readonly project: string;
  /** Which pipeline, where the spec has several. */
  readonly pipeline?: string;
  /** Which datum: its number from 0, or a path that it reads; the first where absent. */
  readonly datum?: number | string;
  /** Where the directories that are sent appear in the container; absolute. */
  readonly mounts: readonly string[];
  /** Whether the files of the output are to be sent. */
  readonly output: boolean;
}

/** The surroundings of the command, once they stand. */
export interface BenchStart {
  readonly datum: string;
  readonly inputs: Datum['inputs'];
  readonly image: { readonly reference: string; readonly digest: string };
  /** Of the spec. */
  readonly command: readonly string[];
  readonly warnings: readonly string[];
}

export interface BenchEnd {
  /** Null where the command did not end by itself. */
  readonly exitCode: number | null;
  /** Whether a job would take it for a success; of `debug`, whether it ended with 0. */
  readonly ok: boolean;
  readonly reason: string;
  /** The first files of the output, and how many there are. Of `debug`, none. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  readonly fileCount: number;
  readonly processMs: number;
}
