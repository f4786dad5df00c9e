import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Datum, Job, Pipeline } from '../../engine/server/wire.ts';
import type { Lineage } from '../../engine/server/wire-lineage.ts';
import type { Secret } from '../../engine/server/wire-secrets.ts';
import { startRegistry } from '../executor/registry.ts';
import type { CliHome } from '../support/cli.ts';
import { image, images, PipelineHome, workersOf } from './pipeline-home.ts';

const PASSWORD = 'tell-nobody-4711';
const ROTATED = 'tell-nobody-4712';

describe('secrets, from the command line', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());

  /** Looks for a value, plain and in base64, in everything below a folder. */
  const findBelow = (folder: string, value: string): readonly string[] => {
    const wanted = [value, Buffer.from(value).toString('base64')];
    return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) {
        return [];
      }
      const text = readFileSync(path, 'latin1');
      return wanted.some((one) => text.includes(one)) ? [path] : [];
    });
  };

  it('are made from a document, a file, a literal and standard input, and never shown', async () => {
    const document = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db' },
      stringData: { user: 'ann', password: PASSWORD },
    };
    const made = await home.run(['create-secret', '-f', '-'], { input: JSON.stringify(document) });
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /nowhere else.*export-key/, 'the user is told to keep the key');
    await home.pfs('create', 'secret', 'one', '--from-literal', 'token=abc');
    await home.pfs('create', 'secret', 'two', '--from-file', home.file('a file', 'value.txt'));
    const piped = await home.run(['create', 'secret', 'three', '--from-file', 'pw=-'], {
      input: 'piped',
    });
    assert.equal(piped.code, 0, piped.stderr);
    const listed = (await home.raw('list-secret')) as unknown as Secret[];
    assert.deepEqual(
      listed.map(({ name, keys, version }) => `${name}@${version} ${keys.join()}`),
      ['db@1 password,user', 'one@1 token', 'three@1 pw', 'two@1 value.txt'],
    );
    assert.equal((await home.run(['create-secret', '-f', '-'], { input: '{}' })).code, 2);
    const printed = [
      await home.pfs('list-secret'),
      await home.pfs('inspect-secret', 'db'),
      await home.pfs('inspect-secret', 'db', '--raw'),
      await home.pfs('log', '--raw'),
    ].join('\n');
    assert.doesNotMatch(printed, new RegExp(`${PASSWORD}|${btoa(PASSWORD)}|abc|piped`));
    await home.pfs('delete-secret', 'three');
    assert.equal((await home.run(['inspect-secret', 'three'])).code, 3);
  });

  it('are files in memory that nobody can write, or variables, as the spec says', async () => {
    await home.repo('data', { a: '1' });
    const sh = [
      'cat /secrets/db/password > /pfs/out/password',
      'ls /secrets/db > /pfs/out/files',
      'ls /secrets/user-only > /pfs/out/one',
      'echo -n "$DB_PASSWORD" > /pfs/out/variable',
      'grep " /secrets/db " /proc/mounts > /pfs/out/mount',
      'if echo x 2>/dev/null > /secrets/db/password; then echo yes; else echo no; fi > /pfs/out/writable',
    ].join('\n');
    const secrets = [
      { name: 'db', mount_path: '/secrets/db/' },
      { name: 'db', key: 'user', mount_path: '/secrets/user-only' },
      { name: 'db', key: 'password', env_var: 'DB_PASSWORD' },
    ];
    await home.create({ name: 'uses', input: 'data', sh, transform: { secrets } });
    const job = await home.done('uses');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('uses@master:/password'), PASSWORD);
    assert.equal(await home.read('uses@master:/variable'), PASSWORD);
    assert.equal(await home.read('uses@master:/files'), 'password\nuser\n');
    assert.equal(await home.read('uses@master:/one'), 'user\n');
    assert.equal(await home.read('uses@master:/writable'), 'no\n');
    assert.match(await home.read('uses@master:/mount'), /^tmpfs \S+ tmpfs ro/);
    const [worker = ''] = workersOf('uses');
    const seen = execFileSync('docker', ['inspect', worker]).toString();
    assert.ok(!seen.includes(PASSWORD), 'whoever looks at the container does not see it');
  });

  it('that change restart the workers, and provenance names their versions, never their values', async () => {
    const before = workersOf('uses');
    const updated = await home.run(['update-secret', 'db', '--from-file', 'password=-'], {
      input: ROTATED,
    });
    assert.equal(updated.code, 0, updated.stderr);
    const user = { name: 'db', key: 'user', mount_path: '/x' };
    const refused = await home.refused(
      home.spec({ name: 'lacks', input: 'data', sh: 'true', transform: { secrets: [user] } }),
    );
    assert.deepEqual(
      [refused.code, /no value "user", only password/.test(refused.stderr)],
      [2, true],
    );
    const secrets = [
      { name: 'db', mount_path: '/secrets/db' },
      { name: 'one', key: 'token', env_var: 'TOKEN' },
    ];
    const sh = 'cat /secrets/db/password - > /pfs/out$data < /dev/null; mkdir -p /pfs/out/by';
    await home.update(
      {
        name: 'uses',
        input: 'data',
        sh: `mkdir -p /pfs/out/pfs/data; ${sh}`,
        transform: { secrets },
      },
      '--reprocess',
    );
    assert.equal((await home.done('uses')).state, 'success');
    const first = workersOf('uses');
    await home.run(['update-secret', 'db', '--from-file', 'password=-'], { input: PASSWORD });
    await home.put('data', { b: '1' });
    const job = await home.done('uses');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('uses@master:/pfs/data/a'), ROTATED);
    assert.equal(await home.read('uses@master:/pfs/data/b'), PASSWORD);
    const second = workersOf('uses');
    assert.equal(new Set([...before, ...first, ...second]).size, 3, 'each time another container');
    const datums = (await home.raw('list-datum', `uses@${job.id}`)) as unknown as Datum[];
    const versions = datums.map((datum) => `${datum.inputs[0]?.path} ${datum.secrets?.join()}`);
    assert.deepEqual(versions.sort(), ['/a db@2,one@1', '/b db@3,one@1']);
    const lineage = await home.inspect<Lineage>('provenance', 'uses@master:/pfs/data/b');
    assert.deepEqual(lineage.datums[0]?.secrets, ['db@3', 'one@1']);
    const told = await home.pfs('inspect-pipeline', 'uses', '--raw');
    assert.ok(!told.includes(PASSWORD) && !told.includes(ROTATED));
  });

  it('are encrypted at rest: no value is in the store, the log or the home', async () => {
    // What user code wrote is its own affair: it goes first.
    for (const pipeline of ['uses']) {
      await home.pfs('delete-pipeline', pipeline);
    }
    await home.pfs('create-secret', 'quiet', '--from-literal', 'key=never-given-out-0815');
    for (const value of ['never-given-out-0815']) {
      assert.deepEqual(findBelow(home.path('home'), value), []);
    }
    assert.equal(statSync(home.path('home/secret-keys.json')).mode & 0o777, 0o600);
    assert.deepEqual(
      findBelow(
        home.path('home/store'),
        JSON.parse(readFileSync(home.path('home/secret-keys.json'), 'utf8')).keys[0].key,
      ),
      [],
      'nor is the key in the store',
    );
  });

  it('need their key: another engine on the store says so until it is imported, and works otherwise', async () => {
    const doctor = async (of: CliHome) => (await of.run(['doctor'])).stdout;
    assert.match(await doctor(home), /warning +secrets .*export-key/);
    const key = home.path('pfs-secret.key');
    await home.pfs('secret', 'export-key', '-o', key);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    assert.match(await doctor(home), /ok +secrets /);
    const other = new PipelineHome();
    try {
      const store = `file://${home.path('home/store')}`;
      await other.pfs('engine', 'start', '--store', store);
      assert.match(await doctor(other), /problem +secrets .*import-key/);
      const secrets = [{ name: 'quiet', key: 'key', env_var: 'QUIET' }];
      await home.pfs('engine', 'stop');
      await other.create({
        name: 'waits',
        input: 'data',
        sh: 'printf %s "$QUIET" | wc -c > /pfs/out/length',
        glob: '/',
        transform: { secrets },
      });
      await other.create({ name: 'others', input: 'data', sh: 'true' });
      assert.equal((await other.done('others')).state, 'success', 'everything else goes on');
      const { id } = await other.commit('waits');
      const held = await other.inspect<Job>('inspect-job', `waits@${id}`);
      assert.match(held.reason, /does not have the key .*import-key/);
      await other.pfs('secret', 'import-key', key);
      const job = await other.done('waits');
      assert.equal(job.state, 'success', job.reason);
      assert.equal(await other.read('waits@master:/length'), '20\n');
    } finally {
      await other.close();
      await home.pfs('list-secret');
    }
  });

  it('of registries let images be pulled', async (t) => {
    const name = 'pfs-test/behind-a-login';
    const login = { name, user: 'somebody', password: 'pass:word' };
    const { host, digest } = await startRegistry(t, login);
    const reference = `${host}/${name}:latest`;
    const forget = () => spawnSync('docker', ['rmi', '--force', reference]);
    t.after(() => forget());
    const auths = { [host]: { auth: btoa(`${login.user}:${login.password}`) } };
    const { code } = await home.run(
      [
        'create-secret',
        'registry',
        '--from-file',
        '.dockerconfigjson=-',
        '--type',
        'kubernetes.io/dockerconfigjson',
      ],
      { input: JSON.stringify({ auths }) },
    );
    assert.equal(code, 0);
    const spec = (more: object) => ({
      name: 'pulls',
      input: 'data',
      glob: '/',
      transform: { image: reference, cmd: ['/nothing-is-in-it'], ...more },
      datum_tries: 1,
    });
    await home.create(spec({ image_pull_secrets: ['registry'] }));
    const job = await home.done('pulls');
    assert.equal(job.image?.digest, digest, job.reason);
    assert.match(job.reason, /127|exit/, 'it was pulled, and there is nothing to run in it');
    forget();
    await home.run([
      'create-secret',
      'plain',
      '--from-literal',
      `registry=${host}`,
      '--from-literal',
      `username=${login.user}`,
      '--from-literal',
      `password=${login.password}`,
    ]);
    await home.update(spec({ image_pull_secrets: ['plain'] }), '--reprocess');
    const second = await home.done('pulls');
    assert.equal(second.image?.digest, digest, second.reason);
    forget();
    await home.update(spec({}), '--reprocess');
    const { id } = await home.commit('pulls');
    const refused = await home.run(['wait', 'job', `pulls@${id}`]);
    assert.equal(refused.code, 9, refused.stderr);
    const { reason } = await home.inspect<Pipeline>('inspect-pipeline', 'pulls');
    assert.match(reason, /Cannot pull image/);
    assert.ok(!reason.includes(login.password));
    assert.notEqual(image, reference);
  });
});
