// Repos from their list to one commit: history, branches, tags, and what can be done with them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Branch, Commit } from '../../engine/server/wire.ts';
import { assertAccessible } from './support/axe.ts';
import { DEEP_FILE, put, serveRichRepo } from './support/rich-repo.ts';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';

const DATA = '/repos/default/data';

describe('repos', { skip: WITHOUT_BROWSER }, () => {
  it('are listed, searched and made', async (t) => {
    const { server } = await serveRichRepo(t);
    const page = await visit(t, { address: addressOf(server), path: '/repos' });
    await page.getByRole('link', { name: 'data' }).waitFor();
    await assertAccessible(page, 'the list of repos');
    await page.getByLabel('Kind').selectOption('output');
    await page.getByRole('link', { name: 'data' }).waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('table').getByRole('link', { name: 'copy' }).count(), 2);
    await page.getByRole('button', { name: 'New repo' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('bad name');
    await page.getByRole('button', { name: 'Make repo' }).click();
    await page.getByRole('alert').getByText('bad name').waitFor();
    await assertAccessible(page, 'a new repo that is refused');
    await page.getByRole('dialog').getByLabel('Name').fill('fresh');
    await page.getByRole('button', { name: 'Make repo' }).click();
    await page.waitForURL('**/repos/default/fresh');
    await page.getByRole('heading', { name: 'No commits yet' }).waitFor();
    await page.getByText('pfs put-file fresh@master -f data.csv').waitFor();
    await assertAccessible(page, 'an empty repo');
  });

  it('history is a graph with branches, tags and a merge, and leads to each commit', async (t) => {
    const { server, correction } = await serveRichRepo(t);
    for (const theme of ['light', 'dark'] as const) {
      const path = `${DATA}/commits`;
      const page = await visit(t, { address: addressOf(server), path, theme });
      await page.getByRole('link', { name: 'First measurements' }).waitFor();
      assert.equal(await page.locator('.lanes circle').count(), 6);
      assert.ok((await page.locator('.lanes path').count()) > 10);
      assert.deepEqual(await page.locator('.ref').allTextContents(), ['master', 'side', 'v1']);
      await assertAccessible(page, `history, ${theme}`);
      await page.getByLabel('Branch').selectOption('side');
      await page.getByRole('link', { name: 'A note' }).waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'First measurements' }).waitFor();
      assert.equal(await page.locator('.lanes circle').count(), 2);
      await page.getByLabel('Branch').selectOption('');
      await page.getByRole('link', { name: 'Correct the log' }).click();
      await page.waitForURL(`**${DATA}/commits/${correction}`);
      await page.getByText('2 files: 2 changed').waitFor();
      await assertAccessible(page, `a commit, ${theme}`);
    }
  });

  it('a long history comes as one scrolls', async (t) => {
    const server = await servePage(t, { idle: true });
    await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
    for (let i = 0; i < 450; i += 1) {
      await put(server, 'data', { a: String(i) }, `commit ${i}`);
    }
    const page = await visit(t, { address: addressOf(server), path: `${DATA}/commits` });
    await page.getByText('commit 449', { exact: true }).waitFor();
    const toEnd = () => page.evaluate('scrollTo(0, document.body.scrollHeight)');
    for (const rows of [401, 451]) {
      await toEnd();
      await page.locator(`table[aria-rowcount="${rows}"]`).waitFor();
    }
    await toEnd();
    await page.getByText('commit 0', { exact: true }).waitFor();
    assert.ok((await page.locator('tbody tr').count()) < 90, 'only rows in sight are drawn');
  });

  it('a branch goes back to an earlier commit after a question, and others are made', async (t) => {
    const { server, first } = await serveRichRepo(t);
    const path = `${DATA}/commits/${first}`;
    const page = await visit(t, { address: addressOf(server), path });
    await page.getByRole('button', { name: 'Move a branch here' }).click();
    await page.getByRole('dialog').getByText('No commit is lost').waitFor();
    await assertAccessible(page, 'the question before a branch is moved');
    await page.getByRole('button', { name: 'Move master' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const branch = await server.json<Branch>('GET', `${DATA}/branches/master`);
    assert.equal(branch.head, first);
    await page.getByRole('link', { name: 'Branches and tags' }).click();
    await page.getByRole('button', { name: 'New branch' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('next');
    await page.getByLabel('Begins at').selectOption('side');
    await page.getByRole('button', { name: 'Make branch' }).click();
    await page.getByRole('link', { name: 'next' }).waitFor();
    await assertAccessible(page, 'branches and tags');
  });

  it('an open commit is shown as one, and finished with a message', async (t) => {
    const { server } = await serveRichRepo(t);
    const body = { branch: 'side', description: 'Half done' };
    const { id } = await server.json<Commit>('POST', `${DATA}/commits`, { body });
    const path = `${DATA}/files/side`;
    const page = await visit(t, { address: addressOf(server), path });
    await page.getByText('has been open since').waitFor();
    await assertAccessible(page, 'a branch with an open commit');
    await page.getByRole('button', { name: 'Finish it' }).click();
    assert.equal(await page.getByLabel('Message').inputValue(), 'Half done');
    await page.getByLabel('Message').fill('Done');
    await page.getByRole('button', { name: 'Finish', exact: true }).click();
    await page.getByText('has been open since').waitFor({ state: 'detached' });
    const commit = await server.json<Commit>('GET', `${DATA}/commits/${id}`);
    assert.deepEqual([commit.state, commit.description], ['finished', 'Done']);
  });

  it('files are found by name and glob, gone to by path, and their history told', async (t) => {
    const { server, correction } = await serveRichRepo(t);
    const page = await visit(t, { address: addressOf(server), path: DATA, width: 360 });
    const find = page.getByLabel('Find files, or go to a path');
    await find.fill('file with');
    await find.press('Enter');
    await page.getByRole('link', { name: DEEP_FILE }).waitFor();
    await find.fill('*.{csv,json}');
    await find.press('Enter');
    await page.getByText(/^3 match/).waitFor();
    await find.fill('[');
    await find.press('Enter');
    await page.getByRole('alert').waitFor();
    await find.fill('/deep/er');
    await find.press('Enter');
    await page.waitForURL(`**${DATA}/files/master/deep/er`);
    await page.goto(`${addressOf(server)}${DATA}/files/master/log.txt`);
    await page.getByRole('link', { name: 'History' }).click();
    await page.getByRole('link', { name: 'Correct the log' }).waitFor();
    assert.equal(await page.locator('tbody tr').count(), 2);
    const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(wide) <= 0, 'nothing is cut off at 360 pixels');
    await assertAccessible(page, 'the history of a file');
    await page.getByRole('link', { name: 'changed' }).click();
    await page.waitForURL(`**new=${correction}&path=log.txt`);
  });
});
