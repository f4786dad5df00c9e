import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Commit, Job } from '../../engine/server/wire.ts';
import { checkout, runProgram } from '../support/cli.ts';
import { testImages } from '../support/docker.ts';
import { asUser, dockerUser } from '../support/docker-user.ts';
import { EngineHome } from '../support/engine-home.ts';

const images = await testImages();

/** What a container's root can do to be in the way of whoever is not root on the host. */
const HOSTILE = `umask 077
cd /pfs/out
mkdir -p d/e sticky own
cat $data > d/e/secret
cp $data own/file; chown -R 4321:4321 own
echo s > sticky/g; chmod 1777 sticky
cp $data $(basename $data)
chmod 0 d/e/secret d/e $(basename $data)`;

describe('an engine whose user is not root and may use Docker', {
  skip: images.skip ?? false,
}, () => {
  const image = images.skip === undefined ? images.busybox : '';
  const user = dockerUser();
  let home: EngineHome;
  before(async () => {
    home = new EngineHome({ user });
    await home.start();
    await home.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
    await home.put('data', { a: 'first\n', b: 'second\n' });
  });
  after(() => home.remove());

  const scratch = () => {
    const folder = join(home.home, 'scratch/workers');
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  const create = (name: string, sh: string, more: object = {}) =>
    home.createPipeline({
      pipeline: { name },
      input: { pfs: { repo: 'data', glob: '/*' } },
      transform: { image, cmd: ['sh', '-ec', sh] },
      ...more,
    });
  const done = async (name: string): Promise<Job> => {
    const { id } = await home.json<Commit>('GET', `/repos/default/${name}/commits/master`);
    await home.ask('GET', `/pipelines/default/${name}/jobs/${id}/wait`);
    return await home.json('GET', `/pipelines/default/${name}/jobs/${id}`);
  };

  it('really is not root', () => {
    const { uid } = statSync(`/proc/${home.pid}`);
    assert.notEqual(uid, 0);
  });

  it('takes what a container leaves as root, and as others, whatever its modes', async () => {
    await create(
      'hostile',
      HOSTILE.replaceAll(' d/e', ' $(basename $data)-d/e')
        .replaceAll(/ own\b/g, ' $(basename $data)-own')
        .replaceAll('sticky', '$(basename $data)-sticky'),
    );
    const job = await done('hostile');
    assert.deepEqual([job.state, job.reason, job.datums.processed], ['success', '', 2]);
    for (const [name, text] of [
      ['a', 'first\n'],
      ['b', 'second\n'],
    ] as const) {
      assert.equal(await home.read('hostile', 'master', `/${name}`), text);
      assert.equal(await home.read('hostile', 'master', `/${name}-d/e/secret`), text);
      assert.equal(await home.read('hostile', 'master', `/${name}-own/file`), text);
      assert.equal(await home.read('hostile', 'master', `/${name}-sticky/g`), 's\n');
    }
  });

  it('does the same where each datum has a container of its own, for want of a shell', async () => {
    const scratchImage = images.skip === undefined ? images.scratch : '';
    const sh = '/busybox cp $data /pfs/out/; /busybox chmod 0 /pfs/out/*';
    const cmd = ['/busybox', 'sh', '-ec', sh];
    await create('shell-less', '', { transform: { image: scratchImage, cmd } });
    assert.equal((await done('shell-less')).state, 'success');
    assert.equal(await home.read('shell-less', 'master', '/a'), 'first\n');
  });

  it('runs user code of any user', async () => {
    const transform = {
      image,
      cmd: ['sh', '-ec', 'id -u > /pfs/out/$(basename $data)'],
      user: '1234',
    };
    await create('other', '', { transform });
    assert.equal((await done('other')).state, 'success');
    assert.equal(await home.read('other', 'master', '/a'), '1234\n');
  });

  it('leaves nothing of a pipeline that is deleted in the midst of it', async () => {
    const before = scratch().length;
    await create('midst', `${HOSTILE}; echo there; sleep 60`, { datum_tries: 1 });
    const { id } = await home.json<Commit>('GET', '/repos/default/midst/commits/master');
    await seen(home, `job=${id}&pipeline=midst`);
    const { status } = await home.ask('DELETE', '/pipelines/default/midst');
    assert.equal(status, 204);
    assert.equal(scratch().length, before);
  });

  it('removes what a container left as root under an engine that was killed', async () => {
    await create('orphan', `${HOSTILE}; echo there; sleep 60`, { datum_timeout: '90s' });
    const { id } = await home.json<Commit>('GET', '/repos/default/orphan/commits/master');
    await seen(home, `job=${id}&pipeline=orphan`);
    await home.kill();
    await home.start();
    const { status } = await home.ask('DELETE', '/pipelines/default/orphan');
    assert.equal(status, 204);
    await home.kill('SIGTERM');
    assert.deepEqual(home.containers(), []);
    assert.deepEqual(scratch(), []);
    assert.deepEqual(readdirSync(join(home.home, 'scratch/docker')), []);
    assert.equal(
      home.log.some((line) => line.includes('Cannot remove')),
      false,
    );
  });
});

describe('what root may do and others may not', () => {
  const user = dockerUser();
  const skip =
    user === undefined ? 'whoever runs this is not root: those tests ran where they are' : false;

  it('is tested as another user', { skip }, async (t) => {
    assert.ok(user);
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'pfs-user-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    chownSync(folder, user.uid, user.gid);
    const files = ['outputs', 'datum-runner'].map((name) => `test/unit/jobs/${name}.test.ts`);
    const pattern = 'taken over by the worker|may not be read|emptying a directory';
    const options = ['--test-reporter=tap', `--test-name-pattern=${pattern}`];
    const node = [process.execPath, '--import', 'tsx', '--test', ...options, ...files];
    const [program = '', ...words] = asUser(user, node);
    const env = { HOME: folder, TMPDIR: folder, NODE_TEST_CONTEXT: undefined };
    const { code, stdout } = await runProgram(program, words, { cwd: checkout, env });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^# pass 3$/m, stdout);
    assert.doesNotMatch(stdout, /root may/);
  });
});

/** Waits until user code has printed something. */
async function seen(home: EngineHome, query: string): Promise<void> {
  for (let found = false; !found; ) {
    const { bytes } = await home.ask('GET', `/logs?project=default&${query}`);
    found = bytes.includes('there');
  }
}
