// From a file back to its sources, and forward to what was made from it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertAccessible } from './support/axe.ts';
import { DEEP_FILE, serveRichRepo } from './support/rich-repo.ts';
import { addressOf, visit, WITHOUT_BROWSER } from './support/visit.ts';

const COPIED = DEEP_FILE.split('/').at(-1) ?? '';

describe('provenance', { skip: WITHOUT_BROWSER }, () => {
  it('leads from an output file by its datum to the file it was made from, by keys alone', async (t) => {
    const { server } = await serveRichRepo(t);
    for (const theme of ['light', 'dark'] as const) {
      const path = `/repos/default/copy/files/master/deep/er/${encodeURIComponent(COPIED)}`;
      const page = await visit(t, { address: addressOf(server), path, theme });
      await page.getByRole('link', { name: 'Provenance' }).click();
      await page.getByText('1 source').waitFor();
      const rows = page.getByRole('treeitem');
      await rows.first().waitFor();
      assert.equal(await rows.count(), 3);
      await assertAccessible(page, `provenance, ${theme}`);
      await rows.first().focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      await page.getByText(`data:/${DEEP_FILE}`).waitFor();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/repos/default/data/files/*/deep/er/*');
      await page.getByText('found', { exact: true }).waitFor();
    }
  });

  it('leads forward from a commit to what pipelines made of it', async (t) => {
    const { server, newest } = await serveRichRepo(t);
    const path = `/provenance/default/data/${newest}`;
    const page = await visit(t, { address: addressOf(server), path });
    await page.getByRole('heading', { name: 'It is a source' }).waitFor();
    await page.getByRole('link', { name: 'What was made from it', exact: true }).click();
    await page.getByText('made by copy, version 1').waitFor();
    await assertAccessible(page, 'what was made from a commit');
    await page
      .getByRole('treeitem')
      .getByRole('link', { name: /^copy@master/ })
      .click();
    await page.waitForURL(`**/repos/default/copy/commits/${newest}`);
    await page.getByText('Made from').waitFor();
  });
});
