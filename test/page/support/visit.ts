// Going to the page in a real browser. Whatever a page complains of while a test visits it, and whatever it asks of anybody
// but the engine, fails that test.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, type TestContext } from 'node:test';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { skipWithoutPrograms } from '../../support/programs.ts';
import { TestServer, type TestServerOptions, TOKEN } from '../../support/server.ts';
import { PAGE_DIRECTORY } from './directory.ts';

/** For the `skip` of tests: why there is no browser here, or false. */
export const WITHOUT_BROWSER = skipWithoutPrograms('chromium');

const TIMEOUT_MS = 60_000;

export interface VisitOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  /** The token that the visitor has; null: none. */
  readonly token?: string | null;
}

let browser: Promise<Browser> | undefined;
after(async () => (await browser)?.close());

/** Starts an engine in the test's own process that serves the page. */
export function servePage(t: TestContext, options: TestServerOptions = {}): Promise<TestServer> {
  return TestServer.start(t, { pageDirectory: PAGE_DIRECTORY, ...options });
}

/** Opens a page at `path` of the engine at `address`; it is closed when the test ends. */
export async function visit(
  t: TestContext,
  { address, path = '/', ...options }: VisitOptions & { address: string; path?: string },
): Promise<Page> {
  const { theme = 'light', width = 1280, height = 800, token = TOKEN } = options;
  browser ??= launch();
  const context = await (await browser).newContext({
    viewport: { width, height },
    colorScheme: theme,
    baseURL: address,
    acceptDownloads: true,
  });
  if (token !== null) {
    const keep = `sessionStorage.setItem('pfs-token', ${JSON.stringify(token)})`;
    await context.addInitScript(`if (location.protocol === 'http:') ${keep}`);
  }
  const complaints = listen(context, address);
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  await page.goto(path);
  return page;
}

/** Returns the address of a server in the test's own process. */
export function addressOf({ port }: TestServer): string {
  return `http://127.0.0.1:${port}`;
}

function launch(): Promise<Browser> {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' });
  return chromium.launch({ executablePath: executablePath.trim(), args: ['--no-sandbox'] });
}

function listen(context: BrowserContext, address: string): string[] {
  const complaints: string[] = [];
  context.on('weberror', (error) => void complaints.push(String(error.error().stack)));
  context.on('console', (message) => {
    // Answers that are errors are what some tests are about; the browser reports each.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  context.on('request', (request) => {
    // The viewer of PDF is an extension of the browser, and asks for parts of that.
    const isOwn = /^(?:data|blob|chrome|chrome-extension):/.test(request.url());
    if (!request.url().startsWith(address) && !isOwn) {
      complaints.push(`asked for ${request.url()}`);
    }
  });
  return complaints;
}
