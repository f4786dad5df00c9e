// A registry on the loopback interface with one small image, behind a user name and a password.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { packTar } from '../../engine/executor/tar-writer.ts';

/** Starts the registry; `name` is pullable there as `user` with `password`, all else is unknown. */
export async function startRegistry(
  t: TestContext,
  image: { name: string; user: string; password: string },
): Promise<{ host: string; digest: string }> {
  const layer = await buffer(packTar([{ name: 'x/', type: 'directory', mode: 0o755 }]));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['MADE=test'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      config: part('application/vnd.docker.container.image.v1+json', config),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar', layer)],
    }),
  );
  const digest = digestOf(manifest);
  const found = new Map([
    ['/v2/', { type: 'application/json', body: Buffer.from('{}') }],
    [`/v2/${image.name}/manifests/latest`, { type, body: manifest }],
    [`/v2/${image.name}/manifests/${digest}`, { type, body: manifest }],
    [`/v2/${image.name}/blobs/${digestOf(config)}`, { type: 'application/json', body: config }],
    [
      `/v2/${image.name}/blobs/${digestOf(layer)}`,
      { type: 'application/octet-stream', body: layer },
    ],
  ]);
  const secret = `Basic ${Buffer.from(`${image.user}:${image.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== secret) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'log in' }] }));
      return;
    }
    const answer = found.get(request.url ?? '');
    if (!answer) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }),
      );
      return;
    }
    response.writeHead(200, {
      'content-type': answer.type,
      'content-length': answer.body.length,
      'docker-content-digest': digestOf(answer.body),
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, digest };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function part(mediaType: string, bytes: Buffer): object {
  return { mediaType, size: bytes.length, digest: digestOf(bytes) };
}
