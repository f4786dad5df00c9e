// The clients of S3 that people have, on an engine as they would run it: awscli, boto3, rclone and mc.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SeededRandom } from '../../engine/base/random.ts';
import { CliHome, checkout, runProgram } from '../support/cli.ts';
import { skipWithoutPrograms } from '../support/programs.ts';
import { chosenSeed } from '../support/seed.ts';

/** Each is a put of its own. */
const FILES = Number(process.env.PFS_S3_FILES ?? 10_000);
/** The system's own, to which packages of the system belong, where there is one. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
/** A program of the same name is a file manager. */
const OWN_MC = join(checkout, '.cache/bin/mc');
const MC = existsSync(OWN_MC) ? OWN_MC : 'mc';
const home = new CliHome();
const environment: Record<string, string> = {};

/** Runs a line of shell as somebody would who has set the environment up as `pfs s3-env` says. */
async function type(line: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram('bash', ['-c', line], {
    cwd: home.folder,
    env: {
      ...home.environment,
      AWS_CA_BUNDLE: undefined,
      HOME: home.folder,
      PATH: `${join(checkout, 'bin')}:${process.env.PATH}`,
      ...environment,
    },
  });
  assert.equal(code, 0, `${line}\n${stderr}\n${stdout}`);
  return stdout;
}

before(async () => {
  await home.pfs('create-repo', 'data');
  for (const line of (await home.pfs('s3-env')).trim().split('\n')) {
    const [, name = '', value = ''] = /^export (\w+)='(.*)'$/.exec(line) ?? [];
    environment[name] = value;
  }
});
after(() => home.close());

it('the commands of docs/s3.md do what it says', { skip: skipWithoutPrograms('aws') }, async () => {
  const text = readFileSync(join(checkout, 'docs/s3.md'), 'utf8');
  const lines = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  );
  assert.ok(lines.length >= 6, `only ${lines.length} commands were found`);
  writeFileSync(home.path('model.pkl'), 'a model');
  writeFileSync(home.path('iris.csv'), '1,2\n');
  await type(['pfs create-repo training', ...lines].join(' && '));
  assert.match(await home.pfs('list-commit', 'training'), /master/);
});

it('awscli copies up and down, lists and removes', {
  skip: skipWithoutPrograms('aws'),
}, async () => {
  const aws = (words: string) => type(`aws --endpoint-url "$AWS_ENDPOINT_URL" ${words}`);
  await type('head -c 20000000 /dev/urandom > big.bin');
  await aws('s3 cp big.bin s3://cli.data/d/big.bin');
  await aws('s3 cp s3://cli.data/d/big.bin back.bin');
  await type('cmp big.bin back.bin');
  assert.match(await aws('s3 ls s3://cli.data/d/'), /20000000 big\.bin/);
  assert.match(await aws('s3 ls'), /cli\.data/);
  await aws('s3 mv s3://cli.data/d/big.bin s3://cli.data/moved.bin');
  await type('pfs get-file data@cli:/moved.bin | cmp - big.bin');
  await aws('s3 rm --recursive s3://cli.data/');
  assert.doesNotMatch(await type('pfs list-file data@cli:/'), /moved/);
});

it('boto3 reads and writes, also in parts and by presigned URLs', {
  skip: skipWithoutPrograms(`${PYTHON} -c "import boto3"`),
}, async () => {
  writeFileSync(
    home.path('test.py'),
    `
import boto3, io, os, urllib.request
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client('s3', endpoint_url=os.environ['AWS_ENDPOINT_URL'],
    config=Config(signature_version='s3v4', s3={'addressing_style': 'path'}))
bucket = 'boto.data'
s3.put_object(Bucket=bucket, Key='a b/ü', Body=b'one')
big = os.urandom(25_000_000)
s3.upload_fileobj(io.BytesIO(big), bucket, 'big')
back = io.BytesIO()
s3.download_fileobj(bucket, 'big', back)
assert back.getvalue() == big
s3.copy({'Bucket': bucket, 'Key': 'big'}, bucket, 'copy')
assert s3.head_object(Bucket=bucket, Key='copy')['ContentLength'] == len(big)
url = s3.generate_presigned_url('get_object', Params={'Bucket': bucket, 'Key': 'a b/ü'})
assert urllib.request.urlopen(url).read() == b'one'
try:
    s3.put_object(Bucket='master.nothing', Key='x', Body=b'x')
    raise SystemExit('a bucket without a repo was written to')
except ClientError as error:
    assert error.response['Error']['Code'] == 'NoSuchBucket', error
keys = [each['Key'] for page in s3.get_paginator('list_objects_v2').paginate(
    Bucket=bucket, PaginationConfig={'PageSize': 1}) for each in page['Contents']]
assert keys == ['a b/ü', 'big', 'copy'], keys
s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': key} for key in keys]})
assert s3.list_objects_v2(Bucket=bucket)['KeyCount'] == 0
`,
  );
  await type(`${PYTHON} test.py`);
});

