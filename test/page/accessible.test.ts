// Every view of the graph, pipelines and jobs, light and dark, wide and narrow: accessible, and nothing cut off.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Datum, Job, Page } from '../../engine/server/wire.ts';
import { assertAccessible } from './support/axe.ts';
import { visit, WITHOUT_BROWSER } from './support/visit.ts';
import { makeWorld } from './support/world.ts';

const NARROW = { width: 360, height: 740 };

describe('views', { skip: WITHOUT_BROWSER }, () => {
  it('are accessible in both themes, and fit a phone', async (t) => {
    const { address, server } = await makeWorld(t);
    const list: Page<Job> = await server.json('GET', '/jobs?pipeline=plot&state=failure');
    const failed = `/jobs/default/plot/${list.items[0]?.id}`;
    const datums: Page<Datum> = await server.json(
      'GET',
      `/pipelines/default/plot/jobs/${list.items[0]?.id}/datums?state=failed`,
    );
    // A path, and what shows that all of it is there.
    const views: readonly (readonly [path: string, shows: string])[] = [
      ['/', '[data-node="default/clean"]'],
      ['/pipelines', 'tbody a'],
      ['/pipelines/default/clean', 'tbody a'],
      ['/pipelines/default/train/spec', '.text pre'],
      ['/pipelines/default/clean/versions', 'text=There is nothing to compare'],
      ['/pipelines/default/clean/edit', 'text=The spec is right'],
      ['/new-pipeline', '.gutter .wrong'],
      ['/jobs', 'tbody a'],
      [failed, '.failed pre'],
      [`${failed}/datums`, 'tbody a'],
      [`${failed}/datums/${datums.items[0]?.id}`, '.log-line'],
      [`${failed}/log`, '.log-line'],
      [`${failed}/why`, '.reason'],
    ];
    for (const theme of ['light', 'dark'] as const) {
      const page = await visit(t, { address, path: '/', theme });
      for (const [path, shows] of views) {
        await page.goto(path);
        await page.locator(shows).first().waitFor();
        await assertAccessible(page, `${path} in ${theme}`);
      }
    }
    const phone = await visit(t, { address, ...NARROW });
    for (const [path, shows] of views) {
      await phone.goto(path);
      await phone.locator(shows).first().waitFor();
      const width = await phone.evaluate('document.documentElement.scrollWidth');
      assert.ok(Number(width) <= NARROW.width, `${path} is ${String(width)} pixels wide`);
    }
  });
});
