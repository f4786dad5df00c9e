// Where a page is tried out: a new folder with the checkout's examples in it, a home, a shell, and what stands for the places that a
// page names: servers of the Internet, folders of the reader's machine.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { CliHome, checkout } from '../support/cli.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import type { Page } from './page.ts';
import { Shell, type Typed } from './shell.ts';

/** The first part of the paths that stand for the reader's own folders. */
const FOLDERS = ['tmp', 'mnt', 'srv'] as const;
const FOLDER_PATTERN = new RegExp(`(?<![\\w.}-])/(?=(?:${FOLDERS.join('|')})/)`, 'g');

export class PageHome {
  readonly #home: CliHome;
  readonly #stops: (() => Promise<unknown>)[] = [];
  /** What a page says, and what it means here; the longest first. */
  readonly #meant = new Map<string, string>();
  readonly #shell: Shell;

  private constructor(home: CliHome, meant: ReadonlyMap<string, string>) {
    this.#home = home;
    this.#meant = new Map(meant);
    const folder = home.path('here');
    mkdirSync(folder);
    for (const name of ['pipelines', 'docker']) {
      symlinkSync(join(checkout, name), join(folder, name));
    }
    for (const name of FOLDERS) {
      mkdirSync(home.path(name));
    }
    this.#shell = new Shell(folder, home.folder, {
      ...process.env,
      ...home.environment,
      PATH: `${join(checkout, 'bin')}:${process.env.PATH}`,
      GIT_CONFIG_GLOBAL: home.path('gitconfig'),
      EDITOR: 'true',
    });
  }

  /** Opens one with what the page needs; `skip` says why that can't be had. */
  static async open(page: Page): Promise<PageHome | { readonly skip: string }> {
    const env: Record<string, string> = page.needs.has('docker') ? {} : { PFS_EXECUTOR: 'process' };
    const meant = new Map<string, string>();
    const stops: (() => Promise<unknown>)[] = [];
    const skip =
      (page.needs.has('s3') && (await bringS3(env, { meant, stops }))) ||
      (page.needs.has('postgres') && (await bringPostgres(env, { meant, stops })));
    if (page.needs.has('web')) {
      await bringWeb({ meant, stops });
    }
    if (skip) {
      await Promise.all(stops.map((stop) => stop()));
      return { skip };
    }
    const home = new PageHome(new CliHome(env), meant);
    home.#stops.push(...stops);
    return home;
  }

  /** Types a command, with what it names replaced by what stands for it here; what it prints is told in the page's words. */
  async type(text: string): Promise<Typed> {
    const typed = await this.#shell.type(this.#here(text));
    return { ...typed, printed: this.#there(typed.printed) };
  }

  /** From here on `name` means `value`. */
  mean(name: string, value: string): void {
    this.#meant.set(name, value);
  }

  write(name: string, text: string): void {
    const path = join(this.#home.path('here'), this.#here(name));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.#here(text));
  }

  async close(): Promise<void> {
    try {
      await this.#shell.close();
      await this.#home.close();
    } finally {
      await Promise.all(this.#stops.map((stop) => stop()));
    }
  }

  #here(text: string): string {
    let here = text;
    for (const [name, value] of this.#meant) {
      here = here.replaceAll(name, value);
    }
    return here
      .replace(FOLDER_PATTERN, `${this.#home.folder}/`)
      .replace(/(?<=^|[\s='"])~(?=\/)/gm, this.#home.folder);
  }

  #there(text: string): string {
    let there = text;
    for (const name of FOLDERS) {
      there = there.replaceAll(`${this.#home.folder}/${name}`, `/${name}`);
    }
    return there.replaceAll(this.#home.folder, '~');
  }
}

interface Brought {
  readonly meant: Map<string, string>;
  readonly stops: (() => Promise<unknown>)[];
}

/** Starts an S3 server with a bucket, whose credentials are in the environment; returns why there is none. */
async function bringS3(env: Record<string, string>, brought: Brought): Promise<string | undefined> {
  const server: S3Server | { skip: string } = await startS3Server();
  if ('skip' in server) {
    return server.skip;
  }
  brought.stops.push(() => server.stop());
  env.AWS_ACCESS_KEY_ID = server.accessKey;
  env.AWS_SECRET_ACCESS_KEY = server.secretKey;
  env.AWS_REGION = server.region;
  env.AWS_ENDPOINT_URL = server.endpoint;
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
    brought.meant.set(`${name}=…`, `${name}=${env[name]}`);
  }
  brought.meant.set('my-bucket', await server.createBucket());
  brought.meant.set('https://s3.example.com', server.endpoint);
  return undefined;
}

/** Starts a database, whose password is in the environment. */
async function bringPostgres(
  env: Record<string, string>,
  brought: Brought,
): Promise<string | undefined> {
  const server: PostgresServer | { skip: string } = await startPostgres();
  if ('skip' in server) {
    return server.skip;
  }
  brought.stops.push(() => server.stop());
  env.PGPASSWORD = server.password;
  brought.meant.set('postgresql://loader@db.example.com/science', server.url);
  return undefined;
}

/** Starts a server whose every page is a line. */
async function bringWeb({ meant, stops }: Brought): Promise<void> {
  const web: Server = createServer((_request, response) => response.end('of the web\n'));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  stops.push(() => new Promise((resolve) => web.close(resolve)));
  meant.set('https://example.com', `http://127.0.0.1:${(web.address() as AddressInfo).port}`);
}
