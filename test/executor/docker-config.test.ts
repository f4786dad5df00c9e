import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { findEndpoint, readDockerConfig } from '../../engine/executor/docker-config.ts';
import { connectDocker } from '../../engine/executor/docker-connection.ts';
import { findCredentials, proxyVariables } from '../../engine/executor/docker-credentials.ts';
import { parseReference } from '../../engine/executor/image-reference.ts';
import { sshArguments } from '../../engine/executor/ssh-agent.ts';

async function configDirectory(t: TestContext, config?: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pfs-docker-config-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  if (config !== undefined) {
    await writeFile(join(directory, 'config.json'), config);
  }
  return directory;
}

async function addContext(directory: string, name: string, host: string): Promise<void> {
  const id = createHash('sha256').update(name).digest('hex');
  await mkdir(join(directory, 'contexts/meta', id), { recursive: true });
  await mkdir(join(directory, 'contexts/tls', id, 'docker'), { recursive: true });
  const meta = { Name: name, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } };
  await writeFile(join(directory, 'contexts/meta', id, 'meta.json'), JSON.stringify(meta));
  await writeFile(join(directory, 'contexts/tls', id, 'docker/ca.pem'), `ca of ${name}`);
}

it('findEndpoint() takes DOCKER_HOST, then DOCKER_CONTEXT, then the current context', async (t) => {
  const directory = await configDirectory(t, '{"currentContext":"second"}');
  await addContext(directory, 'first', 'tcp://first:2376');
  await addContext(directory, 'second', 'tcp://second:2376');
  const base = { DOCKER_CONFIG: directory };
  const current = await findEndpoint(base);
  assert.equal(current.host, 'tcp://second:2376');
  assert.equal(current.tls?.ca?.toString(), 'ca of second');
  const named = await findEndpoint({ ...base, DOCKER_CONTEXT: 'first' });
  assert.deepEqual([named.host, named.source], ['tcp://first:2376', 'context "first"']);
  const host = { ...base, DOCKER_CONTEXT: 'first', DOCKER_HOST: 'unix:///x' };
  assert.equal((await findEndpoint(host)).host, 'unix:///x');
  const usual = await findEndpoint({ ...base, DOCKER_CONTEXT: 'default' });
  assert.match(usual.host, /^unix:.*docker\.sock$/);
});

it('findEndpoint() reads the certificates that DOCKER_CERT_PATH names', async (t) => {
  const directory = await configDirectory(t);
  await writeFile(join(directory, 'key.pem'), 'key');
  const environment = { DOCKER_HOST: 'tcp://far:2376', DOCKER_CERT_PATH: directory };
  assert.equal((await findEndpoint(environment)).tls, undefined);
  const secure = await findEndpoint({ ...environment, DOCKER_TLS_VERIFY: '1' });
  assert.equal(secure.tls?.key?.toString(), 'key');
  assert.equal(secure.tls?.skipVerify, false);
});

it('findEndpoint() refuses a context that does not exist, and a file that is not JSON', async (t) => {
  const directory = await configDirectory(t, '{');
  await assert.rejects(findEndpoint({ DOCKER_CONFIG: directory }), {
    code: 'failed_precondition',
    message: /config\.json.*correct the file/,
  });
  const environment = { DOCKER_CONFIG: await configDirectory(t), DOCKER_CONTEXT: 'gone' };
  await assert.rejects(findEndpoint(environment), { message: /context "gone": it does not exist/ });
  assert.deepEqual(await readDockerConfig(environment), {});
});

it('connectDocker() says what to do about each way of not answering', async (t) => {
  const environment = { DOCKER_CONFIG: await configDirectory(t) };
  const cases: [string, string, RegExp][] = [
    ['unix:///nowhere/docker.sock', 'unavailable', /install Docker/],
    ['tcp://127.0.0.1:1', 'unavailable', /no Docker engine answers at tcp:\/\/127\.0\.0\.1:1/],
    ['npipe:////./pipe/docker', 'failed_precondition', /only unix/],
  ];
  for (const [host, code, message] of cases) {
    const connecting = connectDocker({ ...environment, DOCKER_HOST: host });
    await assert.rejects(connecting, { code, message }, host);
  }
});

it('sshArguments() passes user, port and host as words of their own', () => {
  const words = sshArguments('ssh://me@far.example:2222').join(' ');
  assert.match(words, /-l me -p 2222 -- far\.example docker system dial-stdio$/);
});

it('findCredentials() finds Docker Hub under its old name, and asks no helper for others', async () => {
  const auth = Buffer.from('me:se:cret').toString('base64');
  const config = { auths: { 'https://index.docker.io/v1/': { auth } } };
  const options = { config, environment: {} };
  const found = await findCredentials('docker.io', options);
  assert.deepEqual([found?.username, found?.password], ['me', 'se:cret']);
  assert.equal(await findCredentials('quay.io', options), undefined);
  const helped = { config: { credHelpers: { 'quay.io': 'is-not-there' } }, environment: {} };
  await assert.rejects(findCredentials('quay.io', helped), {
    code: 'failed_precondition',
    message: /docker-credential-is-not-there can't be run/,
  });
});

it('proxyVariables() gives both cases, those of the host before the default ones', () => {
  const proxies = {
    default: { httpProxy: 'http://a', noProxy: 'x' },
    'unix:///s': { httpsProxy: 'http://b' },
  };
  const usual = { HTTP_PROXY: 'http://a', http_proxy: 'http://a', NO_PROXY: 'x', no_proxy: 'x' };
  assert.deepEqual(proxyVariables({ proxies }, 'tcp://other'), usual);
  const own = { HTTPS_PROXY: 'http://b', https_proxy: 'http://b' };
  assert.deepEqual(proxyVariables({ proxies }, 'unix:///s'), own);
});

it('parseReference() completes names as Docker does', () => {
  const hub = { registry: 'docker.io' };
  assert.deepEqual(parseReference('iris'), { ...hub, path: 'library/iris' });
  assert.deepEqual(parseReference('a/b:1'), { ...hub, path: 'a/b', tag: '1' });
  const local = { registry: 'localhost:5000', path: 'b' };
  assert.deepEqual(parseReference('localhost:5000/b'), local);
  assert.deepEqual(parseReference('localhost:5000/b:1@sha256:aa'), {
    ...local,
    tag: '1',
    digest: 'sha256:aa',
  });
});
