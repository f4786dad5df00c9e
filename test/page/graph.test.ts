// The graph: what it shows of each repo and pipeline, live; searching, moving about, a commit set; and a thousand pipelines.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page as WebPage } from 'playwright-core';
import type { CommitSet, Page, Pipeline } from '../../engine/server/wire.ts';
import { eventually } from '../support/eventually.ts';
import { Latch } from '../support/latch.ts';
import { assertAccessible } from './support/axe.ts';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';
import { makeWorld } from './support/world.ts';

const MANY = 1000;
const LONG = 'a-pipeline-with-a-very-long-name-that-nobody-types';
/** Far more than it takes, on machines that do other things, too. */
const SOON_MS = 15_000;
const FRAME_MS = 400;

const transformOf = (page: WebPage) => page.locator('.graph svg > g').getAttribute('transform');

describe('the graph', { skip: WITHOUT_BROWSER }, () => {
  it('shows how each repo and pipeline is doing, and follows what happens', async (t) => {
    const { address, server, release } = await makeWorld(t);
    const page = await visit(t, { address });
    const node = (name: string) => page.locator(`[data-node="default/${name}"]`);
    const saying = (name: string, word: string) => node(name).locator('.word', { hasText: word });
    await saying('clean', 'up to date').waitFor();
    await saying('plot', 'job failed').waitFor();
    await saying('report', 'job unrunnable').waitFor();
    await saying('nightly', 'paused').waitFor();
    await saying('train', '3 of 6 datums').waitFor();
    await saying('archive', 'empty').waitFor();
    assert.equal(await page.locator('.edge').count(), 7);
    await assertAccessible(page, 'the graph');

    release();
    await saying('train', 'up to date').waitFor();
    await server.engine.put('archive', { 'old.txt': 'x' });
    await saying('archive', '1 B').waitFor();
    await server.engine.pipeline({ name: 'late', input: 'archive' });
    await saying('late', 'up to date').waitFor();
    await node('late').click();
    await page.waitForURL('**/pipelines/default/late');
  });

  it('asks only for what a change names, however much is at work', async (t) => {
    const server = await servePage(t);
    const { engine } = server;
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const latches = new Map(names.map((name) => [name, new Latch()]));
    t.after(() => [...latches.values()].map((latch) => latch.open()));
    for (const name of names) {
      engine.executor.setCode(name, async (run) => {
        await latches.get(name)?.opened;
        run.write('out', 'x');
      });
    }
    await engine.repos('source', 'other', 'still');
    await engine.pipeline(names.map((name) => ({ name, input: 'source' })));
    await engine.pipeline({ name: LONG, input: 'still' });
    await engine.put('source', { 'one.txt': '1' });
    const page = await visit(t, { address: addressOf(server) });
    const node = (name: string) => page.locator(`[data-node="default/${name}"]`);
    for (const name of names) {
      await node(name).locator('.word', { hasText: '0 of 1 datum' }).waitFor();
    }
    const name = await node(LONG).locator('.name').boundingBox();
    const box = await node(LONG).locator('rect').first().boundingBox();
    assert.ok(name && box && name.x + name.width <= box.x + box.width, 'a long name is cut off');
    const asked: string[] = [];
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      asked.push(pathname.replace('/api/v1', '').replace(/[0-9a-f]{32}/, '<id>'));
    });
    await engine.put('other', { 'two.txt': '22' });
    await node('other').locator('.word', { hasText: '2 B' }).waitFor();
    // The two are asked for side by side, and one is shown before the other is sent, it may be.
    await eventually('commit sets are asked for', () => asked.includes('/commit-sets'));
    assert.deepEqual([...new Set(asked)].sort(), ['/commit-sets', '/repos/default/other']);
    latches.get('c')?.open();
    await node('c').locator('.word', { hasText: 'up to date' }).waitFor();
    const strange = asked.filter(
      (path) =>
        !/^\/(?:commit-sets|repos\/default\/(?:c|other)|pipelines\/default\/c(?:\/jobs\/<id>)?)$/.test(
          path,
        ),
    );
    assert.deepEqual(strange, []);
    assert.ok(asked.includes('/pipelines/default/c/jobs/<id>'));
  });

  it('finds what one searches, and highlights a commit set', async (t) => {
    const { address, server } = await makeWorld(t);
    const page = await visit(t, { address });
    await page.locator('[data-node="default/clean"]').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('rep');
    await page.getByText('1 match').waitFor();
    await page.locator('[data-node="default/report"].marked').waitFor();
    await page.locator('[data-node="default/clean"].dim').waitFor();
    assert.match(page.url(), /\?q=rep$/);

    const sets: Page<CommitSet> = await server.json('GET', '/commit-sets?limit=50');
    const failed = sets.items.find((set) => set.failed > 0);
    assert.ok(failed);
    await page.goto(`/?set=${failed.id}`);
    const plot = page.locator('[data-node="default/plot"]');
    await plot.locator('.word', { hasText: 'job failure' }).waitFor();
    assert.equal(await plot.getAttribute('href'), `/jobs/default/plot/${failed.id}`);
    await page.locator('[data-node="default/nightly"].dim').waitFor();
    await assertAccessible(page, 'the graph with a commit set');
  });

  it('is moved and zoomed by keys, wheel, and mouse', async (t) => {
    const { address } = await makeWorld(t);
    const page = await visit(t, { address });
    await page.locator('[data-node="default/clean"]').waitFor();
    const seen = [await transformOf(page)];
    const changed = async () => {
      const now = await transformOf(page);
      assert.ok(!seen.includes(now), `${now} was there before`);
      seen.push(now);
    };
    await page.locator('.graph svg').first().focus();
    await page.keyboard.press('ArrowLeft');
    await changed();
    await page.keyboard.press('+');
    await changed();
    await page.keyboard.press('0');
    assert.equal(await transformOf(page), seen[0]);
    await page.mouse.move(400, 250);
    await page.mouse.wheel(0, 300);
    await eventually('the wheel zooms', async () => (await transformOf(page)) !== seen[0]);
    await changed();
    const box = await page.locator('[data-node="default/clean"]').boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + 20, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + 120, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await changed();
    assert.equal(new URL(page.url()).pathname, '/', 'a move is no click');
  });

  it(`is quick with ${MANY} pipelines`, async (t) => {
    const server = await servePage(t, { idle: true });
    const { engine } = server;
    await engine.repos('source');
    await engine.pipeline({ name: 'step', input: 'source' });
    const one: Pipeline = await server.json('GET', '/pipelines/default/step');
    const page = await visit(t, { address: addressOf(server), path: '/jobs' });
    // Making so many takes an engine longer than a test may; what the page is told of them is the same.
    await page.route('**/api/v1/pipelines?*', (route) =>
      route.fulfill({ json: { items: manyLike(one), next: null } }),
    );
    await page.getByRole('link', { name: 'Graph', exact: true }).click();
    const before = Date.now();
    await page.locator('.edge').first().waitFor();
    const tookMs = Date.now() - before;
    t.diagnostic(`drawn after ${tookMs} ms`);
    assert.ok(tookMs < SOON_MS, `it took ${tookMs} ms`);

    const frames = await page.evaluate(FRAMES);
    t.diagnostic(`the longest of 30 frames with all in sight took ${String(frames)} ms`);
    assert.ok(Number(frames) < FRAME_MS, `a frame took ${String(frames)} ms`);

    await page.getByLabel('Search the graph').fill('step-777');
    await page.locator('[data-node="default/step-777"].marked').waitFor();
    const drawn = await page.locator('[data-node]').count();
    assert.ok(drawn < 200, `${drawn} nodes are drawn, most of them out of sight`);

    await page.getByRole('link', { name: 'Pipelines' }).click();
    await page.getByRole('link', { name: 'step-0', exact: true }).waitFor();
    const rows = await page.locator('tbody tr').count();
    assert.ok(rows < 100, `${rows} rows are drawn`);
    await page.getByLabel('Search pipelines').fill('step-999');
    await page.getByRole('link', { name: 'step-999' }).waitFor();
  });
});

/** As many pipelines like one, each reading from an earlier one. */
function manyLike(one: Pipeline): Pipeline[] {
  return Array.from({ length: MANY }, (_, index) => {
    const repo = index < 20 ? 'source' : `step-${Math.floor(index / 3)}`;
    const input = { pfs: { ...(one.spec.input as { pfs: object }).pfs, repo, name: repo } };
    return { ...one, name: `step-${index}`, input: `${repo}:/*`, spec: { ...one.spec, input } };
  });
}

/** Moves the graph about for 30 frames; gives the milliseconds of the longest. */
const FRAMES = `new Promise((done) => {
  const svg = document.querySelector('.graph svg');
  let last = performance.now(), worst = 0, left = 30;
  const step = (now) => {
    worst = Math.max(worst, now - last); last = now;
    if (left-- === 0) { done(Math.round(worst)); return; }
    svg.dispatchEvent(new WheelEvent('wheel', { deltaY: left % 2 ? 40 : -40, clientX: 600, clientY: 400, bubbles: true, cancelable: true }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;
