// Files of every kind are shown as what they are, and nothing that a file says is done.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible } from './support/axe.ts';
import { TABLE_ROWS } from './support/contents.ts';
import { DEEP_FILE, serveRichRepo } from './support/rich-repo.ts';
import { addressOf, visit, WITHOUT_BROWSER } from './support/visit.ts';

const FILES = '/repos/default/data/files/v1';
const LAST_LINE = 'line 59999 of the log';

/** Goes to a file as a link of the page would. */
async function open(page: Page, path: string): Promise<void> {
  const to = `${FILES}/${path.split('/').map(encodeURIComponent).join('/')}`;
  await page.evaluate(`{
    const link = Object.assign(document.createElement('a'), { href: ${JSON.stringify(to)} });
    document.body.append(link);
    link.click();
    link.remove();
  }`);
}

describe('previews', { skip: WITHOUT_BROWSER }, () => {
  it('shows each kind of file as what it is, in both themes', async (t) => {
    const { server } = await serveRichRepo(t);
    for (const theme of ['light', 'dark'] as const) {
      const page = await visit(t, { address: addressOf(server), path: FILES, theme });
      const shown: readonly (readonly [path: string, there: () => Promise<unknown>])[] = [
        ['table.csv', () => page.getByText('item 3', { exact: true }).waitFor()],
        ['data.json', () => page.getByRole('treeitem', { name: 'values [2400]' }).waitFor()],
        ['README.md', () => page.getByRole('heading', { name: 'Measurements' }).waitFor()],
        ['picture.png', () => page.getByText('160 × 100').waitFor()],
        ['drawing.svg', () => page.getByText('80 × 40').waitFor()],
        ['sound.wav', () => page.locator('audio[src^="blob:"]').waitFor()],
        ['paper.pdf', () => page.locator('iframe[src^="blob:"]').waitFor()],
        ['noise.bin', () => page.getByText('00 1f 3e 5d').first().waitFor()],
        ['log.txt', () => page.getByText('line 3 of the log').waitFor()],
        ['broken.json', () => page.getByText('It is no whole JSON document').waitFor()],
        ['empty', () => page.getByText('The file is empty').waitFor()],
        [DEEP_FILE, () => page.getByText('found', { exact: true }).waitFor()],
      ];
      for (const [path, there] of shown) {
        await open(page, path);
        await there();
        if (!path.endsWith('.pdf')) {
          // Inside of it is the browser's own viewer.
          await assertAccessible(page, `${path}, ${theme}`);
        }
        assert.match(await page.title(), /data@v1 · pfs$/);
      }
    }
  });

  it('does nothing that a file says: no script, no picture from elsewhere, no link that is one', async (t) => {
    const { server } = await serveRichRepo(t);
    const page = await visit(t, { address: addressOf(server), path: `${FILES}/README.md` });
    await page.getByRole('img', { name: 'A picture' }).waitFor();
    assert.equal(await page.locator('article img').count(), 1);
    await page.getByText('[Outside]').waitFor();
    await page.getByText("document.title = 'taken over'").first().waitFor();
    await page.getByText('Words in a box.').waitFor();
    await page.getByText('<!-- An aside. -->').waitFor();
    assert.equal(await page.locator('article :is(script, [onerror], [align])').count(), 0);
    assert.equal(await page.getByRole('link', { name: 'Bad' }).count(), 0);
    const outside = page.getByRole('link', { name: 'elsewhere' });
    assert.equal(await outside.getAttribute('rel'), 'noopener noreferrer nofollow');
    await page.getByRole('link', { name: 'the table' }).click();
    await page.waitForURL(`**${FILES}/table.csv`);
    assert.doesNotMatch(await page.title(), /taken/);
  });

  it('loads more of a large text where its end comes in sight, up to its last line', async (t) => {
    const { server } = await serveRichRepo(t);
    const page = await visit(t, { address: addressOf(server), path: `${FILES}/log.txt` });
    await page.getByText(/The first 256.* of 1\..* are shown/).waitFor();
    assert.ok((await page.locator('.line').count()) < 120, 'only lines in sight are drawn');
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await page.getByText('are shown').waitFor({ state: 'detached' });
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await page.getByText(LAST_LINE).waitFor();
  });

  it('shows a table by rows, and as the text it is', async (t) => {
    const { server } = await serveRichRepo(t);
    const page = await visit(t, { address: addressOf(server), path: `${FILES}/table.csv` });
    await page.getByText(/3\s?000 rows, 4 columns/).waitFor();
    const headings = await page.locator('.sheet thead th').allTextContents();
    assert.deepEqual(headings.slice(1), ['name', 'kind', 'weight, kg', 'note']);
    assert.equal(await page.getByRole('cell', { name: 'says "1"', exact: true }).count(), 1);
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await page.getByText(`item ${TABLE_ROWS - 1}`, { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Text' }).click();
    await page.evaluate('scrollTo(0, 0)');
    await page.getByText('name,kind,"weight, kg",note').waitFor();
  });

  it('opens and closes a tree by keys', async (t) => {
    const { server } = await serveRichRepo(t);
    const page = await visit(t, { address: addressOf(server), path: `${FILES}/data.json` });
    const row = (name: string) => page.getByRole('treeitem', { name, exact: true });
    await row('values [2400]').waitFor();
    await page.getByRole('treeitem').first().focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    await row('2000 … 2399').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await row('0 {2}').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator(':focus', { hasText: /^0\{2\}$/ }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await row('0 {2}').count(), 0);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.getByRole('treeitem').count(), 1);
  });
});
