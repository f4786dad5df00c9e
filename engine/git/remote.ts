// A repository on a Git server, over HTTP: where a branch is, and the objects of some commits. What it sends goes into a file,
// never into memory as a whole: isomorphic-git, which lists refs here, holds whole packs.

import git, { type GitHttpRequest, type GitHttpResponse } from 'isomorphic-git';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { IncomingPack } from './incoming-pack.ts';
import { FLUSH, PktReader, pkt, textOf } from './pkt-line.ts';

/** The largest object that is taken from a server: it is held in memory as a whole, one at a time. */
const MAX_OBJECT_BYTES = 128 * 1024 * 1024;
const SILENCE_MS = 60_000;
const CAPABILITIES = 'side-band-64k ofs-delta no-progress shallow deepen-since agent=pfs';
const OBJECT_ID = /^[0-9a-f]{40}$/;

export interface RemoteOptions {
  /** `https://…` or `http://…`, without credentials. */
  readonly url: string;
  readonly login?: { readonly username: string; readonly password: string } | undefined;
  readonly signal: AbortSignal;
}

/** One repository. */
export class RemoteRepository {
  #url: string;
  /** Goes to the server that the user named, and to no other that it leads to. */
  #login: RemoteOptions['login'];
  readonly #options: RemoteOptions;

  constructor(options: RemoteOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#login = options.login;
    this.#options = options;
  }

  /**
   * Returns the commit that a branch is at (undefined: the one the server itself shows first); undefined where there is no
   * such branch. Rejects with `unavailable` or `failed_precondition`, saying what the server said.
   */
  async head(branch: string | undefined): Promise<string | undefined> {
    const ref = branch === undefined ? 'HEAD' : `refs/heads/${branch}`;
    try {
      const refs = await git.listServerRefs({
        http: { request: (request) => this.#forIsomorphicGit(request) },
        url: this.#url,
        prefix: ref,
        protocolVersion: 2,
      });
      const found = refs.find((one) => one.ref === ref)?.oid;
      return found !== undefined && OBJECT_ID.test(found) ? found : undefined;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /**
   * Fetches a commit with all its files, and where `since` is given also the commits before it that are not older than that
   * (in seconds since the Unix epoch). The pack is kept in a file at `path`; close it.
   */
  async fetch(
    commit: string,
    options: { readonly since?: number; readonly path: string },
  ): Promise<IncomingPack> {
    const { since, path } = options;
    try {
      if (since !== undefined) {
        try {
          return await this.#fetch(commit, { path, depth: `deepen-since ${since}` });
        } catch (error) {
          // A server that can't do that, or a history that went back in time: then the commit alone.
          if (!isEngineError(error, 'failed_precondition')) {
            throw error;
          }
        }
      }
      return await this.#fetch(commit, { path, depth: 'deepen 1' });
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #fetch(
    commit: string,
    options: { readonly path: string; readonly depth: string },
  ): Promise<IncomingPack> {
    const response = await this.#send(`${this.#url}/git-upload-pack`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-git-upload-pack-request',
        accept: 'application/x-git-upload-pack-result',
      },
      body: Buffer.concat([
        pkt(`want ${commit} ${CAPABILITIES}`),
        pkt(options.depth),
        FLUSH,
        pkt('done'),
      ]),
    });
    checkStatus(response);
    const reader = new PktReader(bodyOf(response, this.#options.signal));
    await readAnswer(reader);
    return await IncomingPack.receive(bandOf(reader), options.path, { maxBytes: MAX_OBJECT_BYTES });
  }

  async #forIsomorphicGit(request: GitHttpRequest): Promise<GitHttpResponse> {
    const { url, method = 'GET', headers = {}, body } = request;
    const parts: Uint8Array[] = [];
    for await (const part of body ?? []) {
      parts.push(part);
    }
    const response = await this.#send(url, {
      method,
      headers,
      ...(parts.length > 0 ? { body: Buffer.concat(parts) } : {}),
    });
    checkStatus(response);
    this.#follow(response);
    return {
      url: response.url,
      method,
      statusCode: response.status,
      statusMessage: response.statusText,
      headers: Object.fromEntries(response.headers),
      body: bodyOf(response, this.#options.signal),
    };
  }

  async #send(
    url: string,
    request: { method: string; headers: Record<string, string>; body?: Buffer },
  ): Promise<Response> {
    const { username, password } = this.#login ?? {};
    const authorization = this.#login && Buffer.from(`${username}:${password}`).toString('base64');
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), SILENCE_MS);
    const answered = fetch(url, {
      ...request,
      headers: {
        'user-agent': 'git/pfs',
        ...request.headers,
        ...(authorization ? { authorization: `Basic ${authorization}` } : {}),
      },
      ...(request.body ? { body: new Uint8Array(request.body) } : {}),
      signal: AbortSignal.any([this.#options.signal, late.signal]),
    });
    // What follows the first bytes may take its time.
    return await answered.finally(() => clearTimeout(timer));
  }

  /** Goes on where the server has led to: a request with a body can't be led. */
  #follow(response: Response): void {
    const at = response.url.indexOf('/info/refs');
    if (response.redirected && at > 0) {
      const before = new URL(this.#url).origin;
      this.#url = response.url.slice(0, at);
      this.#login = new URL(this.#url).origin === before ? this.#login : undefined;
    }
  }

  #failure(error: unknown): EngineError {
    if (this.#options.signal.aborted) {
      return new EngineError(
        'cancelled',
        'Cannot go on looking at the Git server: it was stopped',
        {
          cause: error,
        },
      );
    }
    const what = `Cannot read ${this.#url}`;
    if (isEngineError(error)) {
      const code = error.code === 'invalid' ? 'unavailable' : error.code;
      return new EngineError(code, `${what}: ${error.message}`, { cause: error });
    }
    const cause = (error as { cause?: unknown } | null)?.cause;
    const said =
      cause === undefined ? errorText(error) : `${errorText(error)}: ${errorText(cause)}`;
    return new EngineError('unavailable', `${what}: ${said}`, { cause: error });
  }
}

