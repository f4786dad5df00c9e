// The certificate of the engine and its key: two files, which are read anew when they change, without a restart.

import { readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import { EngineError, errorText } from '../base/errors.ts';

/** What a server that speaks TLS is given. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A server whose certificate can be replaced. */
interface TlsServer {
  setSecureContext(certificate: Certificate): void;
}

/** Changes of several files come together. */
const SETTLE_MS = 200;

/** The files of one engine. */
export class TlsFiles {
  readonly #paths: { readonly cert: string; readonly key: string };
  readonly #onProblem: (error: unknown) => void;
  #now: Certificate;

  /** Reads the files; rejects with `failed_precondition` where they can't be used. */
  constructor(
    paths: { readonly cert: string; readonly key: string },
    options: { readonly onProblem: (error: unknown) => void },
  ) {
    this.#paths = paths;
    this.#onProblem = options.onProblem;
    this.#now = this.#read();
  }

  /** The certificate as it is now. */
  get certificate(): Certificate {
    return this.#now;
  }

  /** Gives servers each new certificate; a bad one is told, and the one before stays. Returns what ends that. */
  follow(servers: readonly TlsServer[]): () => void {
    let timer: NodeJS.Timeout | undefined;
    const renew = () => {
      try {
        const next = this.#read();
        if (!next.cert.equals(this.#now.cert) || !next.key.equals(this.#now.key)) {
          this.#now = next;
          for (const server of servers) {
            server.setSecureContext(next);
          }
        }
      } catch (error) {
        this.#onProblem(error);
      }
    };
    const { cert, key } = this.#paths;
    // Files are replaced by renaming, or by a link that leads elsewhere: only their folders tell of it.
    const watchers = [...new Set([dirname(cert), dirname(key)])].map((folder) =>
      watch(folder, { persistent: false }, () => {
        clearTimeout(timer);
        timer = setTimeout(renew, SETTLE_MS).unref();
      }),
    );
    return () => {
      clearTimeout(timer);
      for (const watcher of watchers) {
        watcher.close();
      }
    };
  }

  #read(): Certificate {
    const { cert, key } = this.#paths;
    try {
      const read = { cert: readFileSync(cert), key: readFileSync(key) };
      createSecureContext(read);
      return read;
    } catch (error) {
      throw unusable(this.#paths, error);
    }
  }
}

function unusable({ cert, key }: { readonly cert: string; readonly key: string }, cause: unknown) {
  return new EngineError(
    'failed_precondition',
    `Cannot use the certificate "${cert}" with the key "${key}": ${errorText(cause)}`,
    { cause },
  );
}
