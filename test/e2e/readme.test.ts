// What the READMEs tell a stranger to type is typed here, word by word, so that it stays true.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CliHome, checkout, runProgram, skipWithoutDocker } from '../support/cli.ts';

const images = ['pachyderm/iris-train:python-svm', 'pfs/examples:1'];

describe('the commands of', { skip: skipWithoutDocker(images) }, () => {
  for (const [file, section] of [
    ['README.md', /^## Ten minutes$[\s\S]*?(?=^## )/m],
    ['pipelines/iris/README.md', /[\s\S]*/],
    ['pipelines/word-count/README.md', /[\s\S]*/],
    ['pipelines/edges/README.md', /[\s\S]*/],
  ] as const) {
    it(`${file} do what it says`, async () => {
      const text = section.exec(readFileSync(join(checkout, file), 'utf8'))?.[0] ?? '';
      const lines = text.split('\n').filter((line) => /^ {4}(?:pfs|git) /.test(line));
      assert.ok(lines.length > 5, `only ${lines.length} commands were found`);
      const home = new CliHome();
      const before = readdirSync(checkout);
      try {
        for (const line of lines) {
          await type(home, line.trim());
        }
      } finally {
        await home.close();
      }
      assert.deepEqual(readdirSync(checkout), before, 'a command left something in the checkout');
    });
  }
});

it('the commands of docs/versions.md do what it says', async () => {
  const text = readFileSync(join(checkout, 'docs/versions.md'), 'utf8');
  const lines = text.split('\n').filter((line) => /^ {4}pfs /.test(line));
  assert.ok(lines.length > 15, `only ${lines.length} commands were found`);
  const home = new CliHome();
  try {
    const before = ['pfs create-repo training', 'pfs create-repo model'];
    for (const file of ['iris.csv', 'a', 'b', 'c', 'd', 'e']) {
      before.push(`echo ${file} | pfs put-file training master /${file} -c -f -`);
    }
    before.push('pfs create-tag training v1 --head master.1');
    before.push('echo model | pfs put-file model master /model.pkl -c -f -');
    for (const line of [...before, ...lines]) {
      await type(home, line.trim());
    }
  } finally {
    await home.close();
  }
});

it('the commands of README.md that keep a store safe do what it says', {
  // The doctor would miss it.
  skip: skipWithoutDocker(),
}, async () => {
  const text = readFileSync(join(checkout, 'README.md'), 'utf8');
  const [section = ''] = /^## Keeping it safe$[\s\S]*?(?=^## )/m.exec(text) ?? [];
  const lines = section.split('\n').filter((line) => /^pfs /.test(line));
  // In the text, too; of a choice (a|b) the first.
  const spoken = [...section.matchAll(/`(pfs [^`]+)`/g)]
    .map(([, line = '']) => line.replace(/\s+/g, ' '))
    .filter((line) => !line.startsWith('pfs engine'));
  assert.ok(lines.length >= 4 && spoken.length >= 5, `${lines.length} and ${spoken.length}`);
  const home = new CliHome();
  try {
    for (const repo of ['training', 'gone']) {
      await type(home, `pfs create-repo ${repo}`);
      await type(home, `echo rows | pfs put-file ${repo} master /iris.csv -c -f -`);
    }
    await type(home, 'pfs delete-repo gone');
    for (const line of [...lines, ...spoken]) {
      const undelete = line.startsWith('pfs undelete') ? 'pfs undelete repo gone' : line;
      await type(home, undelete.replaceAll('/mnt/backup/', '/tmp/backup/'));
    }
    await type(home, 'pfs get-file gone@master:/iris.csv | grep rows');
    // What it says last: the mirror takes over.
    await type(home, 'pfs engine stop');
    await type(home, 'PFS_HOME=/tmp/other pfs engine start --store file:///tmp/backup/pfs');
    try {
      await type(home, 'PFS_HOME=/tmp/other pfs get-file training@master:/iris.csv | grep rows');
    } finally {
      await type(home, 'PFS_HOME=/tmp/other pfs engine stop');
    }
  } finally {
    await home.close();
  }
});

/** Runs a line in a shell, with the home's folder for /tmp, the one place that the READMEs write to, and `pfs` on its path; a comment after `pfs logs` says what must be printed. */
async function type(home: CliHome, line: string): Promise<void> {
  const { stdout, stderr, code } = await runProgram(
    'bash',
    ['-c', line.replaceAll('/tmp/', `${home.folder}/`)],
    { env: { ...home.environment, PATH: `${join(checkout, 'bin')}:${process.env.PATH}` } },
  );
  assert.equal(code, 0, `${line}\n${stderr}`);
  const [, promised = ''] = /^pfs logs.*#(?: …)? (.*)$/.exec(line) ?? [];
  for (const part of promised.split(', ')) {
    assert.ok(stdout.includes(part), `${line}\nprinted\n${stdout}`);
  }
}
