// Two people and a robot share an engine over TLS, from the first account to the last revocation, with stock Git and S3.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { Client } from 'minio';
import type { EngineRecord } from '../../cli/home.ts';
import type { NewToken } from '../../engine/server/wire-auth.ts';
import type { Commit } from '../../engine/server/wire-commits.ts';
import { CliHome, runProgram } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';

const owner = new CliHome();
const [annHome, bobHome] = [new CliHome(), new CliHome()];
after(async () => {
  await Promise.all([owner.close(), annHome.close(), bobHome.close()]);
});

it('people with roles of their own use an engine, and leave nothing secret behind', async () => {
  const [cert, key] = [join(owner.folder, 'cert.pem'), join(owner.folder, 'key.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ].concat(
      ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ['-keyout', key, '-out', cert],
    ),
    { stdio: 'ignore' },
  );
  // Nobody has an account: other machines must not reach it.
  const early = await owner.run(['engine', 'start', '--tls-cert', cert, '--tls-key', key], {
    env: { PFS_LISTEN: '0.0.0.0:0' },
  });
  assert.equal(early.code, 5, early.stderr);
  assert.match(early.stderr, /nobody has an account/);
  await owner.pfs('engine', 'start', '--tls-cert', cert, '--tls-key', key);
  const record = JSON.parse(readFileSync(owner.path('home/engine.json'), 'utf8')) as EngineRecord;
  assert.match(record.address, /^https:/);
  await owner.pfs('auth', 'create-user', 'ann');
  await owner.pfs('auth', 'create-user', 'bob');
  await owner.pfs('auth', 'create-robot', 'nightly');
  const secrets = new Map<string, NewToken>();
  for (const user of ['ann', 'bob', 'nightly']) {
    const made = await owner.pfs('auth', 'create-token', user, '--expires', '30d', '--raw');
    secrets.set(user, JSON.parse(made) as NewToken);
  }
  const tokenOf = (user: string) => secrets.get(user)?.secret ?? '';
  const at = { PFS_ADDRESS: record.address, PFS_CA_CERT: cert };
  for (const [home, user] of [
    [annHome, 'ann'],
    [bobHome, 'bob'],
  ] as const) {
    const { stderr } = await home.run(['auth', 'login'], { env: at, input: `${tokenOf(user)}\n` });
    assert.match(stderr, new RegExp(`carried out as ${user}`));
    assert.equal(statSync(home.path('home/logins.json')).mode & 0o077, 0);
  }
  const ann = (args: readonly string[], input = '') => annHome.run(args, { env: at, input });
  const bob = (args: readonly string[], input = '') => bobHome.run(args, { env: at, input });

  assert.equal((await ann(['create', 'repo', 'team/data'])).code, 10);
  await owner.pfs('auth', 'grant', 'ann', 'writer', '--project', 'team');
  assert.equal((await ann(['create', 'repo', 'team/data'])).code, 0);
  assert.equal((await ann(['put', 'file', 'team/data@master:/a', '-f', '-'], 'hello')).code, 0);
  const inspected = await ann(['inspect', 'commit', 'team/data@master', '--raw']);
  assert.equal((JSON.parse(inspected.stdout) as Commit).by, 'ann');

  // Bob sees nothing of it before ann, who owns what she made, lets him.
  assert.equal((await bob(['list', 'repo', '-P', 'team'])).stdout.includes('data'), false);
  assert.equal((await bob(['get', 'file', 'team/data@master:/a'])).code, 10);
  assert.equal((await ann(['auth', 'grant', 'bob', 'reader', 'team/data'])).code, 0);
  assert.equal((await bob(['get', 'file', 'team/data@master:/a'])).stdout, 'hello');
  assert.equal((await bob(['put', 'file', 'team/data@master:/b', '-f', '-'], 'x')).code, 10);
  assert.equal((await bob(['auth', 'check', 'team/data'])).stdout, 'reader\n');

  // The same rules hold at the other doors.
  const git = (user: string, ...args: readonly string[]) =>
    runProgram('git', ['-c', 'credential.helper=', ...args], {
      env: {
        GIT_TERMINAL_PROMPT: '0',
        GIT_SSL_CAINFO: cert,
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.extraHeader',
        GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`x:${tokenOf(user)}`).toString('base64')}`,
      },
    });
  const url = `${record.address}/git/team/data.git`;
  assert.match((await git('bob', 'ls-remote', url)).stdout, /refs\/heads\/master/);
  assert.notEqual((await git('nightly', 'ls-remote', url)).code, 0);
  const made = await ann(['auth', 'create-s3-key', '--raw']);
  const s3Key = JSON.parse(made.stdout) as NewToken;
  secrets.set('s3', s3Key);
  const door = new URL(record.s3 ?? '');
  const s3 = new Client({
    endPoint: door.hostname,
    port: Number(door.port),
    accessKey: s3Key.id,
    secretKey: s3Key.secret,
    region: 'us-east-1',
    transportAgent: new (await import('node:https')).Agent({ ca: readFileSync(cert) }),
  });
  await s3.putObject('master.data.team', 'from-s3', 'object');
  assert.equal((await ann(['get', 'file', 'team/data@master:/from-s3'])).stdout, 'object');

  // The page is opened with a code that is no token.
  const { stdout: page } = await bob(['ui', '--no-open']);
  assert.match(page, /^https:\/\/[^#]+\/#code=[\w-]{43}\n$/);

  // What is revoked or has expired opens nothing.
  await owner.pfs('auth', 'revoke-token', secrets.get('bob')?.id ?? '');
  assert.equal((await bob(['list', 'repo'])).code, 7);
  await owner.pfs('auth', 'revoke-token', s3Key.id);
  await assert.rejects(s3.listBuckets());
  const brief = await owner.pfs('auth', 'create-token', 'nightly', '--expires', '1s');
  secrets.set('brief', { ...s3Key, secret: brief.trim() });
  const asRobot = { ...at, PFS_TOKEN: brief.trim() };
  await eventually('the token has expired', async () => {
    return (await owner.run(['auth', 'whoami'], { env: asRobot })).code === 7;
  });
  await owner.pfs('auth', 'delete-user', 'ann');
  assert.equal((await ann(['list', 'repo'])).code, 7);

  const log = await owner.pfs('log', '--raw');
  assert.match(log, /"actor":"ann"/);
  await owner.pfs('engine', 'stop');
  for (const file of readdirSync(owner.folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(owner.folder, file);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) {
      const text = readFileSync(path, 'latin1');
      for (const [user, { secret }] of secrets) {
        assert.ok(!text.includes(secret), `${file} has the token of ${user}`);
      }
    }
  }
});
