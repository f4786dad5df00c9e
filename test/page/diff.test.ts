// What differs between commits: files, lines, pictures; each under an address of its own.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertAccessible } from './support/axe.ts';
import { put, serveRichRepo } from './support/rich-repo.ts';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';

const DIFF = '/repos/default/data/diff';

describe('comparisons', { skip: WITHOUT_BROWSER }, () => {
  it('lists the files that differ, and goes to each', async (t) => {
    const { server, first } = await serveRichRepo(t);
    const path = `${DIFF}?old=${first}&new=master`;
    const page = await visit(t, { address: addressOf(server), path });
    await page.getByText('5 files: 2 added, 2 changed, 1 removed').waitFor();
    await assertAccessible(page, 'changed files');
    await page.getByRole('button', { name: 'Swap' }).click();
    await page.getByText('5 files: 1 added, 2 changed, 2 removed').waitFor();
    await page.getByRole('link', { name: 'notes/1.txt' }).click();
    await page.getByText('removed, 4 B').waitFor();
    const query = new URL(page.url()).searchParams;
    assert.deepEqual(
      ['old', 'new', 'path'].map((name) => query.get(name)),
      ['master', first, 'notes/1.txt'],
    );
    await page.getByRole('link', { name: 'All changed files' }).click();
    await page.getByLabel('From').fill('no-such-branch');
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('alert').getByText('no-such-branch').waitFor();
  });

  it('shows lines side by side and below each other, with the words that changed', async (t) => {
    const { server, correction } = await serveRichRepo(t);
    const path = `${DIFF}?new=${correction}&path=log.txt`;
    for (const theme of ['light', 'dark'] as const) {
      const page = await visit(t, { address: addressOf(server), path, theme });
      await page.getByText('lines as before').first().waitFor();
      assert.deepEqual(
        (await page.locator('.diff-gap').allTextContents()).map((text) => text.replace(/\s/g, ' ')),
        ['7 lines', '23 lines', '54 lines', '59 894 lines'].map((lines) => `${lines} as before`),
      );
      const marks = page.locator('.diff mark');
      await marks.first().waitFor();
      assert.deepEqual(await marks.allTextContents(), ['new ']);
      const removed = page.locator('.diff-half.removed');
      assert.deepEqual(
        (await removed.allTextContents()).map((text) => text.replace(/^\d+/, '')),
        [10, 40, 41, 42].map((line) => `−line ${line} of the log`),
      );
      await assertAccessible(page, `lines side by side, ${theme}`);
      await page.getByRole('button', { name: 'Unified' }).click();
      await page.getByLabel('Changed lines', { exact: true }).waitFor();
      assert.equal(new URL(page.url()).searchParams.get('view'), 'unified');
      assert.equal(await page.locator('.diff .added').count(), 2);
      await assertAccessible(page, `lines below each other, ${theme}`);
    }
  });

  it('reads each side in its own encoding, and says so where a side is no text that it knows', async (t) => {
    const server = await servePage(t, { idle: true });
    await server.engine.repos('data');
    const text = 'grün\nblau\n';
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    await put(server, 'data', { 'a.txt': wide, 'b.txt': text }, 'first');
    const now = text.replace('blau', 'rot');
    // A byte of Latin 1 beyond what the kind of a file is told by.
    const late = Buffer.concat([Buffer.alloc(9000, 'x'), Buffer.from('ü\n', 'latin1')]);
    await put(server, 'data', { 'a.txt': now, 'b.txt': late }, 'second');
    const address = addressOf(server);
    const page = await visit(t, { address, path: `${DIFF}?new=master&path=a.txt` });
    await page.getByText('The encoding was UTF-16LE and is now UTF-8.').waitFor();
    const marks = page.locator('.diff mark');
    assert.deepEqual(await marks.allTextContents(), ['blau', 'rot']);
    await page.goto(`${DIFF}?new=master&path=b.txt`);
    await page.getByText('The files are not text in UTF-8 or UTF-16').waitFor();
  });

  it('shows lines below each other where there is no room beside', async (t) => {
    const { server, correction } = await serveRichRepo(t);
    const path = `${DIFF}?new=${correction}&path=log.txt`;
    const page = await visit(t, { address: addressOf(server), path, width: 390 });
    await page.locator('.diff.unified mark').first().waitFor();
    await page.getByRole('button', { name: 'Side by side' }).click();
    await page.locator('.diff:not(.unified) mark').first().waitFor();
  });

  it('shows pictures side by side', async (t) => {
    const { server, correction } = await serveRichRepo(t);
    const path = `${DIFF}?new=${correction}&path=picture.png`;
    const page = await visit(t, { address: addressOf(server), path });
    for (const side of ['Before', 'After']) {
      await page.getByRole('region', { name: side }).getByText('160 × 100').waitFor();
    }
    const colours =
      await page.evaluate(`[...document.querySelectorAll('.pictures img')].map((img) => {
      const canvas = document.createElement('canvas').getContext('2d');
      canvas.drawImage(img, 0, 0);
      return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    })`);
    assert.deepEqual(colours, [
      [220, 120, 20],
      [20, 120, 220],
    ]);
    await assertAccessible(page, 'pictures side by side');
  });
});
