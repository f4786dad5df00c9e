import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { docker, testImages } from '../support/docker.ts';
import { openExecutor } from './executor-for-test.ts';
import { startRegistry } from './registry.ts';

const USER = 'somebody';
const PASSWORD = 'pass:word';

async function home(t: TestContext, config: object): Promise<Record<string, string | undefined>> {
  const root = await mkdtemp(join(tmpdir(), 'pfs-docker-home-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, '.docker'));
  await writeFile(join(root, '.docker/config.json'), JSON.stringify(config));
  const helper = join(root, 'docker-credential-pfs-test');
  const answer = JSON.stringify({ Username: USER, Secret: PASSWORD });
  await writeFile(helper, `#!/bin/sh\nread -r server\n[ "$1" = get ] && echo '${answer}'\n`);
  await chmod(helper, 0o755);
  return {
    ...process.env,
    HOME: root,
    DOCKER_CONFIG: undefined,
    PATH: `${root}:${process.env.PATH}`,
  };
}

for (const kind of ['auths', 'credHelpers', 'credsStore']) {
  it(`resolveImage() pulls with the credentials of ${kind}, and knows the digest`, async (t) => {
    const images = await testImages();
    if (images.skip !== undefined) {
      t.skip(images.skip);
      return;
    }
    const name = `pfs-test/pulled-${kind.toLowerCase()}`;
    const { host, digest } = await startRegistry(t, { name, user: USER, password: PASSWORD });
    const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
    const config = {
      auths: { auths: { [host]: { auth } } },
      credHelpers: { credHelpers: { [host]: 'pfs-test' } },
      credsStore: { credsStore: 'pfs-test' },
    }[kind];
    const { executor } = await openExecutor(t, { environment: await home(t, config ?? {}) });
    const reference = `${host}/${name}`;
    t.after(() => docker('rmi', reference));
    const lines: string[] = [];
    const onProgress = (line: string) => lines.push(line);
    const image = await executor.resolveImage(reference, { onProgress });
    assert.equal(image.digest, digest);
    assert.equal(image.hasShell, false);
    assert.ok(
      lines.some((line) => line.includes('Pull complete')),
      lines.join('\n'),
    );
    await assert.rejects(executor.resolveImage(`${reference}:other`), {
      code: 'not_found',
      message: /Cannot pull image ".*:other": .*build or push/,
    });
  });
}

it('resolveImage() is unavailable when the registry does not answer', async (t) => {
  const images = await testImages();
  if (images.skip !== undefined) {
    t.skip(images.skip);
    return;
  }
  const { executor } = await openExecutor(t);
  await assert.rejects(executor.resolveImage('127.0.0.1:1/pfs-test/none'), { code: 'unavailable' });
  await assert.rejects(executor.resolveImage('NOT A NAME'), { code: 'invalid' });
});
