// Files are dropped onto the page or chosen, and become one commit; what is cancelled leaves nothing.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Page as BrowserPage } from 'playwright-core';
import type { Commit, File, Page } from '../../engine/server/wire.ts';
import { scratchDirectory } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { assertAccessible } from './support/axe.ts';
import { put } from './support/rich-repo.ts';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';

async function serve(t: TestContext): Promise<TestServer> {
  const server = await servePage(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
  return server;
}

/** A folder with files, one of them in a folder. */
function folder(t: TestContext): string {
  const top = join(scratchDirectory(t), 'samples');
  mkdirSync(join(top, 'inner'), { recursive: true });
  writeFileSync(join(top, 'a.txt'), 'one');
  writeFileSync(join(top, 'inner', 'ü b.txt'), 'two');
  return top;
}

/** Lets go of files of this machine over the page, as a person does. */
async function drop(page: BrowserPage, ...files: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 400, y: 400, data });
    if (type === 'dragOver') {
      await page.getByText('Drop to put into').waitFor();
    }
  }
}

/** Returns what sets how many bytes a second leave the page; -1: as many as can. */
async function slowness(page: BrowserPage): Promise<(bytes: number) => Promise<unknown>> {
  const session = await page.context().newCDPSession(page);
  const network = { offline: false, latency: 0, downloadThroughput: -1 };
  await session.send('Network.enable');
  return (uploadThroughput) =>
    session.send('Network.emulateNetworkConditions', { ...network, uploadThroughput });
}

/** Begins to put a file of so many bytes into a new repo, slowly enough that there is time to do something else. */
async function beginSlowly(t: TestContext, bytes: number) {
  const server = await serve(t);
  const large = join(scratchDirectory(t), 'large');
  writeFileSync(large, Buffer.alloc(bytes, 1));
  const page = await visit(t, { address: addressOf(server), path: '/repos/default/data' });
  await page.getByRole('heading', { name: 'No commits yet' }).waitFor();
  const speed = await slowness(page);
  await speed(256 * 1024);
  await drop(page, large);
  await page.getByRole('button', { name: /^Put 1 file/ }).click();
  return { server, page, speed };
}

async function commitsOf(server: TestServer): Promise<readonly Commit[]> {
  return (await server.json<Page<Commit>>('GET', '/repos/default/data/commits')).items;
}

async function filesOf(server: TestServer): Promise<string[]> {
  const list = '/repos/default/data/files/master/list?recursive=true';
  return (await server.json<Page<File>>('GET', list)).items.map(({ path }) => path);
}

