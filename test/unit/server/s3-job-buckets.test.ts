// Buckets of datums at a door of their own.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { SystemRandom } from '../../../engine/base/random.ts';
import { OutFolder } from '../../../engine/jobs/out-folder.ts';
import { CommitQueue } from '../../../engine/pfs/commit-queue.ts';
import { JobBuckets } from '../../../engine/server/s3/job-buckets.ts';
import { MultipartUploads } from '../../../engine/server/s3/multipart.ts';
import { TestEngine } from '../../support/engine.ts';
import { ask } from '../../support/s3-door.ts';
import { scratchDirectory } from '../../support/scratch.ts';

async function start(t: Parameters<typeof TestEngine.start>[0], host = '127.0.0.1') {
  const { context } = (await TestEngine.start(t)).pfs;
  const { clock, ids } = context;
  const uploads = new MultipartUploads(join(scratchDirectory(t), 'uploads'), { clock, ids });
  const buckets = new JobBuckets({
    context,
    queue: new CommitQueue(context),
    clock,
    uploads,
    random: new SystemRandom(),
    onFault: (error) => assert.fail(String(error)),
    host: () => Promise.resolve({ listen: host, host }),
  });
  t.after(() => buckets.close());
  return { buckets, uploads, out: new OutFolder(join(scratchDirectory(t), 's3')) };
}

it('an upload in parts to "out" is one file when it is complete, and is forgotten with the datum otherwise', async (t) => {
  const { buckets, uploads, out } = await start(t);
  await out.open();
  const open = await buckets.open({ inputs: new Map(), isOutput: true }, out);
  const { AWS_ENDPOINT_URL: address = '', AWS_ACCESS_KEY_ID: accessKey = '' } = open.environment;
  const secret = open.environment.AWS_SECRET_ACCESS_KEY ?? '';
  const say = (method: string, path: string, more: object = {}) =>
    ask({ address }, method, path, { accessKey, secret, ...more });
  const begin = async (key: string) => {
    const { text } = await say('POST', `/out/${key}`, { query: { uploads: '' } });
    return /<UploadId>(\w+)</.exec(text)?.[1] ?? '';
  };
  const uploadId = await begin('d/whole');
  const put = (partNumber: string, body: string) =>
    say('PUT', '/out/d/whole', { query: { uploadId, partNumber }, body });
  const etags = [await put('1', 'one '), await put('2', 'two')].map(({ headers }) => headers.etag);
  assert.equal(await out.find('d/whole'), undefined);
  const body = `<CompleteMultipartUpload>${etags
    .map(
      (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${String(etag)}</ETag></Part>`,
    )
    .join('')}</CompleteMultipartUpload>`;
  assert.equal((await say('POST', '/out/d/whole', { query: { uploadId }, body })).status, 200);
  const whole = await say('GET', '/out/d/whole');
  assert.equal(whole.text, 'one two');
  assert.equal((await out.find('d/whole'))?.etag, String(whole.headers.etag).replaceAll('"', ''));
  const exists = await say('PUT', '/out/d/whole', { body: 'x', headers: { 'if-none-match': '*' } });
  assert.equal(exists.status, 412);
  await begin('half');
  const half = { name: 'out', repo: '', ref: accessKey };
  assert.equal(uploads.list(half).length, 1);
  await open.close();
  assert.equal(uploads.list(half).length, 0);
  assert.match((await say('GET', '/out/d/whole')).text, /InvalidAccessKeyId/);
});

it('where nothing can listen, the message says what to set', async (t) => {
  const { buckets, out } = await start(t, '192.0.2.77');
  await assert.rejects(buckets.open({ inputs: new Map(), isOutput: true }, out), {
    code: 'failed_precondition',
    message: /at "192\.0\.2\.77".*set PFS_S3_JOBS to an address of this machine/,
  });
});
