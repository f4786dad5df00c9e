import assert from 'node:assert/strict';
import { it } from 'node:test';
import { errorText } from '../../../engine/base/errors.ts';
import { parseStoreUrl } from '../../../engine/object/store-url.ts';

const s3 = {
  kind: 's3',
  bucket: 'data',
  prefix: '',
  endpoint: 'https://s3.us-east-1.amazonaws.com',
  region: 'us-east-1',
  pathStyle: false,
};

const GOOD: readonly (readonly [string, object])[] = [
  ['memory:', { kind: 'memory' }],
  ['/var/lib/pfs', { kind: 'filesystem', directory: '/var/lib/pfs' }],
  ['/var/lib/pfs/', { kind: 'filesystem', directory: '/var/lib/pfs' }],
  ['file:///var/lib/my%20data', { kind: 'filesystem', directory: '/var/lib/my data' }],
  ['/daten/größe #1?', { kind: 'filesystem', directory: '/daten/größe #1?' }],
  ['s3://data', s3],
  ['s3://data/', s3],
  ['s3://data/a/b/', { ...s3, prefix: 'a/b' }],
  [
    's3://data/a?region=eu-central-1',
    {
      ...s3,
      prefix: 'a',
      region: 'eu-central-1',
      endpoint: 'https://s3.eu-central-1.amazonaws.com',
    },
  ],
  [
    's3://data?endpoint=http://127.0.0.1:9000',
    { ...s3, endpoint: 'http://127.0.0.1:9000', pathStyle: true },
  ],
  [
    's3://data?endpoint=https%3A%2F%2Fs3.example.com&style=host&region=x1',
    { ...s3, endpoint: 'https://s3.example.com', region: 'x1' },
  ],
  [
    's3://data?endpoint=http://[::1]:9000',
    { ...s3, endpoint: 'http://[::1]:9000', pathStyle: true },
  ],
];

for (const [text, expected] of GOOD) {
  it(`parseStoreUrl() reads ${text}`, () => {
    assert.deepEqual(parseStoreUrl(text), expected);
  });
}

const BAD: readonly (readonly [string, RegExp])[] = [
  ['', /file:\/\/\/absolute\/path/],
  ['data', /absolute path/],
  ['./data', /absolute path/],
  ['/', /root of the file system/],
  ['file:///', /root of the file system/],
  ['file://data/x', /three slashes/],
  ['file:data', /three slashes/],
  ['file:///a%2Fb', /Cannot use store URL/],
  ['/a/../b', /write it out/],
  ['http://host/bucket', /"http:" is no kind of store/],
  ['gs://bucket', /"gs:" is no kind of store/],
  ['memory:x', /"memory:" is no kind of store/],
  ['s3://', /no name of a bucket/],
  ['s3://ab', /no name of a bucket/],
  ['s3://Bucket_', /no name of a bucket/],
  ['s3://host:9000/bucket', /endpoint=http:\/\/host:port/],
  ['s3://data/a//b', /prefix "a\/\/b"/],
  ['s3://data/a%20b', /prefix/],
  ['s3://data?colour=red', /"colour" is unknown/],
  ['s3://data?region=a&region=b', /given twice/],
  ['s3://data?region=', /no region/],
  ['s3://data?style=fast', /write path or host/],
  ['s3://data?endpoint=127.0.0.1:9000', /http:\/\/host:port/],
  ['s3://data?endpoint=http://host/path', /no server/],
  ['s3://data#x', /leave it out/],
];

for (const [text, expected] of BAD) {
  it(`parseStoreUrl() refuses ${JSON.stringify(text)} and says what to write`, () => {
    assert.throws(() => parseStoreUrl(text), { code: 'invalid', message: expected });
  });
}

for (const text of [
  's3://AKIAKEY:hunter2@data/prefix',
  's3://hunter2@data',
  's3://data?endpoint=http://user:hunter2@host:9000',
  'http://user:hunter2@host/',
]) {
  it(`parseStoreUrl() refuses credentials without repeating them (${text.slice(0, 12)}…)`, () => {
    assert.throws(
      () => parseStoreUrl(text),
      (error) =>
        /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/.test(errorText(error)) &&
        !/hunter2|AKIAKEY/.test(errorText(error)),
    );
  });
}
