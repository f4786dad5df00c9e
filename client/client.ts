// A client of the API, typed by its operations. Knows requests, pages, streams and problems; what carries them is handed in,
// so that it runs in pages as well as in Node.

import type {
  AnswerOf,
  BytesKey,
  CallKey,
  ItemOf,
  Key,
  LineOf,
  LinesKey,
  ListKey,
  StreamKey,
} from '../engine/server/operations/types.ts';
import type { Page, Problem } from '../engine/server/wire.ts';
import { isOfEngine, parseProblem, readText } from './answers.ts';
import { ApiError } from './api-error.ts';
import type { Asked, Changing, Followed, Opened, Opening, Rest } from './asked.ts';
import { parseLines } from './json-lines.ts';
import { type Loose, requestOf } from './request.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

export interface ClientOptions {
  readonly transport: Transport;
  /** Makes an error of a refusal. */
  readonly errorOf?: (problem: Problem) => Error;
  /** Makes an error of an answer that is none of an engine's; `status` is that of the answer. */
  readonly errorOfStranger?: (answer: {
    readonly status: number;
    readonly cause?: unknown;
  }) => Error;
  /** Called with the operation of each document that is sent and part of no transaction. */
  readonly onWrite?: (operation: Key) => void;
}

interface Listing extends Loose {
  readonly most?: number | undefined;
  /** Where all is wanted, or a part of it: larger pages than those of a list that is read one by one. */
  readonly mostOnPage?: number;
}

/** What can be sent again is tried this often when the connection breaks. */
const TRIES = 3;
/** Items on a page of a list that is read one by one, and of one that is wanted as a whole. */
const MOST_ON_A_PAGE = 1000;
const MOST_ITEMS = 10_000;

