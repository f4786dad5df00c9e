// Every command of the documentation is typed here, page by page, each in a new folder with an engine of its own; what a page shows
// below a command must be what it prints. Blocks that can't be run say why, and are listed.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { skipWithoutDocker } from '../support/cli.ts';
import { lacking, withoutNamespaces } from '../support/leave-out.ts';
import { isAlike } from './likeness.ts';
import { type Page, readPage, type Step } from './page.ts';
import { PageHome } from './page-home.ts';
import { pagePaths } from './page-paths.ts';

const IMAGES = ['pachyderm/iris-train:python-svm', 'pfs/examples:1'];

describe('what the documentation tells to type does what it says:', { concurrency: 2 }, () => {
  for (const path of pagePaths()) {
    it(path, (t) => tryOut(readPage(path), t));
  }
});

async function tryOut(page: Page, t: TestContext): Promise<void> {
  if (page.steps.every(({ kind }) => kind === 'data')) {
    return;
  }
  const skip = page.needs.has('docker') ? skipWithoutDocker(IMAGES) : withoutNamespaces();
  const home = skip === false ? await PageHome.open(page) : { skip };
  if ('skip' in home) {
    t.skip(lacking(home.skip));
    return;
  }
  try {
    for (const step of page.steps) {
      await perform(step, { page, home, t });
    }
  } finally {
    await home.close();
  }
}

interface Place {
  readonly page: Page;
  readonly home: PageHome;
  readonly t: TestContext;
}

async function perform(step: Step, { page, home, t }: Place): Promise<void> {
  const place = `${page.path}:${step.line}`;
  if (step.kind === 'left') {
    t.diagnostic(`${place} is not run: ${step.reason}`);
  } else if (step.kind === 'file') {
    home.write(step.name, step.text);
  } else if (step.kind !== 'data') {
    const { printed, code, failed } = await home.type(step.text);
    const told = `${place}\n${step.text}\nprinted\n${printed}`;
    if (step.kind === 'read') {
      assert.ok(code === 0 && printed.trim() !== '', `${told}and ended with ${code}`);
      home.mean(step.name, printed.trim());
      return;
    }
    assert.equal(code, step.exits, `${told}and ended with ${code} in\n${failed}`);
    assert.ok(step.exits !== 0 || failed === '', `${told}and this failed:\n${failed}`);
    if (step.kind === 'command' && step.output !== '') {
      assert.ok(isAlike(printed, step.output), `${told}and the page shows\n${step.output}`);
    }
  }
}
