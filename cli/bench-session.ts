// The user's side of work on one datum: standard input and the size of the terminal go to the engine, what happens comes back.

import { decodeMessages, encodeMessage, jsonOf } from '../engine/server/session-messages.ts';
import type { Problem } from '../engine/server/wire.ts';
import {
  ASKED,
  type BenchEnd,
  type BenchStart,
  SESSION_TYPE,
  TOLD,
} from '../engine/server/wire-workbench.ts';
import { CliError, problemError } from './cli-error.ts';
import type { Context } from './context.ts';
import { writeTo } from './output.ts';
import { makeRaw } from './raw-terminal.ts';

/** Sends the messages of one side and resolves with those of the other. */
type SessionAsk = (talk: {
  readonly type: string;
  readonly source: AsyncIterable<Uint8Array>;
}) => Promise<AsyncIterable<Uint8Array>>;

export interface BenchSession {
  readonly ask: SessionAsk;
  readonly request: object;
  /** File frames of what is to be mounted. */
  readonly files?: AsyncIterable<Uint8Array>;
  /** Whether standard input goes to the command. */
  readonly input: boolean;
  /** Whether the command has the user's terminal. */
  readonly terminal: boolean;
  readonly onStart: (start: BenchStart) => void;
  /** Takes the file frames of the output. */
  readonly onOutput?: (frames: AsyncIterable<Uint8Array>) => Promise<void>;
}

/** Sends the request and goes on until the command has ended; returns how. */
export async function runSession(context: Context, session: BenchSession): Promise<BenchEnd> {
  let restore = (): void => undefined;
  const outbox = new Outbox();
  if (session.terminal) {
    context.output.onResize(() => outbox.put(ASKED.resize, context.output.terminal ?? {}));
  }
  try {
    const answer = await session.ask({
      type: SESSION_TYPE,
      source: sent(context, session, outbox),
    });
    return await listen(context, session, {
      answer,
      onStart: () => {
        if (session.terminal && session.input) {
          restore = makeRaw(context.stdin);
        }
      },
    });
  } finally {
    outbox.close();
    restore();
    if (session.input) {
      context.stdin.pause();
      (context.stdin as { unref?: () => void }).unref?.();
    }
  }
}

/** Messages that wait to be sent. */
class Outbox {
  readonly #waiting: Buffer[] = [];
  #wake: () => void = () => undefined;
  #isClosed = false;

  put(kind: number, data: Uint8Array | string | object = ''): void {
    this.#waiting.push(encodeMessage(kind, data));
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async *messages(): AsyncGenerator<Uint8Array> {
    while (!this.#isClosed) {
      const next = this.#waiting.shift();
      if (next) {
        yield next;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

async function* sent(
  context: Context,
  session: BenchSession,
  outbox: Outbox,
): AsyncGenerator<Uint8Array> {
  yield encodeMessage(ASKED.request, session.request);
  if (session.files) {
    for await (const chunk of session.files) {
      yield encodeMessage(ASKED.files, chunk);
    }
    yield encodeMessage(ASKED.filesEnd);
  }
  if (session.input) {
    const { stdin } = context;
    stdin.on('data', (chunk: Buffer | string) => outbox.put(ASKED.input, Buffer.from(chunk)));
    stdin.once('end', () => outbox.put(ASKED.inputEnd));
    stdin.resume();
  } else {
    outbox.put(ASKED.inputEnd);
  }
  yield* outbox.messages();
}

async function listen(
  { output }: Context,
  session: BenchSession,
  { answer, onStart }: { answer: AsyncIterable<Uint8Array>; onStart: () => void },
): Promise<BenchEnd> {
  const files = new Frames();
  let writing: Promise<void> | undefined;
  try {
    for await (const message of decodeMessages(answer)) {
      switch (message.kind) {
        case TOLD.note:
          output.note(message.data.toString());
          break;
        case TOLD.start:
          session.onStart(jsonOf<BenchStart>(message));
          onStart();
          break;
        case TOLD.stdout:
          await output.write(message.data);
          break;
        case TOLD.stderr:
          await writeTo(output.stderr, message.data);
          break;
        case TOLD.output:
          writing ??= session.onOutput?.(files.read());
          writing?.catch(() => undefined);
          await files.put(Buffer.from(message.data));
          break;
        case TOLD.problem:
          throw problemError(jsonOf<Problem>(message));
        case TOLD.end:
          files.end();
          await writing;
          return jsonOf<BenchEnd>(message);
        default:
          break;
      }
    }
  } finally {
    files.end();
  }
  throw new CliError(
    'unreachable',
    'The engine ended the session without a word; see pfs engine logs',
  );
}

/** Hands bytes from the reader of messages to the writer of files, one piece at a time. */
class Frames {
  readonly #pieces: Buffer[] = [];
  #wake: () => void = () => undefined;
  #taken: () => void = () => undefined;
  #isOver = false;

  async put(piece: Buffer): Promise<void> {
    this.#pieces.push(piece);
    this.#wake();
    if (this.#pieces.length > 1 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
      });
    }
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece) {
          this.#taken();
          yield piece;
        } else if (this.#isOver) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#isOver = true;
      this.#taken();
    }
  }
}
