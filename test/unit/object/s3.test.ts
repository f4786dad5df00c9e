// How the S3 store reads the answers of servers and networks that misbehave. What a good server does is the
// conformance suite's matter: this one is made up, and only there to go wrong.

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, it } from 'node:test';
import { inspect } from 'node:util';
import { type ErrorCode, isEngineError } from '../../../engine/base/errors.ts';
import { S3ObjectStore } from '../../../engine/object/s3.ts';

const ACCESS_KEY = 'AKIAVISIBLE';
const SECRET_KEY = 'hunter2hunter2';
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answers: Answer[] = [];
let requests: { method: string | undefined; headers: IncomingMessage['headers'] }[] = [];
const server = createServer((request, response) => {
  requests.push({ method: request.method, headers: request.headers });
  const answer = answers.shift() ?? (() => response.destroy());
  request.resume();
  request.on('end', () => answer(request, response));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => {
  server.closeAllConnections();
  server.close();
});
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function storeThatAnswers(...given: Answer[]): S3ObjectStore {
  answers = given;
  requests = [];
  return new S3ObjectStore({
    bucket: 'bucket',
    prefix: 'p',
    endpoint,
    region: 'us-east-1',
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    pathStyle: true,
    timeoutMs: 200,
  });
}

function failure(status: number, code: string, text = 'made up'): Answer {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${text}</Message><AWSAccessKeyId>${ACCESS_KEY}</AWSAccessKeyId><StringToSign>${SECRET_KEY}</StringToSign></Error>`;
  return (_, response) =>
    response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
}

function bare(status: number, body = ''): Answer {
  return (_, response) => response.writeHead(status).end(body);
}

function whole(text: string): Answer {
  return (_, response) => response.writeHead(200, { 'content-length': text.length }).end(text);
}

const cut: Answer = (_, response) => {
  response.writeHead(200, { 'content-length': 10 });
  response.write('01234', () => response.destroy());
};
const chunkedCut: Answer = (_, response) => {
  response.writeHead(200);
  response.write('01234', () => response.destroy());
};
const silent: Answer = () => undefined;
const silentBody: Answer = (_, response) => {
  response.writeHead(200, { 'content-length': 10 });
  response.write('01234');
};
const reset: Answer = (_, response) => {
  response.socket?.resetAndDestroy();
};
const hasNothing: Answer = bare(
  200,
  '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>',
);

for (const [name, answer] of [
  ['a body shorter than its length', cut],
  ['a chunked body that breaks off', chunkedCut],
  ['a body that stops coming', silentBody],
  ['no answer', silent],
  ['a reset connection', reset],
] as const) {
  it(`get() rejects with unavailable on ${name}`, async () => {
    await assert.rejects(storeThatAnswers(answer).get('k'), { code: 'unavailable' });
  });
}

it('get() of a range rejects when fewer bytes arrive than it asked for', async () => {
  const answer = (body: string, range: string): Answer => {
    return (_, response) =>
      response.writeHead(206, { 'content-length': body.length, 'content-range': range }).end(body);
  };
  const range = { start: 2, end: 6 };
  const rejects = (given: Answer, code: ErrorCode) =>
    assert.rejects(storeThatAnswers(given).get('k', { range }), { code });
  await rejects(answer('234', 'bytes 2-4/10'), 'unavailable');
  await rejects(answer('0123', 'bytes 0-3/10'), 'unavailable');
  await rejects(answer('234', 'bytes 2-4/5'), 'corrupt');
  await rejects(failure(416, 'InvalidRange'), 'corrupt');
});

it('get() of a range cuts it out where a server ignores ranges', async () => {
  const store = storeThatAnswers(whole('0123456789'), whole('01234'));
  assert.equal((await store.get('k', { range: { start: 2, end: 6 } })).toString(), '2345');
  await assert.rejects(store.get('k', { range: { start: 2, end: 6 } }), { code: 'corrupt' });
});

for (const [status, code, expected, words] of [
  [404, 'NoSuchKey', 'not_found', /does not exist/],
  [404, 'NoSuchBucket', 'failed_precondition', /bucket "bucket" does not exist at http:\/\/127/],
  [403, 'AccessDenied', 'failed_precondition', /bucket "bucket" at http:.* denied/],
  [403, 'InvalidAccessKeyId', 'failed_precondition', /AWS_ACCESS_KEY_ID/],
  [403, 'SignatureDoesNotMatch', 'failed_precondition', /AWS_SECRET_ACCESS_KEY/],
  [403, 'RequestTimeTooSkewed', 'failed_precondition', /clocks/],
  [301, 'PermanentRedirect', 'failed_precondition', /region=/],
  [501, 'NotImplemented', 'failed_precondition', /does not support/],
  [507, 'XMinioStorageFull', 'resource_exhausted', /full/],
  [409, 'OperationAborted', 'unavailable', /answered 409/],
  [500, 'InternalError', 'unavailable', /answered 500/],
  [503, 'SlowDown', 'unavailable', /answered 503/],
  [429, 'TooManyRequests', 'unavailable', /answered 429/],
] as const) {
  it(`${status} ${code} is ${expected}, says what to do, and shows no secret`, async () => {
    const store = storeThatAnswers(failure(status, code, `for ${ACCESS_KEY} and ${SECRET_KEY}`));
    await assert.rejects(store.get('k'), (error) => {
      assert.ok(isEngineError(error, expected), inspect(error));
      assert.match(error.message, words);
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /AKIAVISIBLE|hunter2/);
      return true;
    });
  });
}

it('a 404 that is not an S3 server’s is never not_found', async () => {
  await assert.rejects(storeThatAnswers(bare(404, '<html><body>nginx</body></html>')).get('k'), {
    code: 'failed_precondition',
    message: /not as an S3 server does/,
  });
});

it('a 404 without a body is not_found only when the bucket is there', async () => {
  await assert.rejects(storeThatAnswers(bare(404), hasNothing).head('k'), { code: 'not_found' });
  await assert.rejects(storeThatAnswers(bare(404), failure(404, 'NoSuchBucket')).head('k'), {
    code: 'failed_precondition',
  });
  await assert.rejects(storeThatAnswers(bare(404), bare(503)).head('k'), { code: 'unavailable' });
});

it('delete() of an absent key is no error, of an absent bucket it is', async () => {
  await storeThatAnswers(failure(404, 'NoSuchKey')).delete('k');
  await assert.rejects(storeThatAnswers(failure(404, 'NoSuchBucket')).delete('k'), {
    code: 'failed_precondition',
  });
});

const put = (store: S3ObjectStore) => store.put('k', Buffer.from('mine'), { ifAbsent: true });

it('a refused put-if-absent is won when the key has its own bytes, and lost when it has others', async () => {
  const refused = failure(412, 'PreconditionFailed');
  await put(storeThatAnswers(refused, whole('mine')));
  assert.equal(requests[0]?.headers['if-none-match'], '*');
  await assert.rejects(put(storeThatAnswers(refused, whole('theirs'))), { code: 'already_exists' });
  await assert.rejects(put(storeThatAnswers(refused, bare(503))), {
    code: 'unavailable',
    message: /not known/,
  });
  await assert.rejects(put(storeThatAnswers(refused, failure(404, 'NoSuchKey'))), {
    code: 'unavailable',
  });
});

it('an unanswered put-if-absent is settled by what the key has, or unknown', async () => {
  for (const lost of [reset, silent, bare(503), failure(409, 'ConditionalRequestConflict')]) {
    await put(storeThatAnswers(lost, whole('mine')));
    await assert.rejects(put(storeThatAnswers(lost, whole('theirs'))), { code: 'already_exists' });
    await assert.rejects(put(storeThatAnswers(lost, failure(404, 'NoSuchKey'))), {
      code: 'unavailable',
      message: /not known: write the same bytes again/,
    });
    await assert.rejects(put(storeThatAnswers(lost, reset)), { code: 'unavailable' });
  }
});

it('put() sends one request and never tries again by itself', async () => {
  await assert.rejects(storeThatAnswers(bare(503)).put('k', Buffer.from('x')), {
    code: 'unavailable',
  });
  assert.equal(requests.length, 1);
  assert.equal(requests[0]?.headers['if-none-match'], undefined);
});

it('answers that the client leaves unread do not use up the connections', async () => {
  const big = 'x'.repeat(1 << 20);
  let connections = 0;
  const count = () => {
    connections += 1;
  };
  server.on('connection', count);
  const store = storeThatAnswers(...Array.from({ length: 200 }, () => bare(503, big)), whole('ok'));
  for (let i = 0; i < 200; i++) {
    await assert.rejects(store.get('k'), { code: 'unavailable' });
  }
  assert.equal((await store.get('k')).toString(), 'ok');
  server.off('connection', count);
  assert.ok(connections < 20, `${connections} connections for 201 requests`);
});

it('an aborted call is cancelled while it waits for its answer', async () => {
  const controller = new AbortController();
  const store = storeThatAnswers(() => controller.abort());
  await assert.rejects(store.get('k', { signal: controller.signal }), { code: 'cancelled' });
});

it('a server that does not listen, or lists out of order, is told apart', async () => {
  const nowhere = new S3ObjectStore({
    bucket: 'bucket',
    prefix: '',
    endpoint: 'http://127.0.0.1:1',
    region: 'us-east-1',
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    pathStyle: true,
  });
  await assert.rejects(nowhere.get('k'), { code: 'unavailable', message: /nothing listens at/ });
  const entry = (key: string) =>
    `<Contents><Key>p/${key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`;
  const unordered = storeThatAnswers(
    bare(200, `<ListBucketResult>${entry('b')}${entry('a')}</ListBucketResult>`),
  );
  await assert.rejects(
    async () => {
      for await (const _ of unordered.list('')) {
        // Only the end of the listing matters.
      }
    },
    { code: 'failed_precondition', message: /in order/ },
  );
});

it('nothing of the client reaches the console', async (context) => {
  const warn = context.mock.method(console, 'warn', () => undefined);
  await assert.rejects(storeThatAnswers(bare(503), bare(500)).get('k'), { code: 'unavailable' });
  assert.equal(warn.mock.callCount(), 0);
});
