// TLS: certificates that are renewed without a restart, and where an engine may listen.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { connect } from 'node:tls';
import { checkListening } from '../../../engine/server/listening.ts';
import { TlsFiles } from '../../../engine/server/tls-files.ts';
import { eventually } from '../../support/eventually.ts';
import { scratchDirectory } from '../../support/scratch.ts';

/** Makes a certificate that signs itself. */
function certify(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const to = ['-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
  execFileSync('openssl', [...request, ...to], { stdio: 'ignore' });
  return { cert, key };
}

it('a new certificate is taken without a restart, and a bad one is told and not taken', async (t) => {
  const folder = scratchDirectory(t);
  const problems: unknown[] = [];
  const onProblem = (error: unknown) => void problems.push(error);
  const [first, second] = [certify(folder, 'first'), certify(folder, 'second')];
  const paths = { cert: join(folder, 'now.pem'), key: join(folder, 'now.key') };
  const take = ({ cert, key }: typeof first) => {
    copyFileSync(key, `${paths.key}.new`);
    copyFileSync(cert, `${paths.cert}.new`);
    renameSync(`${paths.key}.new`, paths.key);
    renameSync(`${paths.cert}.new`, paths.cert);
  };
  take(first);
  const files = new TlsFiles(paths, { onProblem });
  const server = createServer({ ...files.certificate }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = files.follow([server]);
  t.after(() => {
    stop();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const shown = async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
  };
  assert.equal(await shown(), 'first');
  take(second);
  await eventually('the new certificate is shown', async () => (await shown()) === 'second');
  writeFileSync(paths.cert, 'no certificate');
  await eventually('the bad one is told', () => problems.length > 0);
  assert.match(String(problems[0]), /Cannot use the certificate/);
  assert.equal(await shown(), 'second');
  assert.throws(() => new TlsFiles(paths, { onProblem }), /Cannot use the certificate/);
  const mixed = { cert: first.cert, key: second.key };
  assert.throws(() => new TlsFiles(mixed, { onProblem }), /Cannot use the certificate/);
});

it('an engine listens beyond its machine with users and TLS, or where that is said in so many words', () => {
  const none = { hasUsers: false, hasTls: false, isInsecure: false };
  const open = { host: '0.0.0.0', port: 7000 };
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) {
    checkListening([{ host, port: 0 }, undefined], none);
  }
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'pfs.example', '127.0.0.1.example']) {
    assert.throws(() => checkListening([undefined, { host, port: 1 }], none), /other machines/);
  }
  assert.throws(() => checkListening([open], { ...none, hasTls: true }), /nobody has an account/);
  assert.throws(() => checkListening([open], { ...none, hasUsers: true }), /there is no TLS/);
  checkListening([open], { hasUsers: true, hasTls: true, isInsecure: false });
  checkListening([open], { ...none, isInsecure: true });
});
