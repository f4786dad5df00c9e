// A directory of very many files: 100,000, or as many as PFS_PAGE_FILES says, up to a million.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';

const COUNT = Number(process.env.PFS_PAGE_FILES ?? 100_000);
/** For one step of a person, also on a busy machine; on a quiet one it is a fraction of a second. */
const SOON_MS = 15_000;

const PLACE = '/repos/default/data/files/master/many';

const nameOf = (i: number) => `file-${String(i).padStart(7, '0')}`;

describe('a large directory', { skip: WITHOUT_BROWSER }, () => {
  it('is shown at once, scrolled to any place, and searched, with few rows drawn', async (t) => {
    const server = await servePage(t, { idle: true });
    await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
    const files = Object.fromEntries(
      Array.from({ length: COUNT }, (_, i) => [`many/${nameOf(i)}`, 'x']),
    );
    assert.equal((await server.put('data', files)).status, 200);
    const began = performance.now();
    const page = await visit(t, { address: addressOf(server), path: PLACE });
    await page.getByRole('link', { name: nameOf(0) }).waitFor();
    const took = performance.now() - began;
    assert.ok(took < SOON_MS, `${took} ms until the first files are there`);
    const spaced = String(COUNT).replace(/\B(?=(?:\d{3})+$)/g, '\u202f');
    await page.getByText(`${spaced} entries`).waitFor();

    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await page.getByRole('link', { name: nameOf(COUNT - 1) }).waitFor();
    const middle = Math.floor(COUNT / 2);
    await page.getByLabel('Scroll to the name').fill(nameOf(middle));
    await page.getByLabel('Scroll to the name').press('Enter');
    await page.getByRole('link', { name: nameOf(middle) }).waitFor();
    assert.ok((await page.locator('tbody tr').count()) < 100, 'only rows in sight are drawn');

    await page.getByLabel('Find files').fill(nameOf(COUNT - 1).slice(5));
    await page.getByLabel('Find files').press('Enter');
    await page.getByText('1 matches').waitFor();
    await page.getByRole('link', { name: nameOf(COUNT - 1) }).click();
    await page.getByText('x', { exact: true }).waitFor();
  });
});
