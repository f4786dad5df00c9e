// Stock Git on repos of an engine, as docs/git.md says: its commands are typed here word by word.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { CliHome, checkout, runProgram } from '../support/cli.ts';

it('what is put is cloned, and what is pushed is there', async (t) => {
  const home = new CliHome();
  t.after(() => home.close());
  const type = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await runProgram('bash', ['-c', line], {
      cwd: home.folder,
      env: {
        ...home.environment,
        HOME: home.folder,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        PATH: `${join(checkout, 'bin')}:${process.env.PATH}`,
      },
    });
    assert.equal(code, 0, `${line}\n${stderr}`);
    return stdout;
  };
  await type('pfs create-repo training && echo 1 | pfs put-file training master /a -c -f -');
  await type(
    'head -c 2000000 /dev/urandom > big.bin && pfs put-file training master -c -f big.bin',
  );
  const [, block = ''] =
    /```sh\n([\s\S]*?)```/.exec(readFileSync(join(checkout, 'docs/git.md'), 'utf8')) ?? [];
  const lines = block.trim().split('\n');
  assert.equal(lines.length, 2);
  await type(
    'git lfs install && git config --global user.name T && git config --global user.email t@t',
  );
  for (const line of lines) {
    await type(line);
  }
  await type('cmp training/big.bin big.bin');
  assert.match(await type('cd training && git log -1'), /Pfs-Commit: [0-9a-f]{32}/);
  await type('cd training && echo 2 > a && git commit -qam "from Git" && git push -q');
  assert.equal(await home.pfs('get-file', 'training@master:/a'), '2\n');
  assert.match(await home.pfs('list-commit', 'training'), /from Git/);
  await type('echo 3 | pfs put-file training master /a -c -f - && cd training && git pull -q');
  assert.equal(await type('cat training/a'), '3\n');
  await home.pfs('fsck', '--data');
  // A history that was never here, without our attributes and with a file larger than any that is put as a blob.
  await type(
    'git init -q code && cd code && head -c 3000000 /dev/urandom > big && mkdir d && echo a > d/a && git add . && git commit -qm one && echo b > d/b && git add . && git commit -qm two',
  );
  await type('pfs create-repo code && cd code && git push -q "$(pfs git-url code)" HEAD:master');
  await type('pfs get-file code@master:/big | cmp - code/big');
  assert.equal(
    await type('pfs get-file code@master:/big --offset 2999990 | od -An -tx1'),
    await type('tail -c 10 code/big | od -An -tx1'),
  );
  await type('echo c | pfs put-file code master /d/c -c -f - && pfs collect --grace 0s');
  await home.pfs('fsck', '--data');
  await type(
    'git clone -q "$(pfs git-url code)" again && cmp again/big code/big && cd again && git fsck --strict',
  );
  assert.equal(await type('cat again/d/*'), 'a\nb\nc\n');
});
