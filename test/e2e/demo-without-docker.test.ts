// The demo on a machine whose Docker is away. Its python3 is a stand-in, so that no machine needs scikit-learn for this.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type CommandResult, checkout, runProgram } from '../support/cli.ts';
import { withoutNamespaces } from '../support/leave-out.ts';

const PYTHON = `#!/bin/sh
case $1 in
  -c) exit 0 ;;
  -)
    grep -q '^from sklearn.svm import SVC$' || exit 9
    rows=$(wc -l </pfs/training/iris.csv)
    sha256sum /pfs/training/iris.csv >/pfs/out/model.pkl
    echo "trained on $rows rows"
    echo "accuracy 0.9$rows"
    ;;
esac
`;

/** Runs the demo with this `python3`, and with a Docker that nobody listens for. */
async function demo(python: string): Promise<CommandResult> {
  const cache = join(checkout, '.cache');
  mkdirSync(cache, { recursive: true });
  // Not below /tmp, where the checkout may be: of that, commands see nothing.
  const place = /^\/(?:var\/)?tmp\//.test(checkout) ? homedir() : cache;
  const folder = mkdtempSync(join(place, 'pfs-demo-test-'));
  try {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    mkdirSync(join(folder, 'tmp'));
    writeFileSync(join(bin, 'python3'), python);
    chmodSync(join(bin, 'python3'), 0o755);
    const result = await runProgram(process.execPath, [join(checkout, 'scripts/demo.mjs')], {
      env: {
        NO_COLOR: '1',
        DOCKER_HOST: 'tcp://127.0.0.1:1',
        PATH: `${bin}:${process.env.PATH}`,
        TMPDIR: join(folder, 'tmp'),
      },
      timeoutMs: 300_000,
    });
    const left = readdirSync(join(folder, 'tmp')).filter((name) => name.startsWith('pfs-demo'));
    assert.deepEqual(left, [], 'the demo left files behind');
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('npm run demo without Docker', { skip: withoutNamespaces() }, () => {
  it('says so and goes on with the python3 of the machine', async () => {
    const { code, stdout, stderr } = await demo(PYTHON);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.match(
      stdout,
      /Cannot use Docker: .*\nThe demo goes on without Docker: .* the image is ignored/,
    );
    assert.match(stdout, /\$ pfs engine start --executor process/);
    assert.match(stderr, /image "pachyderm\/iris-train:python-svm" is ignored/);
    assert.deepEqual(stdout.match(/^accuracy .*/gm), ['accuracy 0.9151', 'accuracy 0.9181']);
    assert.match(stdout, /A new model was made/);
    assert.match(stdout, /host:image-ignored/);
  });

  it('says what the machine lacks where it can’t', async () => {
    const { code, stderr } = await demo('#!/bin/sh\nexit 1\n');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /Cannot use Docker: .*The demo could do without Docker, but .* lacks scikit-learn/,
    );
  });
});
