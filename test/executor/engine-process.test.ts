import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it, type TestContext } from 'node:test';
import { SystemRandom } from '../../engine/base/random.ts';
import { containersWith, docker, testImages } from '../support/docker.ts';
import { asUser, dockerUser, type OtherUser } from '../support/docker-user.ts';

type Environment = Record<string, string | undefined>;

interface Child {
  readonly process: ChildProcess;
  readonly instanceId: string;
  readonly firstLine: Promise<string>;
}

async function startEngine(
  t: TestContext,
  options: {
    mode: string;
    image: string;
    user?: OtherUser | undefined;
    hidden?: boolean;
    env?: Environment;
  },
): Promise<Child> {
  const instanceId = `test-${new SystemRandom().bytes(6).toString('hex')}`;
  const root = await mkdtemp(join(tmpdir(), 'pfs-engine-'));
  const script = join(import.meta.dirname, 'engine-process.ts');
  const engine = ['--import', 'tsx', script, options.mode, root, instanceId, options.image];
  let argv = [process.execPath, ...engine];
  if (options.user !== undefined) {
    await chown(root, options.user.uid, options.user.gid);
    argv = asUser(options.user, argv);
  }
  if (options.hidden) {
    const script = 'mount -t tmpfs tmpfs "$0" && exec "$@"';
    argv.unshift('unshare', '--mount', '/bin/sh', '-c', script, root);
  }
  const [program = '', ...words] = argv;
  const env = { ...process.env, HOME: root, TMPDIR: root, ...options.env };
  const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    child.kill('SIGKILL');
    for (const id of await containersWith(`pfs.instance=${instanceId}`)) {
      // It may be on its way out already.
      await docker('rm', '-f', id).catch(() => {});
    }
    await rm(root, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stdout });
  const firstLine = once(lines, 'line').then(([line]) => String(line));
  return { process: child, instanceId, firstLine };
}

it('the container of an engine that is killed is gone within seconds', {
  timeout: 60_000,
}, async (t) => {
  const images = await testImages();
  if (images.skip !== undefined) {
    t.skip(images.skip);
    return;
  }
  const child = await startEngine(t, { mode: 'wait', image: images.busybox });
  assert.equal(await child.firstLine, 'ready');
  const [id = ''] = await containersWith(`pfs.instance=${child.instanceId}`);
  const started = performance.now();
  const gone = docker('wait', id);
  child.process.kill('SIGKILL');
  await gone;
  const took = performance.now() - started;
  assert.ok(took < 5000, `took ${took} ms`);
  t.diagnostic(`gone after ${Math.round(took)} ms`);
});

for (const mode of ['clean', 'clean-without-shell']) {
  it(`an engine that is not root can take over what root left in a container (${mode})`, {
    timeout: 60_000,
  }, async (t) => {
    const images = await testImages();
    if (images.skip !== undefined) {
      t.skip(images.skip);
      return;
    }
    const user = dockerUser();
    const image = mode === 'clean' ? images.busybox : images.scratch;
    const child = await startEngine(t, { mode, image, user });
    const { uid, ...answer } = JSON.parse(await child.firstLine) as Record<string, unknown>;
    assert.notEqual(uid, 0);
    assert.deepEqual(answer, {
      result: { kind: 'exited', code: 0 },
      said: '',
      names: ['a', 'a/b', 'a/b/c', 'a/b/c/f', 'link', 'sticky', 'sticky/d', 'sticky/d/g'],
      secret: 'secret\n',
    });
  });
}

for (const mode of ['copy', 'copy-without-shell']) {
  it(`data is copied where Docker does not see the directories of the engine (${mode})`, {
    timeout: 60_000,
  }, async (t) => {
    const images = await testImages();
    const skip =
      images.skip ?? (process.getuid?.() === 0 ? undefined : 'hiding a directory needs root');
    if (images.skip !== undefined || skip !== undefined) {
      t.skip(skip);
      return;
    }
    const image = mode === 'copy' ? images.busybox : images.scratch;
    const child = await startEngine(t, { mode, image, hidden: true });
    const answer = JSON.parse(await child.firstLine) as Record<string, unknown>;
    assert.deepEqual(answer.result, { kind: 'exited', code: 0 });
    assert.equal(answer.b, 'data');
    assert.match(String(answer.notes), /moves by copying.*because Docker can't bind a directory/);
  });
}

it('Docker is reached over ssh through the ssh command of the user', {
  timeout: 60_000,
}, async (t) => {
  const images = await testImages();
  if (images.skip !== undefined) {
    t.skip(images.skip);
    return;
  }
  const bin = await mkdtemp(join(tmpdir(), 'pfs-ssh-'));
  t.after(() => rm(bin, { recursive: true, force: true }));
  const script =
    '#!/bin/sh\nunset DOCKER_HOST\nwhile [ "$1" != docker ]; do shift; done\nexec "$@"\n';
  await writeFile(join(bin, 'ssh'), script, { mode: 0o755 });
  const env = { DOCKER_HOST: 'ssh://me@far.example', PATH: `${bin}:${process.env.PATH}` };
  const child = await startEngine(t, { mode: 'copy', image: images.busybox, env });
  const answer = JSON.parse(await child.firstLine) as Record<string, unknown>;
  assert.match(String(answer.printed), /\/pfs\/repo\/a/);
  assert.equal(answer.b, 'data');
  assert.match(String(answer.notes), /at ssh:\/\/me@far\.example/);
});
