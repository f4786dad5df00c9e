// The first journey of somebody who has only the page: a repo, a file, a pipeline, its job, its output, and where that came from.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { scratchDirectory } from '../support/scratch.ts';
import { addressOf, servePage, visit, WITHOUT_BROWSER } from './support/visit.ts';

it('the first journey, from nothing to a file and its origin', {
  skip: WITHOUT_BROWSER,
}, async (t) => {
  const server = await servePage(t);
  server.engine.executor.setCode('count', async (run) => {
    for (const [path, text] of Object.entries(run.input('texts'))) {
      await run.print(`counting ${path}\n`);
      run.write(path, `${text.split(' ').length} words`);
    }
  });
  const folder = scratchDirectory(t);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'poem.txt'), 'so much depends upon');
  const page = await visit(t, { address: addressOf(server) });
  await page.getByRole('heading', { name: 'Nothing here yet' }).waitFor();

  await page.getByRole('link', { name: 'Repos' }).click();
  await page.getByRole('button', { name: 'New repo' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('texts');
  await page.getByRole('button', { name: 'Make repo' }).click();
  await page.waitForURL('**/repos/default/texts');

  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose files' }).click();
  await (await chooser).setFiles(join(folder, 'poem.txt'));
  await page.getByLabel('Message').press('Enter');
  await page.getByRole('link', { name: 'poem.txt' }).waitFor();

  await page.getByRole('link', { name: 'Pipelines' }).click();
  await page.getByRole('link', { name: 'New pipeline' }).click();
  await page.getByLabel('Spec, as JSON or YAML').fill(SPEC);
  await page.getByRole('button', { name: 'Show what it would do' }).click();
  await page.getByText('Its first job would have 1 datum').waitFor();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('up to date').waitFor();

  await page.locator('tbody a.mono').first().click();
  await page.getByText('1 processed').waitFor();
  await page.getByRole('link', { name: 'Log' }).click();
  await page.getByText('counting poem.txt').waitFor();

  await page.getByRole('link', { name: 'Repos' }).click();
  await page.getByRole('link', { name: 'count', exact: true }).first().click();
  await page.getByRole('link', { name: 'poem.txt' }).click();
  await page.getByText('4 words').waitFor();
  await page.getByRole('link', { name: 'Provenance' }).click();
  await page.getByRole('treeitem').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.getByText('texts:/poem.txt').waitFor();

  await page.getByRole('link', { name: 'Graph', exact: true }).click();
  await page.locator('[data-node="default/count"] .word', { hasText: 'up to date' }).waitFor();
});

const SPEC = `pipeline:
  name: count
input:
  pfs: { repo: texts, glob: /* }
transform:
  image: busybox
  cmd: [count]
`;
