// A real Git server for tests: stock `git http-backend` behind Node's HTTP server, with a password where wanted.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { serveGit } from './git-http-backend.ts';

const AUTHOR = {
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

/** Some repositories, and one work tree of each. Close it. */
export class GitServer {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** `user:password` that it wants. */
  login: string | undefined;
  /** Requests so far: method, path and query. */
  readonly requests: string[] = [];
  readonly #folder: string;
  readonly #close: () => Promise<void>;
  /** Commits are a second apart, so that their order can be told. */
  #time = 1_700_000_000;

  private constructor(folder: string, options: { url: string; close: () => Promise<void> }) {
    this.#folder = folder;
    this.url = options.url;
    this.#close = options.close;
  }

  static async start(port = 0): Promise<GitServer> {
    const folder = mkdtempSync(join(tmpdir(), 'pfs-git-server-'));
    let self: GitServer | undefined;
    const server = createServer((request, response) => self?.answer(request, response));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    self = new GitServer(folder, { url, close });
    return self;
  }

  /** Goes away; its repositories stay until it is closed. */
  async stop(): Promise<void> {
    await this.#close();
  }

  async close(): Promise<void> {
    await this.#close().catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Makes an empty repository with a work tree; returns its address. */
  create(name: string): string {
    const bare = this.#bare(name);
    this.#git(this.#folder, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
    this.#git(this.#folder, 'clone', '--quiet', bare, this.tree(name));
    this.#git(this.tree(name), 'checkout', '--quiet', '-B', 'main');
    return `${this.url}/${name}.git`;
  }

  /** Where the work tree is. */
  tree(name: string): string {
    return join(this.#folder, `${name}-tree`);
  }

  /** Runs git in the work tree. */
  git(name: string, ...args: readonly string[]): string {
    return this.#git(this.tree(name), ...args).trim();
  }

  /** Commits files and pushes them; returns the commit's id. */
  push(name: string, files: Readonly<Record<string, string>>, message = 'a commit'): string {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.tree(name), path)), { recursive: true });
      writeFileSync(join(this.tree(name), path), text);
    }
    const id = this.commit(name, message);
    this.git(name, 'push', '--quiet', '--force', 'origin', 'HEAD');
    return id;
  }

  /** Commits what is in the work tree, and pushes nothing. */
  commit(name: string, message = 'a commit'): string {
    this.git(name, 'add', '--all');
    this.git(name, 'commit', '--quiet', '--allow-empty', '-m', message);
    return this.git(name, 'rev-parse', 'HEAD');
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    const wanted = this.login && `Basic ${Buffer.from(this.login).toString('base64')}`;
    if (wanted && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' });
      response.end('who are you?');
      return;
    }
    serveGit({ root: this.#folder, request, response });
  }

  #bare(name: string): string {
    return join(this.#folder, `${name}.git`);
  }

  #git(folder: string, ...args: readonly string[]): string {
    this.#time += 1;
    const time = `${this.#time} +0000`;
    return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, ...AUTHOR, GIT_AUTHOR_DATE: time, GIT_COMMITTER_DATE: time },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
