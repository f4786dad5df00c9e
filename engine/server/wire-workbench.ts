// What travels while somebody works on one datum; as `wire.ts`, which says what holds for all routes. Nothing of it is recorded.
//
//  POST   /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}/debug   body and answer: messages (`SESSION_TYPE`)
//  POST   /workbench                                                       likewise: one datum of a spec
//
// Both go on side by side, in one request: what happens is told as it happens. The first message is the request. The session ends
// with the client's connection, whatever runs then.
//
// message = kind(u8) length(u32 BE) data(length bytes)

export type {
  BenchEnd,
  BenchStart,
  DebugRequest,
  RunLocalRequest,
  TerminalSize,
} from './wire-sessions.ts';

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