/** One engine. */
export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * Asks for a document, or for something to be done. Documents go as JSON and text as it is. Where the connection breaks, it is
   * sent again: writes under one idempotency key for all tries, and never those that have an effect each time all the same.
   */
  async call<K extends CallKey>(key: K, ...[asked]: Rest<K, Changing>): Promise<AnswerOf<K>> {
    const request = requestOf(key, asked);
    if (request.method !== 'GET' && (asked as Loose | undefined)?.transaction === undefined) {
      this.#options.onWrite?.(key);
    }
    return (await this.#document(request)) as AnswerOf<K>;
  }

  /** Yields the items of a list page by page, from `query.after` on. */
  pages<K extends ListKey>(key: K, ...[asked]: Rest<K>): AsyncGenerator<readonly ItemOf<K>[]> {
    return this.#pages(key, asked);
  }

  /** Yields all items of a list, one at a time, and at most `most`. */
  items<K extends ListKey>(
    key: K,
    ...[asked]: Rest<K, { readonly most?: number | undefined }>
  ): AsyncGenerator<ItemOf<K>> {
    return this.#items(key, asked);
  }

  /** Returns all items of a list, or the first `most`. */
  async all<K extends ListKey>(
    key: K,
    ...[asked]: Rest<K, { readonly most?: number | undefined }>
  ): Promise<readonly ItemOf<K>[]> {
    const found: ItemOf<K>[] = [];
    for await (const item of this.#items(key, { mostOnPage: MOST_ITEMS, ...asked })) {
      found.push(item);
    }
    return found;
  }

  /** Yields the documents of an answer as they come. Throws the problem that ends it. */
  async *lines<K extends LinesKey>(
    key: K,
    ...[asked]: Rest<K, Followed>
  ): AsyncGenerator<LineOf<K>> {
    const { bytes } = await this.#answer(requestOf(key, asked));
    (asked as Followed | undefined)?.onOpen?.();
    try {
      for await (const document of parseLines<object>(bytes)) {
        if ('problem' in document && Object.keys(document).length === 1) {
          throw this.#refusal(document.problem as Problem);
        }
        yield document as LineOf<K>;
      }
    } catch (error) {
      throw this.#options.transport.explain(error, 'while it answered');
    }
  }

  /** Starts to read bytes. What is read ends with an error when the connection breaks. */
  async open<K extends BytesKey>(key: K, ...[asked]: Rest<K, Opening>): Promise<Opened> {
    const response = await this.#answer(requestOf(key, asked));
    return {
      isPart: response.status === 206,
      etag: response.header('etag'),
      size: Number(response.header('content-length') ?? Number.NaN),
      bytes: this.#guarded(response),
    };
  }

  /** As {@link Client.open}, where only the bytes are wanted. */
  async bytes<K extends BytesKey>(key: K, ...[asked]: Rest<K>): Promise<AsyncIterable<Uint8Array>> {
    return this.#guarded(await this.#answer(requestOf(key, asked)));
  }

  /** Sends bytes. Those of a stream go once: a broken connection is an error then, since they can't be read twice. */
  async upload<K extends StreamKey & CallKey>(
    key: K,
    asked: Asked<K> & {
      readonly source: AsyncIterable<Uint8Array> | Blob;
      readonly type: string;
      readonly isGzipped?: boolean;
      /** Under which it can be sent again; one is made where it is left out. */
      readonly idempotencyKey?: string;
      readonly onProgress?: (sent: number, total: number) => void;
    },
  ): Promise<AnswerOf<K>> {
    const request = requestOf(key, asked);
    const { type, source, isGzipped, idempotencyKey, onProgress } = asked;
    return (await this.#document({
      ...request,
      headers: {
        ...request.headers,
        'content-type': type,
        ...(isGzipped ? { 'content-encoding': 'gzip' } : {}),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: source,
      ...(onProgress ? { onProgress } : {}),
    })) as AnswerOf<K>;
  }

  /** Sends a stream and yields the bytes of the answer, side by side. What breaks one off breaks off the other. */
  async converse<K extends StreamKey & BytesKey>(
    key: K,
    asked: Asked<K> & { readonly source: AsyncIterable<Uint8Array>; readonly type: string },
  ): Promise<AsyncIterable<Uint8Array>> {
    const request = requestOf(key, asked);
    const response = await this.#answer({
      ...request,
      headers: { ...request.headers, 'content-type': asked.type },
      body: asked.source,
      isConversation: true,
    });
    return this.#guarded(response);
  }

  async *#items<K extends ListKey>(
    key: K,
    { most = Infinity, mostOnPage, ...rest }: Listing = {},
  ): AsyncGenerator<ItemOf<K>> {
    const limit = Math.min(most, mostOnPage ?? (most < Infinity ? MOST_ON_A_PAGE : Infinity));
    const { limit: wanted = limit < Infinity ? limit : undefined } = rest.query ?? {};
    let left = most;
    for await (const items of this.#pages(key, {
      ...rest,
      query: { ...rest.query, limit: wanted },
    })) {
      for (const item of items) {
        if (left <= 0) {
          return;
        }
        left -= 1;
        yield item;
      }
      if (left <= 0) {
        return;
      }
    }
  }

  async *#pages<K extends ListKey>(
    key: K,
    first: Loose = {},
  ): AsyncGenerator<readonly ItemOf<K>[]> {
    let { after } = first.query ?? {};
    for (;;) {
      const request = requestOf(key, { ...first, query: { ...first.query, after } });
      const page = (await this.#document(request)) as Page<ItemOf<K>>;
      yield page.items;
      if (page.next === null) {
        return;
      }
      after = page.next;
    }
  }

  async #document(request: ApiRequest): Promise<unknown> {
    const response = await this.#answer(request);
    const text = await this.#text(response);
    if (text === '') {
      return undefined;
    }
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw this.#stranger({ status: response.status, cause });
    }
  }

  /** Sends a request and returns its successful answer. */
  async #answer(request: ApiRequest): Promise<ApiResponse> {
    const response = await this.#send(request);
    if (response.status < 400) {
      return response;
    }
    const { status } = response;
    const problem = parseProblem(await this.#text(response));
    if (problem === undefined && !isOfEngine(response)) {
      throw this.#stranger({ status });
    }
    throw this.#refusal(
      problem ?? {
        type: '/problems/internal',
        title: 'Internal error',
        status,
        code: status === 401 || status === 403 ? 'unauthenticated' : 'internal',
        detail: `The engine answered with status ${status} and no reason; see pfs engine logs`,
      },
    );
  }

  async #send(request: ApiRequest): Promise<ApiResponse> {
    const { transport } = this.#options;
    const { body, isSentOnce } = request;
    const canBeRead = body === undefined || typeof body === 'string' || body instanceof Blob;
    const canRepeat = canBeRead && !isSentOnce;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await transport.send(request);
      } catch (error) {
        if (!(transport.isBroken(error) && canRepeat && attempt < TRIES)) {
          throw transport.explain(error, 'before it answered');
        }
        await transport.pause?.(attempt, request.signal);
      }
    }
  }

  async #text(response: ApiResponse): Promise<string> {
    return await readText(response).catch((error: unknown) => {
      throw this.#options.transport.explain(error, 'while it answered');
    });
  }

  async *#guarded(response: ApiResponse): AsyncGenerator<Uint8Array> {
    try {
      yield* response.bytes;
    } catch (error) {
      throw this.#options.transport.explain(error, 'while it sent data');
    }
  }

  #refusal(problem: Problem): Error {
    return this.#options.errorOf?.(problem) ?? new ApiError(problem);
  }

  #stranger(answer: { readonly status: number; readonly cause?: unknown }): Error {
    return (
      this.#options.errorOfStranger?.(answer) ??
      new Error('Cannot understand what answers: it is not a pfs engine', { cause: answer.cause })
    );
  }
}