describe('rclone', { skip: skipWithoutPrograms('rclone') }, () => {
  it(`syncs ${FILES} files both ways, and finds them the same`, async (t) => {
    const seed = chosenSeed();
    t.diagnostic(`seed: PFS_SEED=${seed}`);
    const random = new SeededRandom(seed);
    for (let n = 0; n < FILES; n++) {
      const folder = home.path(`source/d${n % 17}/e ${n % 3}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${n}`), random.bytes(Math.floor(random.fraction() * 5000)));
    }
    writeFileSync(
      home.path('rclone.conf'),
      `[p]\ntype = s3\nprovider = Other\nforce_path_style = true\nendpoint = ${environment.AWS_ENDPOINT_URL}\naccess_key_id = ${environment.AWS_ACCESS_KEY_ID}\nsecret_access_key = ${environment.AWS_SECRET_ACCESS_KEY}\n`,
    );
    const rclone = (words: string) => type(`rclone --config rclone.conf ${words}`);
    await rclone('sync source p:sync.data --transfers 16');
    await rclone('check source p:sync.data --download');
    await rclone('sync p:sync.data copy');
    await type('diff -r source copy');
    const first = readdirSync(home.path('source/d0/e 0'))[0] ?? '';
    await type(`rm "source/d0/e 0/${first}" && echo new > source/new`);
    const { length } = (await home.pfs('list-commit', 'data@sync')).split('\n');
    await rclone('sync source p:sync.data --update --use-server-modtime');
    const after = (await home.pfs('list-commit', 'data@sync')).split('\n').length;
    assert.equal(after - length, 2, 'only what changed was sent');
    await home.pfs('get-file', '-r', 'data@sync:/', '-o', home.path('got'));
    await type('diff -r source got');
  });
});

it("MinIO's own client mirrors both ways, and tells what differs", {
  skip: skipWithoutPrograms(`${MC} --version | grep -E "RELEASE|DEVELOPMENT"`),
}, async () => {
  await type('mkdir -p tree/deep && echo one > tree/one && echo two > "tree/deep/t wo"');
  await type('head -c 70000000 /dev/urandom > tree/big');
  const mc = (words: string) => type(`${MC} --config-dir mc --no-color ${words}`);
  await mc('alias set p "$AWS_ENDPOINT_URL" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"');
  assert.match(await mc('ls p'), /\.data\//);
  await mc('mb p/mc.data');
  await mc('mirror tree p/mc.data');
  assert.equal(await mc('diff tree p/mc.data'), '');
  await mc('mirror p/mc.data back');
  await type('diff -r tree back');
  assert.equal(await home.pfs('get-file', 'data@mc:/deep/t wo'), 'two\n');
  assert.equal(await mc('cat "p/mc.data/deep/t wo"'), 'two\n');
  assert.match(await mc('stat p/mc.data/big'), /Size +: 67 MiB/);
  const listed = await mc('find p/mc.data --name "t*"');
  assert.equal(listed, 'p/mc.data/deep/t wo\n');
  await type('echo more > tree/more && rm tree/one');
  assert.match(await mc('diff tree p/mc.data'), /more[\s\S]*one/);
  await mc('mirror --remove --overwrite tree p/mc.data');
  assert.equal(await mc('diff tree p/mc.data'), '');
  await mc('rm --recursive --force p/mc.data/deep/');
  assert.deepEqual(
    (await home.raw('list-file', 'data@mc')).map(({ path }) => path),
    ['/big', '/more'],
  );
});
