// Docker over SSH, through the user's own `ssh` with all its keys and settings.

import { spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { Duplex } from 'node:stream';
import type { Environment } from './docker-config.ts';

/** Returns the arguments for `ssh` that reach the Docker engine at `host`, `ssh://user@host:port`. */
export function sshArguments(host: string): string[] {
  const url = new URL(host);
  const options = ['-o', 'ConnectTimeout=30', '-T'];
  if (url.username) {
    options.push('-l', decodeURIComponent(url.username));
  }
  if (url.port) {
    options.push('-p', url.port);
  }
  return [...options, '--', url.hostname, 'docker', 'system', 'dial-stdio'];
}

/** An HTTP agent whose connections are `ssh` processes, each joined to the Docker socket of the other machine. */
export class SshAgent extends Agent {
  readonly #host: string;
  readonly #environment: Environment;

  constructor(host: string, environment: Environment) {
    super({ keepAlive: false });
    this.#host = host;
    this.#environment = environment;
  }

  override createConnection(): Duplex {
    const child = spawn('ssh', sshArguments(this.#host), {
      env: { ...this.#environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-1000);
    });
    const connection = new SshConnection(
      Duplex.from({ writable: child.stdin, readable: child.stdout }),
    );
    child.once('error', (error) => connection.destroy(error));
    child.once('exit', (code) => {
      if (code !== 0) {
        connection.destroy(new Error(complaint.trim() || `ssh ended with code ${code}`));
      }
    });
    connection.once('close', () => child.kill());
    return connection;
  }
}

/** What the HTTP client expects of a socket beyond a stream; none of it means anything here. */
class SshConnection extends Duplex {
  readonly #inner: Duplex;

  constructor(inner: Duplex) {
    super();
    this.#inner = inner;
    inner.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) {
        inner.pause();
      }
    });
    inner.on('end', () => this.push(null));
    inner.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#inner.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy();
    done(error);
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
