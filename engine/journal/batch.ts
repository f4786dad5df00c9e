// Turns waiting transactions into the next entry of the log. It does no I/O and leaves the state as it found it.

import { EngineError } from '../base/errors.ts';
import { MAX_OBJECT_BYTES } from '../base/limits.ts';
import type { Span } from '../base/tracer.ts';
import type { Decision, Entry, Transaction } from './definition.ts';
import { encodeEntry, encodeTransaction } from './entry.ts';
import type { Fold } from './fold.ts';
import type { JournalState } from './journal-state.ts';

/** An entry is closed once its transactions hold this many bytes, so that one slow put never carries everything. */
const TARGET_ENTRY_BYTES = 4 * 1024 * 1024;
const MAX_TRANSACTIONS = 1000;

/** A transaction that waits for its turn. */
export interface Pending<S, O> {
  readonly run: (state: S) => Decision<O, unknown>;
  readonly actor: string;
  readonly request?: string;
  readonly settle: (outcome: Outcome) => void;
  /** What it is part of, where spans are collected. */
  readonly span?: Span | undefined;
}

export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** What became of the transactions taken from the queue, if `entry` becomes durable; undefined: nothing to put. */
export interface Batch<S, O> {
  readonly outcomes: readonly { readonly pending: Pending<S, O>; readonly outcome: Outcome }[];
  readonly entry?: Entry;
  readonly bytes?: Buffer;
}

/**
 * Runs the first of `queue`, each on what the ones before it left, and takes all changes back. Outcomes, refusals
 * included, may rest on transactions of the same batch: they hold only once the entry is durable.
 */
export function makeBatch<S extends JournalState, O>(
  fold: Fold<S, O>,
  options: {
    readonly queue: readonly Pending<S, O>[];
    readonly head: Omit<Entry, 'transactions'>;
  },
): Batch<S, O> {
  const { queue, head } = options;
  const outcomes: { pending: Pending<S, O>; outcome: Outcome }[] = [];
  const transactions: Transaction[] = [];
  const texts: string[] = [];
  let bytes = 0;
  fold.speculate((apply) => {
    for (const pending of queue) {
      if (bytes >= TARGET_ENTRY_BYTES || texts.length >= MAX_TRANSACTIONS) {
        break;
      }
      const outcome = attempt(() => {
        const known =
          pending.request === undefined ? undefined : fold.requests.find(pending.request);
        if (known) {
          return known.result;
        }
        const { text, transaction, result } = decide(pending, fold.state);
        if (transaction) {
          const { actor, request } = pending;
          apply(transaction, {
            ...head,
            actor,
            index: transactions.length,
            ...(request === undefined ? {} : { request }),
          });
          transactions.push(transaction);
          texts.push(text);
          bytes += text.length;
        }
        return result;
      });
      outcomes.push({ pending, outcome });
    }
  });
  if (texts.length === 0) {
    return { outcomes };
  }
  return { outcomes, entry: { ...head, transactions }, bytes: encodeEntry(head, texts) };
}

/**
 * Lets the transaction decide, and puts what it decided through JSON: this engine applies exactly what every other
 * one will read, and a retry gets exactly what the first try got.
 */
function decide<S, O>(
  pending: Pending<S, O>,
  state: S,
): { text: string; transaction?: Transaction; result: unknown } {
  const { operations, result } = pending.run(state);
  if (operations.length === 0) {
    return { text: '', result };
  }
  const { actor, request } = pending;
  const text = encodeTransaction({
    actor,
    operations,
    ...(request === undefined ? {} : { request, result }),
  });
  if (text.length > MAX_OBJECT_BYTES / 4) {
    throw new EngineError(
      'resource_exhausted',
      `Cannot commit a transaction of ${text.length} bytes: the limit is ${MAX_OBJECT_BYTES / 4}; split it`,
    );
  }
  const transaction = JSON.parse(text) as Transaction;
  return { text, transaction, result: request === undefined ? result : transaction.result };
}

function attempt(work: () => unknown): Outcome {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
