// Pipelines that read their inputs and write their output through S3, with keys that open nothing else.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Datum } from '../../engine/server/wire.ts';
import { bashImage } from '../support/docker.ts';
import { withoutNamespaces } from '../support/leave-out.ts';
import { skipWithoutPrograms } from '../support/programs.ts';
import { images, PipelineHome, type ShellSpec } from './pipeline-home.ts';

/** A client of nothing but Python: `ask(method, path, body)` returns status and answer. */
const CLIENT = `
import datetime, hashlib, hmac, os, sys, time, urllib.error, urllib.parse, urllib.request
endpoint, key, secret = (os.environ[n] for n in ('S3_ENDPOINT', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'))
def ask(method, path, body=b'', query='', headers={}):
    date = datetime.datetime.now(datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ')
    scope = date[:8] + '/us-east-1/s3/aws4_request'
    digest = hashlib.sha256(body).hexdigest()
    signed = {'host': urllib.parse.urlsplit(endpoint).netloc, 'x-amz-content-sha256': digest, 'x-amz-date': date, **headers}
    names = sorted(signed)
    canonical = '\\n'.join([method, path, query, ''.join(f'{n}:{signed[n]}\\n' for n in names), ';'.join(names), digest])
    text = '\\n'.join(['AWS4-HMAC-SHA256', date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    k = ('AWS4' + secret).encode()
    for part in scope.split('/'):
        k = hmac.new(k, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(k, text.encode(), hashlib.sha256).hexdigest()
    auth = f'AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={";".join(names)}, Signature={signature}'
    url = endpoint + path + ('?' + query if query else '')
    request = urllib.request.Request(url, data=body if method in ('PUT', 'POST') else None, method=method,
        headers={**signed, 'authorization': auth})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
`;

/** The system's own, to which packages of the system belong, where there is one. */
const SYSTEM_PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

const s3 = (repo: string, more: Readonly<Record<string, unknown>> = {}) => ({
  pfs: { repo, glob: '/', s3: true, ...more },
});

function python(code: string) {
  return { cmd: ['python3', '-c', `${CLIENT}\n${code}`] };
}

