// Pipelines and jobs on the page: written, checked, tried, changed, stopped; failed, explained, retried; their logs.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { Latch } from '../support/latch.ts';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';
import { makeWorld } from './support/world.ts';

describe('pipelines', { skip: WITHOUT_BROWSER }, () => {
  it('a spec is checked while it is written, tried, and made into a pipeline', async (t) => {
    const server = await servePage(t);
    await server.engine.repos('texts');
    await server.engine.put('texts', { 'a.txt': 'one two', 'b.txt': 'three' });
    const page = await visit(t, { address: addressOf(server), path: '/new-pipeline' });
    const editor = page.getByLabel('Spec, as JSON or YAML');
    const create = page.getByRole('button', { name: 'Create' });
    await page.getByText('count would be made').waitFor();
    await editor.fill(SPEC.replace('"texts"', '"txts"'));
    await page.getByText('did you mean "texts"?').waitFor();
    assert.equal(await page.locator('.gutter .wrong').textContent(), '3');
    assert.ok(await create.isDisabled());
    await editor.fill(SPEC);
    await page.getByText('copy would be made').waitFor();
    await page.getByRole('button', { name: 'Show what it would do' }).click();
    await page.getByText('Its first job would have 2 datums').waitFor();
    await page.getByText('texts:/b.txt').waitFor();
    await create.click();
    await page.waitForURL('**/pipelines/default/copy');
    await page.getByText('up to date').waitFor();

    await page.getByRole('link', { name: 'Edit' }).click();
    await editor.fill(SPEC.replace('"glob": "/*"', '"glob": "/"'));
    await page.getByText('copy would get version 2').waitFor();
    await page.getByRole('button', { name: 'Show what it would do' }).click();
    await page.getByText('Its first job would have 1 datum').waitFor();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.waitForURL('**/pipelines/default/copy');
    await page.getByRole('link', { name: 'Versions' }).click();
    await page.getByText('Version 2 was made at').waitFor();
    assert.match((await page.locator('.diff').textContent()) ?? '', /"glob": "\/\*"/);
  });

  it('a spec that a program wrote on one line is read and edited on many', async (t) => {
    const server = await servePage(t, { idle: true });
    await server.engine.repos('texts');
    await server.engine.pipeline({ name: 'copy', input: 'texts' });
    const path = '/pipelines/default/copy/edit';
    const page = await visit(t, { address: addressOf(server), path });
    await page.getByText('copy would get version 2').waitFor();
    const text = await page.getByLabel('Spec, as JSON or YAML').inputValue();
    assert.match(text, /^\{\n {2}"pipeline": \{\n {4}"name": "copy"\n/);
    await page.getByText(/^line \d+: transform\.image: "busybox" names no fixed version/).waitFor();
  });

  it('a pipeline is stopped after a question, and started', async (t) => {
    const { address, server } = await makeWorld(t);
    const page = await visit(t, { address, path: '/pipelines/default/clean' });
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.ok(!server.engine.record('clean').stopped);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Stop the pipeline' }).click();
    await page.getByText('paused').waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('up to date').waitFor();
  });

  it('the list is narrowed by state and text, and that is an address', async (t) => {
    const { address } = await makeWorld(t);
    const page = await visit(t, { address, path: '/pipelines' });
    await page.getByRole('link', { name: 'clean' }).waitFor();
    await page.getByLabel('State').selectOption('Failed or crashing');
    await page.getByRole('link', { name: 'clean' }).waitFor({ state: 'detached' });
    assert.equal(await page.locator('tbody a').allTextContents().then(String), 'plot');
    await page.reload();
    await page.getByRole('link', { name: 'plot' }).waitFor();
    await page.getByLabel('Search pipelines').fill('nothing like that');
    await page.getByText('No pipeline fits.').waitFor();
  });
});

describe('jobs', { skip: WITHOUT_BROWSER }, () => {
  it('a failed one says why, down to the datum and what it printed, and is retried', async (t) => {
    const { address } = await makeWorld(t);
    const page = await visit(t, { address, path: '/jobs?state=failure' });
    await page.locator('tbody a.mono').first().click();
    await page.getByRole('heading', { name: 'Failed datums' }).waitFor();
    await page.locator('.failed pre', { hasText: 'ValueError' }).waitFor();
    await page.getByRole('link', { name: /^Datums/ }).click();
    await page.getByLabel('State').selectOption('failed');
    await page.getByText('clean:/day-07.csv').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 1);
    await page.locator('tbody a').click();
    await page.getByText('New: there was no datum of these paths before.').waitFor();
    await page.locator('.log-line', { hasText: 'line 12' }).first().waitFor();
    await page.getByRole('link', { name: /^Job …/ }).click();
    const failed = page.url();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.waitForURL((url) => String(url) !== failed);
    await page.getByText('Retries').waitFor();
  });

  it('one that runs is followed, its log searched, and it is stopped', async (t) => {
    const { address, release } = await makeWorld(t);
    const page = await visit(t, { address, path: '/jobs?state=running' });
    await page.locator('tbody a.mono').first().click();
    await page.getByText('3 processed').waitFor();
    await page.getByText('3 to do').waitFor();
    await page.getByRole('heading', { name: '2 workers' }).waitFor();
    await page.getByRole('link', { name: 'Log' }).click();
    await page.locator('.log-line', { hasText: 'loss 0.84' }).first().waitFor();
    await page.getByLabel('Search the log').fill('epoch 2');
    await page.locator('.log-line', { hasText: 'epoch 1' }).first().waitFor({ state: 'hidden' });
    assert.match((await page.locator('.log-line').first().textContent()) ?? '', /epoch 2/);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Stop the job' }).click();
    release();
    await page.locator('.head').getByText('killed').waitFor();
  });

  it('a log that is followed goes on after its last line where the connection breaks', async (t) => {
    const server = await servePage(t);
    const [broken, over] = [new Latch(), new Latch()];
    t.after(() => [broken, over].map((latch) => latch.open()));
    server.engine.executor.setCode('slow', async (run) => {
      await run.print('before the break\n');
      await broken.opened;
      await run.print('after the break\n');
      await over.opened;
    });
    await server.engine.repos('texts');
    await server.engine.pipeline({ name: 'slow', input: 'texts' });
    await server.engine.put('texts', { 'a.txt': 'one' });
    const proxy = await CuttingProxy.start(t, { to: server.port });
    const page = await visit(t, { address: proxy.address, path: '/jobs' });
    await page.locator('tbody a.mono').first().click();
    await page.getByRole('link', { name: 'Log' }).click();
    const line = (text: string) => page.locator('.log-line', { hasText: text });
    await line('before the break').waitFor();
    proxy.breakAll();
    broken.open();
    await line('after the break').waitFor();
    assert.equal(await line('the break').count(), 2);
    await page.getByText('2 lines, more to come').waitFor();
    over.open();
    await page.locator('.head').getByText('success').waitFor();
    await page.getByText('2 lines', { exact: true }).waitFor();
  });

  it('a log that the engine cannot read says so, until it can or for good', async (t) => {
    const server = await servePage(t);
    const over = new Latch();
    t.after(() => over.open());
    server.engine.executor.setCode('quiet', () => over.opened);
    await server.engine.repos('texts');
    await server.engine.pipeline({ name: 'quiet', input: 'texts' });
    await server.engine.put('texts', { 'a.txt': 'one' });
    const page = await visit(t, { address: addressOf(server), path: '/jobs' });
    let isBroken = true;
    let asked = 0;
    const problem = { type: '/problems/internal', title: 'Internal error', code: 'internal' };
    const json = { ...problem, status: 500, detail: 'Cannot read the log: its disk is gone' };
    await page.route('**/logs?*', (route) => {
      asked += 1;
      return isBroken ? route.fulfill({ status: 500, json }) : route.continue();
    });
    await page.locator('tbody a.mono').first().click();
    await page.getByRole('link', { name: 'Log' }).click();
    const refusal = page.getByRole('alert').getByText('its disk is gone');
    await refusal.waitFor();
    isBroken = false;
    // Nothing is printed: that it is heard again is enough.
    await refusal.waitFor({ state: 'detached' });
    await page.getByText('Reading…, more to come').waitFor();
    over.open();
    await page.getByText('Nothing was printed.').waitFor();

    isBroken = true;
    asked = 0;
    await page.reload();
    await refusal.waitFor();
    await page.getByText('0 lines', { exact: true }).waitFor();
    assert.equal(await page.getByText('Nothing was printed.').count(), 0);
    assert.equal(asked, 1);
  });

  it('what does not exist is said in a sentence', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address, path: '/pipelines/default/gone' });
    await page.getByText('Cannot find pipeline "gone"').waitFor();
    await page.goto('/jobs/default/gone/0123456789abcdef0123456789abcdef');
    await page.getByText('Cannot find pipeline "gone"').waitFor();
  });
});

const SPEC = `{
  "pipeline": { "name": "copy" },
  "input": { "pfs": { "repo": "texts", "glob": "/*" } },
  "transform": { "image": "busybox", "cmd": ["cp", "-r", "/pfs/texts/.", "/pfs/out"] }
}
`;
