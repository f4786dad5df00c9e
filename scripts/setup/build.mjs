// dist/, made from engine/, client/, cli/ and schemas/ by the compiler, and dist/web from web/ and the documentation. Built aside and swapped in whole, so that a failed or
// interrupted build never leaves half a dist/.

import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { lastLines, run } from './run.mjs';
import { SetupError, step } from './say.mjs';
import { removing } from './temporary.mjs';
import { buildWeb } from './web.mjs';

const stamp = `${root}/dist/.sources`;

/** Returns a hash over names, sizes and times of everything that dist/ is made from; a deleted source counts too. */
function sourcesHash() {
  const hash = createHash('sha256');
  const add = (path) => {
    const { mtimeMs, size } = statSync(`${root}/${path}`);
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  };
  for (const folder of ['engine', 'client', 'cli', 'schemas', 'web']) {
    const names = readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((each) => /\.(tsx?|json|css|html|svg)$/.test(each)).sort()) {
      add(`${folder}/${name}`);
    }
  }
  for (const folder of ['docs', 'pipelines', 'scripts/docs']) {
    const names = readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((each) => /\.\w+$/.test(each)).sort()) {
      add(`${folder}/${name}`);
    }
  }
  for (const file of [
    ...['README.md', 'DESIGN.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/setup/web.mjs',
    'package.json',
    'package-lock.json',
  ]) {
    add(file);
  }
  return hash.digest('hex');
}

function isFresh() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourcesHash();
}

/** Compiles into dist/ when the sources changed since the last build, or always with `force`. */
export async function ensureBuild(options = {}) {
  if (!options.force && isFresh()) {
    return;
  }
  await withLock('build', async () => {
    if (options.force || !isFresh()) {
      await step('building dist', build);
    }
  });
}

async function build() {
  const fresh = `${root}/dist.new-${process.pid}`;
  const old = `${root}/dist.old-${process.pid}`;
  await removing([fresh, old], async () => {
    // Taken before compiling: a source that changes meanwhile makes the next run build again.
    const sources = sourcesHash();
    const compiler = `${root}/node_modules/typescript/bin/tsc`;
    const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh];
    const result = await run(process.execPath, args, { timeoutMs: 10 * 60_000 });
    if (result.code !== 0) {
      const printed = lastLines(`${result.stdout}\n${result.stderr}`, 40);
      throw new SetupError(`Cannot build dist: the compiler found errors\n${printed}`);
    }
    await buildWeb(`${fresh}/web`);
    writeFileSync(`${fresh}/.sources`, sources);
    if (existsSync(`${root}/dist`)) {
      renameSync(`${root}/dist`, old);
    }
    renameSync(fresh, `${root}/dist`);
  });
}
