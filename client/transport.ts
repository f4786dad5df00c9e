// What carries requests to an engine and answers back: Node's HTTP for the command line, `fetch` for pages.

/** What is sent with a request. A stream can be read once, so that its request is never tried again. */
export type Content = string | Blob | AsyncIterable<Uint8Array>;

/** Memory in which an answer may arrive. */
export interface AnswerMemory {
  /** Returns a piece that nothing else is in. */
  take(): Uint8Array;
}

export interface ApiRequest {
  readonly method: string;
  /** With the prefix of the API and the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Content;
  /** It is never tried again: it would have its effect twice. */
  readonly isSentOnce?: boolean;
  /** The answer comes while the body is sent. */
  readonly isConversation?: boolean;
  /** For an answer that may be long and says how long: where its bytes may go instead of into memory of their own. */
  readonly memory?: AnswerMemory;
  /** Called with how many bytes of a Blob have been sent, where the transport can tell. */
  readonly onProgress?: (sent: number, total: number) => void;
  /** Ends the request and its answer when it aborts. */
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  /** Returns a header, by its name in lower case. */
  header(name: string): string | undefined;
  /** What it holds. Whoever stops before the end gives up the rest. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface Transport {
  /** Resolves with the answer once its headers are there. Rejects where there is none. */
  send(request: ApiRequest): Promise<ApiResponse>;
  /** Returns whether an error means that a connection was cut: what can be sent again is. */
  isBroken(error: unknown): boolean;
  /** Resolves when a request that was tried so often may be tried again; at once where it is left out. Rejects when `signal` aborts. */
  pause?(tries: number, signal?: AbortSignal): Promise<void>;
  /**
   * Returns an error of the connection as people are told of it, others as they are.
   * @param when what the engine was doing, as in `before it answered`.
   */
  explain(error: unknown, when: string): unknown;
}
