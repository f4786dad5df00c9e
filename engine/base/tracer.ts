// The port to whoever collects spans: what the engine does, from beginning to end. Where nobody does, there is no tracer, and
// nothing is paid. Facts never hold names of files, contents or tokens.

import { isEngineError } from './errors.ts';

/** How spans travel to a collector. */
export type SpanProtocol = 'http/protobuf' | 'http/json';

/** What is known of a span, by the names under which collectors look for it; what is undefined is left out. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  readonly facts?: SpanFacts;
  /** What it is part of; where not named, what is under way where it begins. */
  readonly parent?: Span | undefined;
  /** What else caused it. */
  readonly links?: readonly Span[];
}

/** How a span begins that is part of nothing which this engine does. */
export interface RootOptions extends Pick<SpanOptions, 'facts'> {
  /** 32 hex digits: the trace it belongs to, for what is found again by its own id. */
  readonly trace?: string;
  /** Of the request that it answers, which may say what that is part of. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Something under way. */
export interface Span {
  set(facts: SpanFacts): void;
  /** Runs `work` so that what begins in it is part of this. */
  within<T>(work: () => T): T;
  /** Says that it did not go well; `kind` is one of few words. */
  fail(kind: string): void;
  end(): void;
}

export interface Tracer {
  /** What is under way here, or undefined. */
  readonly current: Span | undefined;
  begin(name: string, options?: SpanOptions): Span;
  beginRoot(name: string, options?: RootOptions): Span;
}

/** Runs `work` as what `span` tells of, and ends that with it. */
export async function traced<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await span.within(() => work(span));
  } catch (error) {
    span.fail(isEngineError(error) ? error.code : 'error');
    throw error;
  } finally {
    span.end();
  }
}
