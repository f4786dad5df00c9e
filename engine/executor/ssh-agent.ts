// Docker over SSH, through the user's own `ssh` with all its keys and settings.

import { spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { Duplex, type Readable, type Writable } from 'node:stream';
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
    const connection = new SshConnection(child.stdin, child.stdout);
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

/**
 * What the HTTP client expects of a socket beyond a stream; none of it means anything here. The other side's end of one
 * direction says nothing about what is still to come in the other.
 */
class SshConnection extends Duplex {
  readonly #to: Writable;
  readonly #from: Readable;

  constructor(to: Writable, from: Readable) {
    super();
    this.#to = to;
    this.#from = from;
    from.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) {
        from.pause();
      }
    });
    from.on('end', () => this.push(null));
    from.on('error', (error) => this.destroy(error));
    // A write that fails says so to whoever wrote; a pipe that closes after the last one is no failure.
    to.on('error', () => undefined);
  }

  override _read(): void {
    this.#from.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#to.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#to.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#to.destroy();
    this.#from.destroy();
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
