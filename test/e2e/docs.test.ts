// What the documents about files and inputs, and the README about S3, tell a reader to type is typed here, so that it stays true.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { CliHome, checkout, runProgram } from '../support/cli.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';

const read = (file: string) => readFileSync(join(checkout, file), 'utf8');

/** Returns the lines of a text that are commands: those in code, and those spoken of. */
function commandsOf(text: string): { code: string[]; spoken: string[] } {
  const code = text.split('\n').filter((line) => /^ {4}(pfs|export) /.test(line));
  const spoken = [...text.matchAll(/`(pfs [^`]+)`/g)].map(([, line = '']) =>
    line.replace(/\s+/g, ' '),
  );
  return { code: code.map((line) => line.trim()), spoken };
}

/** Runs a line in a shell, in the home's folder. */
async function type(
  home: CliHome,
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr, code } = await runProgram(
    'bash',
    ['-c', `cd "${home.folder}" && ${line}`],
    {
      env: { ...home.environment, ...env, PATH: `${join(checkout, 'bin')}:${process.env.PATH}` },
    },
  );
  assert.equal(code, 0, `${line}\n${stderr}`);
  return stdout;
}

const server = await startS3Server();
if ('skip' in server) {
  it('the commands about buckets do what they say', { skip: server.skip }, () => undefined);
} else {
  after(() => server.stop());
  describe('the commands about buckets', () => withBuckets(server));
}

function withBuckets(s3: S3Server): void {
  const home = new CliHome();
  after(() => home.close());
  const aws = {
    AWS_ACCESS_KEY_ID: s3.accessKey,
    AWS_SECRET_ACCESS_KEY: s3.secretKey,
    AWS_REGION: s3.region,
    AWS_ENDPOINT_URL: s3.endpoint,
  };

  it('docs/files-in-and-out.md do what it says', async (t) => {
    const { code, spoken } = commandsOf(read('docs/files-in-and-out.md'));
    assert.ok(code.length >= 18, `only ${code.length} commands were found`);
    const bucket = await s3.createBucket();
    const web = createServer((_request, response) => response.end('of the web'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    t.after(() => web.close());
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    mkdirSync(home.path('photos'));
    for (const [name, text] of Object.entries({
      'photos/one.png': '1',
      'a.png': 'a',
      'b.png': 'b',
      'new.log': 'a line\n',
      'rows.csv': `name,n\n${Array.from({ length: 1500 }, (_, i) => `r${i},${i}`).join('\n')}\n`,
      'model.bin': 'a model',
      'old.log': 'x'.repeat(1_000_003),
    })) {
      writeFileSync(home.path(name), text);
    }
    execFileSync('tar', ['-czf', home.path('photos.tar.gz'), '-C', home.folder, 'photos']);
    const before = [
      ...['images', 'logs', 'data', 'model', 'labels'].map((repo) => `pfs create-repo ${repo}`),
      'pfs put-file images master -r -f photos',
      'pfs get-file images master /photos -r -o s3://my-bucket/photos',
      'pfs put-file logs master /app.log -f old.log',
      'pfs put-file model master /model.pkl -f model.bin',
    ];
    for (const line of [...before, ...code]) {
      await type(
        home,
        line.replace('s3://my-bucket', `s3://${bucket}`).replace('https://example.com', url),
        aws,
      );
    }
    const untar = spoken.find((line) => line.includes('--untar')) ?? '';
    await type(home, untar);
    assert.match(await type(home, 'pfs list-file images@master:/in/photos'), /one\.png/);
    assert.match(await type(home, 'pfs get-file images@master:/a.png'), /of the web/);
    assert.match(await type(home, 'pfs get-file data@master:/rows/0000000000000001'), /^name,n\n/);
    assert.match(await type(home, 'pfs get-file logs@master:/app.log'), /a line\n$/);
    assert.equal(readFileSync(home.path('model.pkl'), 'utf8'), 'a model');
    assert.equal(readFileSync(home.path('out/photos/one.png'), 'utf8'), '1');
    const commits = await type(home, 'pfs list-commit images@master --raw');
    const labels = await type(home, 'pfs list-commit labels@master --raw');
    const newest = (lines: string) => JSON.parse(lines.split('\n')[0] ?? '').id;
    assert.ok(commits.includes(newest(labels)), 'both commits are of one set');
  });

  it('README.md about S3 do what it says', async () => {
    const [section = ''] = /^## On S3$[\s\S]*?(?=^## )/m.exec(read('README.md')) ?? [];
    const { code } = commandsOf(section);
    assert.equal(code.length, 2);
    const bucket = await s3.createBucket();
    const lines = code.map((line) =>
      line
        .replace('~/pfs-on-s3', home.path('on-s3'))
        .replace('AWS_ACCESS_KEY_ID=…', `AWS_ACCESS_KEY_ID=${s3.accessKey}`)
        .replace('AWS_SECRET_ACCESS_KEY=…', `AWS_SECRET_ACCESS_KEY=${s3.secretKey}`)
        .replace('my-bucket', bucket)
        .replace('https://s3.example.com', s3.endpoint),
    );
    const rest = ['pfs create-repo data', 'pfs list-repo', 'pfs engine status', 'pfs engine stop'];
    const printed = await type(home, [...lines, ...rest].join(' && '));
    assert.match(printed, /^data /m);
    assert.ok(printed.includes(`s3://${bucket}/prefix`), printed);
  });
}

it('the commands and inputs of docs/inputs.md do what it says', async () => {
  const text = read('docs/inputs.md');
  const { code, spoken } = commandsOf(text);
  const home = new CliHome();
  try {
    for (const repo of ['data', 'images', 'readings', 'sites']) {
      await type(home, `pfs create-repo ${repo}`);
    }
    await type(home, 'echo x | pfs put-file readings master /r-1.csv -f -');
    await type(home, 'echo x | pfs put-file sites master /north/1 -f -');
    await type(home, 'echo x | pfs put-file data staging /a -f -');
    const branches = spoken.filter((line) => line.startsWith('pfs create-branch'));
    assert.deepEqual([code.length, branches.length], [2, 1]);
    for (const line of [...code, ...branches]) {
      await type(home, line);
    }
    const inputs = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']) => json);
    assert.ok(inputs.length >= 5, `only ${inputs.length} inputs were found`);
    for (const [i, json] of inputs.entries()) {
      const name = `p${i}`;
      const input = JSON.parse(json);
      const spec = { pipeline: { name }, input, transform: { image: 'busybox', cmd: ['true'] } };
      writeFileSync(home.path('spec.json'), JSON.stringify(spec));
      const trials = spoken.filter((line) => /spec\.json/.test(line));
      assert.ok(trials.length >= 2);
      for (const line of 'git' in input ? [] : trials) {
        const printed = await type(home, line);
        assert.ok(!('join' in input && line.includes('list-datum')) || printed.includes('r-1.csv'));
      }
    }
  } finally {
    await home.close();
  }
});