/** What holds wherever commands run. */
function behaviours(home: PipelineHome, transform: () => Readonly<Record<string, unknown>>): void {
  const create = (spec: ShellSpec, code: string) =>
    home.create({ ...spec, transform: { ...transform(), ...python(code) } });

  it('an input is a bucket of its name and not below /pfs; what is put into "out" is the output', async () => {
    await home.repo('words', { 'd/a': 'alpha', b: 'beta' });
    await create(
      { name: 'copy', input: s3('words', { name: 'in-put' }), s3_out: true },
      `
assert os.listdir('/pfs') == ['out'], os.listdir('/pfs')
assert os.environ['in-put'] == 's3://in-put', os.environ['in-put']
status, text = ask('GET', '/in-put', query='list-type=2')
assert '<Key>b</Key>' in text and '<Key>d/a</Key>' in text, text
status, a = ask('GET', '/in-put/d/a')
assert (status, a) == (200, 'alpha')
assert ask('PUT', '/out/deep/er/x', a.upper().encode())[0] == 200
assert ask('PUT', '/out/gone/y', b'y')[0] == 200
assert ask('GET', '/out/deep/er/x') == (200, 'ALPHA')
assert ask('PUT', '/out/copied', headers={'x-amz-copy-source': '/in-put/b'})[0] == 200
assert ask('DELETE', '/out/gone/y')[0] == 204
listed = ask('GET', '/out', query='list-type=2')[1]
assert '<Key>copied</Key>' in listed and '<Key>deep/er/x</Key>' in listed and 'gone' not in listed, listed
assert ask('GET', '/out', query='delimiter=%2F&list-type=2&prefix=deep%2F')[1].count('<Prefix>deep/er/</Prefix>') == 1
`,
    );
    const job = await home.done('copy');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('copy@master:/deep/er/x'), 'ALPHA');
    assert.equal(await home.read('copy@master:/copied'), 'beta');
    const listed = await home.raw('list-file', 'copy@master:/');
    assert.deepEqual(
      listed.map(({ path }) => path),
      ['/copied', '/deep/'],
    );
    const provenance = await home.pfs('provenance', 'copy@master:/copied');
    assert.match(provenance, /words/);
    // What did not change is not run again, and what did is.
    await home.pfs('rerun-pipeline', 'copy');
    const again = await home.done('copy');
    assert.deepEqual([again.datums.processed, again.datums.skipped], [0, 1]);
    await home.put('words', { b: 'BETA' });
    await home.done('copy');
    assert.equal(await home.read('copy@master:/copied'), 'BETA');
  });

  it('the keys see the buckets of the datum and nothing else, and no longer than the command runs', async () => {
    await home.repo('secret', { s: 'secret' });
    await create(
      { name: 'nosy', input: s3('words'), s3_out: true },
      `
commit = os.environ['words_COMMIT']
for method, path, wanted, says in [
    ('GET', '/wrods/b', 404, 'The datum has no bucket "wrods": it has "words", "out"'),
    ('GET', '/master.secret/s', 404, 'no bucket'),
    ('GET', '/master.words/b', 404, 'no bucket'),
    ('GET', '/' + commit + '.words/b', 404, 'no bucket'),
    ('PUT', '/words/b', 403, 'is an input, which can only be read'),
    ('DELETE', '/words/b', 403, 'can only be read'),
    ('DELETE', '/words', 403, 'may not'),
    ('DELETE', '/out', 403, 'may not'),
    ('PUT', '/new.secret', 404, 'no bucket'),
    ('PUT', '/out', 409, 'BucketAlreadyOwnedByYou'),
    ('PUT', '/out/../x', 400, 'Cannot use the file name'),
]:
    status, text = ask(method, path, b'x' if method == 'PUT' else b'')
    assert status == wanted and says in text.replace('&quot;', '"'), (method, path, status, text)
status, text = ask('GET', '/')
assert '<Name>words</Name>' in text and '<Name>out</Name>' in text and 'secret' not in text, text
assert ask('PUT', '/out/stolen', headers={'x-amz-copy-source': '/master.secret/s'})[0] == 404
assert ask('GET', '/words/b', query='versionId=' + '0' * 32)[0] == 404
assert ask('GET', '/words/b', query='versionId=' + commit)[0] == 200
assert ask('PUT', '/out/a', b'a')[0] == 200
assert ask('PUT', '/out/a/b', b'b')[0] == 400
print('keys', endpoint, key, secret)
`,
    );
    const job = await home.done('nosy');
    assert.equal(job.state, 'success', `${job.reason}\n${await home.pfs('logs', 'nosy')}`);
    const [, endpoint = '', key = '', secret = ''] =
      /keys (\S+) (\S+) (\S+)/.exec(await home.pfs('logs', 'nosy')) ?? [];
    assert.notEqual(secret, '');
    const answer = execFileSync('python3', ['-c', `${CLIENT}\nprint(ask('GET', '/words/b'))`], {
      encoding: 'utf8',
      env: {
        ...process.env,
        S3_ENDPOINT: endpoint,
        AWS_ACCESS_KEY_ID: key,
        AWS_SECRET_ACCESS_KEY: secret,
      },
    });
    assert.match(answer, /403.*InvalidAccessKeyId/s);
  });

  it('a datum that fails leaves nothing, neither to the next try nor to the output; /pfs/out is refused', async () => {
    await create(
      {
        name: 'part',
        input: { cross: [s3('words'), { pfs: { repo: 'secret', glob: '/*' } }] },
        s3_out: true,
        datum_tries: 2,
      },
      `
assert '<Key>' not in ask('GET', '/out')[1], 'something is left of the try before'
assert ask('PUT', '/out/half', b'half')[0] == 200
upload = ask('POST', '/out/parts', query='uploads=')[1]
assert '<UploadId>' in upload, upload
assert open(os.environ['secret']).read() == 'secret'
sys.exit(3)
`,
    );
    const failed = await home.done('part');
    assert.equal(failed.state, 'failure');
    assert.match(failed.reason, /exit code 3|3/);
    const [datum] = (await home.raw('list-datum', 'part')) as unknown as Datum[];
    assert.equal(datum?.state, 'failed');
    assert.doesNotMatch(await home.pfs('logs', 'part'), /AssertionError/);
    await create(
      { name: 'both', input: s3('words'), s3_out: true, datum_tries: 1 },
      `open('/pfs/out/lost', 'w').write('x')`,
    );
    const both = await home.done('both');
    assert.match(both.reason, /"\/pfs\/out\/lost": with s3_out, the output is what is written to/);
  });

  it('many datums write to buckets of their own, side by side', async () => {
    await home.repo('many', Object.fromEntries([...'abcdef'].map((name) => [name, name])));
    await create(
      {
        name: 'each',
        input: { cross: [s3('words'), { pfs: { repo: 'many', glob: '/*' } }] },
        s3_out: true,
        parallelism_spec: { constant: 2 },
      },
      `
name = open(os.environ['many']).read()
assert '<Key>' not in ask('GET', '/out')[1]
assert ask('PUT', '/out/' + name, ask('GET', '/words/d/a')[1].encode())[0] == 200
`,
    );
    const job = await home.done('each');
    assert.equal(job.state, 'success', job.reason);
    assert.equal((await home.raw('list-file', 'each@master:/')).length, 6);
    await home.put('many', { b: 'B' });
    const second = await home.done('each');
    assert.deepEqual([second.datums.processed, second.datums.skipped], [1, 5]);
  });
}