describe('uploads', { skip: WITHOUT_BROWSER }, () => {
  it('files and folders that are dropped become one commit, with a message', async (t) => {
    const server = await serve(t);
    const top = folder(t);
    writeFileSync(join(top, '..', 'alone.txt'), 'three');
    const page = await visit(t, { address: addressOf(server), path: '/repos/default/data' });
    await page.getByRole('heading', { name: 'No commits yet' }).waitFor();
    await drop(page, top, join(top, '..', 'alone.txt'));
    await page.getByText('samples/inner/ü b.txt').waitFor();
    await assertAccessible(page, 'files to put');
    await page.getByLabel('Message').fill('All at once');
    await page.getByRole('button', { name: /^Put 3 files, 11 B/ }).click();
    await page.getByText('Made').waitFor();
    const [commit, ...others] = await commitsOf(server);
    assert.deepEqual([commit?.description, commit?.files, others.length], ['All at once', 3, 0]);
    assert.deepEqual(await filesOf(server), [
      '/alone.txt',
      '/samples/a.txt',
      '/samples/inner/ü b.txt',
    ]);
    await page.getByRole('link', { name: 'samples/' }).waitFor();
  });

  it('files are chosen by a button, and go below the directory that is shown', async (t) => {
    const server = await serve(t);
    await put(server, 'data', { 'd/old': 'x' }, 'old');
    const path = '/repos/default/data/files/master/d';
    const page = await visit(t, { address: addressOf(server), path });
    await page.getByRole('button', { name: 'Upload' }).click();
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Choose files' }).click();
    await (await chooser).setFiles(join(folder(t), 'a.txt'));
    await page.getByLabel('Message').press('Enter');
    await page.getByRole('link', { name: 'a.txt' }).waitFor();
    assert.deepEqual(await filesOf(server), ['/d/a.txt', '/d/old']);
  });

  it('an upload that is cancelled leaves nothing, and can be sent again', async (t) => {
    const { server, page, speed } = await beginSlowly(t, 8 * 1024 * 1024);
    await page.getByRole('progressbar').waitFor();
    await assertAccessible(page, 'an upload under way');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: /^Put 1 file/ }).waitFor();
    assert.deepEqual(await commitsOf(server), []);
    await speed(-1);
    await page.getByRole('button', { name: /^Put 1 file/ }).click();
    await page.getByText('Made').waitFor();
    assert.equal((await commitsOf(server))[0]?.size, 8 * 1024 * 1024);
  });

  it('goes on while one looks at something else, in sight of every view', async (t) => {
    const { server, page, speed } = await beginSlowly(t, 4 * 1024 * 1024);
    await page.getByRole('progressbar').waitFor();
    const tray = page.getByRole('complementary', { name: 'Uploads' });
    assert.equal(await tray.count(), 0, 'the view shows it itself');
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
    await tray.getByRole('progressbar').waitFor();
    await tray.getByText('Into data@master:/').waitFor();
    await assertAccessible(page, 'an upload beside another view');
    await page.goBack();
    await page.locator('main').getByRole('progressbar').waitFor();
    await tray.waitFor({ state: 'detached' });
    await page.goForward();
    await tray.getByRole('progressbar').waitFor();
    await speed(-1);
    await tray.getByRole('link', { name: /^commit / }).waitFor();
    assert.equal((await commitsOf(server))[0]?.size, 4 * 1024 * 1024);
    await tray.getByRole('button', { name: 'Close the upload' }).click();
    await tray.waitFor({ state: 'detached' });
  });

  it('what the engine refuses while one is elsewhere is said there, and sent again from there', async (t) => {
    const { server, page, speed } = await beginSlowly(t, 512 * 1024);
    await page.getByRole('link', { name: 'Repos', exact: true }).first().click();
    await server.ask('DELETE', '/repos/default/data');
    const tray = page.getByRole('complementary', { name: 'Uploads' });
    await tray.getByRole('alert').getByText('Cannot find repo "data"').waitFor();
    await speed(-1);
    await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
    await tray.getByRole('button', { name: 'Try again' }).click();
    await tray.getByRole('link', { name: /^commit / }).waitFor();
    assert.deepEqual(await filesOf(server), ['/large']);
  });

  it('a drop that cannot be read changes nothing of what is sent, and there is nothing to try again', async (t) => {
    const server = await serve(t);
    const file = join(folder(t), 'a.txt');
    const page = await visit(t, { address: addressOf(server), path: '/repos/default/data' });
    await page.getByRole('heading', { name: 'No commits yet' }).waitFor();
    const sent = new Set<string | undefined>();
    await page.route('**/files/master?*', (route) => {
      sent.add(route.request().headers()['idempotency-key']);
      return route.abort('failed');
    });
    const put = page.getByRole('button', { name: /^Put 1 file/ });
    const refusal = page.getByRole('alert').getByText('Cannot read what was dropped');
    await drop(page, file);
    await put.click();
    await page.getByRole('alert').getByText('Cannot send the files').waitFor();
    // As where it was taken away meanwhile.
    await page.evaluate(`
      const gone = { isFile: true, file: (_, refuse) => refuse(new DOMException('gone')) };
      DataTransferItem.prototype.webkitGetAsEntry = () => gone;
    `);
    await drop(page, file);
    await refusal.waitFor();
    await put.click();
    await page.getByRole('alert').getByText('Cannot send the files').waitFor();
    assert.equal(sent.size, 1, 'whatever of it arrived, it makes one commit');

    await page.getByRole('button', { name: 'Close the upload' }).click();
    await drop(page, file);
    await refusal.waitFor();
    await page.getByRole('link', { name: 'Jobs' }).click();
    const tray = page.getByRole('complementary', { name: 'Uploads' });
    await tray.getByText('Cannot read what was dropped').waitFor();
    assert.equal(await tray.getByRole('button', { name: 'Try again' }).count(), 0);
  });

  it('what the engine refuses is said, and the files are still there to be sent', async (t) => {
    const server = await serve(t);
    await put(server, 'data', { samples: 'a file, not a folder' }, 'in the way');
    const page = await visit(t, { address: addressOf(server), path: '/repos/default/data' });
    await page.getByRole('link', { name: 'samples' }).waitFor();
    await drop(page, folder(t));
    await page.getByRole('button', { name: /^Put 2 files/ }).click();
    await page.getByRole('alert').getByText('a file and a directory at once').waitFor();
    await page.getByRole('button', { name: /^Put 2 files/ }).waitFor();
    assert.equal((await commitsOf(server)).length, 1);
  });

  it('a file is deleted after a question, as a commit', async (t) => {
    const server = await serve(t);
    await put(server, 'data', { 'd/a': 'x', 'd/b': 'y' }, 'two');
    const path = '/repos/default/data/files/master/d/a';
    const page = await visit(t, { address: addressOf(server), path });
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete a' });
    await dialog.waitFor();
    await assertAccessible(page, 'the question before a deletion');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Delete /d/a' }).waitFor();
    await page.getByText('1 file: 1 removed').waitFor();
    assert.deepEqual(await filesOf(server), ['/d/b']);
  });
});