/** What must not be said is what the body holds: a page of somebody else's. */
function checkStatus(response: Response): void {
  const { status, statusText } = response;
  if (status === 401 || status === 403) {
    throw new EngineError(
      'failed_precondition',
      `the server wants other credentials (${status} ${statusText}); name a secret with username and password, or token, in the input`,
    );
  }
  if (status === 404) {
    throw new EngineError(
      'failed_precondition',
      'there is no such repository, or it is shown only to who logs in; correct the url, or name a secret',
    );
  }
  if (status < 200 || status > 299) {
    throw new EngineError('unavailable', `the server answered ${status} ${statusText}`);
  }
}

/** Yields the bytes of an answer; rejects when it stays silent. */
async function* bodyOf(response: Response, signal: AbortSignal): AsyncGenerator<Buffer> {
  const reader = response.body?.getReader();
  try {
    while (reader) {
      const { done, value } = await quickly(reader.read(), signal);
      if (done) {
        return;
      }
      yield Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}

async function quickly<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new EngineError('unavailable', 'the server fell silent'));
    }, SILENCE_MS);
    stop = () => reject(new EngineError('cancelled', 'it was stopped'));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([read, late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop ?? (() => undefined));
  }
}

/** Reads up to where the pack begins: what is shallow, and NAK. */
async function readAnswer(reader: PktReader): Promise<void> {
  for (;;) {
    const packet = await reader.next();
    if (packet === undefined) {
      throw new EngineError('failed_precondition', 'the server sent nothing');
    }
    const text = Buffer.isBuffer(packet) ? textOf(packet) : '';
    if (text.startsWith('ERR ')) {
      throw new EngineError('failed_precondition', text.slice(4));
    }
    if (text === 'NAK' || text.startsWith('ACK ')) {
      return;
    }
  }
}

/** Yields the pack out of the bands: 1 is data, 2 is talk, 3 is why it failed. */
async function* bandOf(reader: PktReader): AsyncGenerator<Buffer> {
  for (;;) {
    const packet = await reader.next();
    if (!Buffer.isBuffer(packet)) {
      return;
    }
    const bytes = packet.subarray(1);
    if (packet[0] === 1) {
      yield bytes;
    } else if (packet[0] === 3) {
      throw new EngineError('failed_precondition', bytes.toString('utf8').trim());
    }
  }
}
