// Where the set-up looks for an S3 server, and in which order.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { FakeMachine, type Options } from './fake-machine.ts';

const IMAGE = 'minio/minio:latest';

async function ensure(machine: FakeMachine, options?: Options) {
  const outcome = await machine.call('s3-server.mjs', 'ensureS3Server', options);
  assert.equal(outcome.code, 0, outcome.stderr);
  const result = outcome.stdout.match(/^result (.*)$/m)?.[1] ?? '';
  return { ...outcome, ...(JSON.parse(result) as { found?: string; reason?: string }) };
}

const pulls = (machine: FakeMachine) =>
  machine.calls('docker').filter((line) => line.startsWith('docker pull '));

it('takes the endpoint that is given before any program, and runs nothing', async (t) => {
  const machine = FakeMachine.withDocker(t);
  machine.program('minio');
  const env = { PFS_TEST_S3_ENDPOINT: 'http://s3.lan' };
  assert.equal((await ensure(machine, { env })).found, 'the endpoint http://s3.lan');
  assert.deepEqual(machine.calls(), []);
});

it('takes minio before weed before versitygw, and each of them before Go and Docker', async (t) => {
  const machine = FakeMachine.withDocker(t, [IMAGE]);
  machine.program('go');
  for (const name of ['versitygw', 'weed', 'minio']) {
    machine.program(name);
    assert.ok((await ensure(machine)).found?.endsWith(`/bin/${name}`), name);
  }
  assert.deepEqual(machine.calls(), []);
});

it('builds one with Go into the checkout, once', async (t) => {
  const machine = FakeMachine.withDocker(t, [IMAGE]);
  machine.program('go', 'printf "#!/bin/sh\\n" > "$GOBIN/minio"; /bin/chmod +x "$GOBIN/minio"');
  const built = join(machine.checkout, '.cache/bin/minio');
  const { found, stdout } = await ensure(machine);
  assert.equal(found, built);
  assert.match(stdout, /building MinIO with Go, once \(some minutes\) …/);
  assert.equal((await ensure(machine)).found, built);
  assert.deepEqual(machine.calls(), ['go install github.com/minio/minio@latest']);
});

it('uses an image that is here and never replaces it by a newer one', async (t) => {
  const machine = FakeMachine.withDocker(t, [IMAGE]);
  machine.state('registry', '');
  assert.equal((await ensure(machine)).found, `the image ${IMAGE}`);
  assert.deepEqual(pulls(machine), []);
});

it('pulls the image where there is neither a program nor Go', async (t) => {
  const machine = FakeMachine.withDocker(t);
  machine.state('registry', '');
  assert.equal((await ensure(machine)).found, `the image ${IMAGE}`);
  assert.deepEqual(pulls(machine), [`docker pull --quiet ${IMAGE}`]);
});

it('falls back to the image when Go cannot build, and says why', async (t) => {
  const machine = FakeMachine.withDocker(t, [IMAGE]);
  machine.program('go', 'echo "go: no proxy in reach" >&2; exit 1');
  const { found, stdout } = await ensure(machine);
  assert.equal(found, `the image ${IMAGE}`);
  assert.match(stdout, /MinIO could not be built: go: no proxy in reach/);
});

it('says all that was tried where there is none', async (t) => {
  const machine = FakeMachine.debian(t);
  assert.equal(
    (await ensure(machine)).reason,
    `no S3 server: neither minio, weed nor versitygw is on the PATH, the image ${IMAGE} cannot be pulled, and Go is not installed to build one`,
  );
});