describe('without Docker', { skip: withoutNamespaces() }, () => {
  const home = new PipelineHome({ DOCKER_HOST: 'unix:///nowhere.sock' });
  before(async () => {
    const started = await home.run(['engine', 'start', '--executor', 'process']);
    assert.equal(started.code, 0, started.stderr);
  });
  after(() => home.close());

  behaviours(home, () => ({ image: 'no/such:1' }));

  it('awscli and boto3 find the buckets by themselves, also in parts', {
    skip: skipWithoutPrograms('aws', `${SYSTEM_PYTHON} -c "import boto3"`),
  }, async () => {
    await home.create({
      name: 'clients',
      input: s3('words'),
      s3_out: true,
      transform: {
        image: 'no/such:1',
        cmd: ['bash', '-e'],
        stdin: [
          'export HOME=/tmp',
          'aws s3 cp s3://words/b /tmp/b && aws s3 cp /tmp/b s3://out/from-aws',
          'head -c 20000000 /dev/zero > /tmp/big && aws s3 cp /tmp/big s3://out/big',
          'aws s3 sync s3://words s3://out/synced',
          `${SYSTEM_PYTHON} -c "import boto3; s3 = boto3.client('s3', endpoint_url='$S3_ENDPOINT'); s3.put_object(Bucket='out', Key='from-boto', Body=s3.get_object(Bucket='words', Key='d/a')['Body'].read())"`,
        ],
      },
    });
    const job = await home.done('clients');
    assert.equal(job.state, 'success', `${job.reason}\n${await home.pfs('logs', 'clients')}`);
    assert.equal(await home.read('clients@master:/from-boto'), 'alpha');
    assert.equal(await home.read('clients@master:/synced/d/a'), 'alpha');
    const big = await home.inspect<{ size: number }>('inspect-file', 'clients@master:/big');
    assert.equal(big.size, 20_000_000);
    const [datum] = (await home.raw('list-datum', 'clients')) as unknown as Datum[];
    const command = ['sh', '-c', 'HOME=/tmp aws s3 ls s3://words/ && HOME=/tmp aws s3 ls s3://out'];
    const debug = await home.run(['debug-datum', 'clients', String(datum?.id), '--', ...command]);
    assert.match(debug.stdout, /PRE d\/[\s\S]*4 b\n/, debug.stderr);
  });

  it('a spec that asks for what buckets are not is refused, with what to do', async () => {
    const wrong: [ShellSpec, RegExp][] = [
      [{ name: 'x', input: { pfs: { repo: 'words', glob: '/*', s3: true } } }, /write "\/"/],
      [{ name: 'x', input: s3('words', { lazy: true }) }, /lazy: says how files appear in \/pfs/],
      [
        { name: 'x', input: s3('words'), transform: { network: 'none', cmd: ['true'] } },
        /takes away the network/,
      ],
      [
        { name: 'x', input: s3('words'), transform: { env: { AWS_REGION: 'x' }, cmd: ['true'] } },
        /"AWS_REGION" tells the command where its buckets are/,
      ],
    ];
    for (const [spec, says] of wrong) {
      const { code, stderr } = await home.run([
        'create-pipeline',
        '-f',
        home.file(home.spec({ sh: 'true', ...spec })),
      ]);
      assert.deepEqual([code === 0, says.test(stderr)], [false, true], stderr);
    }
  });
});

describe('in containers', { skip: images.skip }, () => {
  const home = new PipelineHome();
  let image = '';
  before(async () => {
    image = (await bashImage()) ?? '';
  });
  after(() => home.close());

  behaviours(home, () => ({ image }));
});
