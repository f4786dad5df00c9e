// What is around the views: signing in, an engine that is away, places that do not exist, keys, themes, and the first steps.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page as BrowserPage } from 'playwright-core';
import { account } from '../support/accounts.ts';
import { type TestServer, TOKEN } from '../support/server.ts';
import { assertAccessible } from './support/axe.ts';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';

const OWNER = { roles: { 'project/default': 'owner' } } as const;

async function signIn(page: BrowserPage, token = TOKEN): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Ends the session on the server; the browser keeps a cookie that is good for nothing. */
async function endSession(page: BrowserPage, server: TestServer): Promise<void> {
  const [session] = await page.context().cookies();
  const headers = { cookie: `${session?.name}=${session?.value}`, origin: addressOf(server) };
  const { status } = await server.ask('DELETE', '/session', { token: null, headers });
  assert.equal(status, 204);
}

describe('the page', { skip: WITHOUT_BROWSER }, () => {
  it('asks for the token, refuses a wrong one, and then shows what one came for', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address, path: '/pipelines', token: null });
    await page.getByLabel('Token').fill('not-it');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('does not know this token').waitFor();
    await assertAccessible(page, 'the way in');
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'No pipelines yet' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/pipelines');
  });

  it('keeps what one has typed where the session ends, and goes on from there after signing in again', async (t) => {
    const server = await servePage(t, { idle: true });
    await server.engine.repos('texts');
    const page = await visit(t, { address: addressOf(server), path: '/new-pipeline', token: null });
    await signIn(page);
    const editor = page.getByLabel('Spec, as JSON or YAML');
    await page.getByText('count would be made').waitFor();
    const typed = (await editor.inputValue()).replace('"count"', '"tally"');
    await editor.fill(typed);
    await endSession(page, server);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.ok(await editor.isHidden());
    await assertAccessible(page, 'the way back in');
    await signIn(page);
    await page.getByText('tally would be made').waitFor();
    assert.equal(await editor.inputValue(), typed);
    await page.waitForFunction('document.activeElement?.matches("textarea")');

    // What is only read is not even asked for again.
    await page.getByRole('link', { name: 'Repos' }).click();
    await page.getByRole('link', { name: 'texts' }).waitFor();
    await endSession(page, server);
    // The page may have noticed by itself by now, and have put it out of reach.
    await page
      .locator('a', { hasText: /^texts$/ })
      .evaluate((link) => (link as unknown as { click(): void }).click());
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(page);
    await page.getByRole('heading', { name: 'No commits yet' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/repos/default/texts');
  });

  it('goes on with what one has typed for oneself alone: for another who signs in it begins anew', async (t) => {
    const server = await servePage(t, { idle: true });
    await server.engine.repos('texts');
    const { context } = server.engine.pfs;
    const [ann, bob] = [await account(context, 'ann', OWNER), await account(context, 'bob', OWNER)];
    const page = await visit(t, { address: addressOf(server), path: '/new-pipeline', token: null });
    await signIn(page, ann.secret);
    await page.getByText('count would be made').waitFor();
    // The page that is loaded anew knows whose it is by the cookie.
    await page.reload();
    await page.getByText('count would be made').waitFor();
    const editor = page.getByLabel('Spec, as JSON or YAML');
    const spec = await editor.inputValue();
    await editor.fill(spec.replace('"count"', '"of-ann"'));
    await endSession(page, server);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(page, ann.secret);
    await page.getByText('of-ann would be made').waitFor();

    await editor.fill(spec.replace('"count"', '"secret-of-ann"'));
    await endSession(page, server);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(page, bob.secret);
    await page.getByText('count would be made').waitFor();
    assert.equal(await editor.inputValue(), spec);
    assert.equal(new URL(page.url()).pathname, '/new-pipeline');
  });

  it('begins anew for nobody who signs in first, also where the network broke off the question whose it is', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address, path: '/docs/', token: null });
    let broken = 0;
    await page.route('**/api/v1/session', (route) => {
      // As often as the client asks by itself.
      if (route.request().method() === 'GET' && broken < 3) {
        broken += 1;
        return route.abort('failed');
      }
      return route.continue();
    });
    await page.goto('/pipelines');
    await page.evaluate('window.isSame = true');
    await signIn(page);
    await page.getByRole('heading', { name: 'No pipelines yet' }).waitFor();
    assert.deepEqual([broken, await page.evaluate('window.isSame')], [3, true]);
  });

  it('closes no dialog where the session ends, and lets nobody be shut out by one', async (t) => {
    const server = await servePage(t, { idle: true });
    const page = await visit(t, { address: addressOf(server), path: '/repos', token: null });
    await signIn(page);
    await page.getByRole('button', { name: 'New repo' }).click();
    const name = page.getByRole('dialog').getByLabel('Name');
    await name.fill('half-done');
    await endSession(page, server);
    // Unless the page has noticed by itself by now, and asks for the token already.
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(page);
    await page.getByRole('button', { name: 'Make repo' }).click();
    await page.waitForURL('**/repos/default/half-done');
  });

  it('teaches the first three commands where there is nothing, and copies them', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address });
    await page.getByText('pfs create-repo texts').waitFor();
    assert.equal(await page.locator('main li .command').count(), 3);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy the command' }).first().click();
    await page.getByText('Copied').waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), 'pfs create-repo texts');
  });

  it('says so when the engine goes away, and when there is no such place', async (t) => {
    const server = await servePage(t, { idle: true });
    const page = await visit(t, { address: addressOf(server), path: '/no/such/place' });
    await page.getByText('Cannot find "/no/such/place"').waitFor();
    await assertAccessible(page, 'a place that does not exist');
    await page.getByRole('link', { name: 'Pipelines' }).click();
    await page.getByRole('heading', { name: 'No pipelines yet' }).waitFor();
    await server.close();
    await page.getByText('The engine does not answer').waitFor();
  });

  it('loads also where the network breaks off a part of it', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address, path: '/docs/' });
    const broken = new Set<string>();
    await page.route(/\/assets\/chunk-.*\.js$/, (route) => {
      const url = route.request().url();
      // Each part at its first try, one part at a time.
      if (broken.size === 3 || broken.has(url)) {
        return route.continue();
      }
      broken.add(url);
      return route.abort('failed');
    });
    await page.goto('/pipelines');
    await page.getByRole('heading', { name: 'No pipelines yet' }).waitFor();
    assert.equal(broken.size, 3);
  });

  it('takes no error of its own for the network', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address, path: '/docs/' });
    await page.addInitScript(`
      history.replaceState = () => { throw new Error('of the page itself') };
      addEventListener('unhandledrejection', (event) => {
        event.preventDefault();
        console.log(String(event.reason));
      });
    `);
    const met = page.waitForEvent('console', (message) => message.type() === 'log');
    await page.goto('/#code=any');
    assert.equal((await met).text(), 'Error: of the page itself');
  });

  it('is used by keys', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address });
    await page.getByText('pfs create-repo texts').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.locator(':focus').textContent(), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await assertAccessible(page, 'the list of keys');
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.waitForURL('**/pipelines');
  });

  it('is light or dark as the system is, or as one chooses, also after loading it anew', async (t) => {
    const address = addressOf(await servePage(t, { idle: true }));
    const page = await visit(t, { address, theme: 'dark' });
    const ground = () =>
      page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    await page.getByText('pfs create-repo texts').waitFor();
    const dark = await ground();
    await page.getByRole('button', { name: 'Theme: system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).waitFor();
    assert.notEqual(await ground(), dark);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: light' }).waitFor();
    assert.notEqual(await ground(), dark);
  });
});
