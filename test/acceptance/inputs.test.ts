import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Datum } from '../../engine/server/wire.ts';
import { runProgram } from '../support/cli.ts';
import { images, PipelineHome } from './pipeline-home.ts';

const pfs = (repo: string, glob: string, more: Readonly<Record<string, unknown>> = {}) => ({
  pfs: { repo, glob, ...more },
});

describe('inputs', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());

  it('a join gives each datum the files of one key, which the environment names', async () => {
    await home.repo('readings', { 'r-1.csv': '10', 'r-2.csv': '20', 'r-3.csv': '30' });
    await home.repo('sites', { 'one/1': 'north', 'two/2': 'south', 'nine/9': 'nowhere' });
    const join = [
      pfs('readings', '/r-(*).csv', { join_on: '$1', outer_join: true }),
      pfs('sites', '/*/(?)', { join_on: `\${1}` }),
    ];
    const sh = 'cat $readings $sites > /pfs/out/$PACH_DATUM_readings_JOIN_ON';
    await home.create({ name: 'joined', input: { join }, sh });
    const job = await home.done('joined');
    assert.deepEqual([job.state, job.datums.processed], ['success', 3], job.reason);
    assert.equal(await home.read('joined@master:/1'), '10north');
    assert.equal(await home.read('joined@master:/2'), '20south');
    assert.equal(await home.read('joined@master:/3'), '30');
    const datums = (await home.raw('list-datum', `joined@${job.id}`)) as unknown as Datum[];
    const shown = datums.map(({ inputs }) => inputs.map(({ path }) => path).join(' '));
    assert.deepEqual(shown.sort(), ['/r-1.csv /one/1', '/r-2.csv /two/2', '/r-3.csv']);
  });

  it('a group gives each datum all files of one key, at /pfs/<input>', async () => {
    await home.repo('logs', { 'mon-a': '1\n', 'tue-a': '2\n', 'mon-b': '3\n' });
    const group = [pfs('logs', '/(*)-*', { group_by: '$1' })];
    const sh = 'cat $(find $logs -type f | sort) > /pfs/out/$PACH_DATUM_logs_GROUP_BY';
    await home.create({ name: 'days', input: { group }, sh });
    const job = await home.done('days');
    assert.deepEqual([job.state, job.datums.processed], ['success', 2], job.reason);
    assert.equal(await home.read('days@master:/mon'), '1\n3\n');
    assert.equal(await home.read('days@master:/tue'), '2\n');
  });

  it('combinations nest: a union of a cross and a group around a join', async () => {
    await home.repo('p', { 'a-1': 'A', 'b-1': 'B' });
    await home.repo('q', { 'a-2': 'a', 'c-2': 'c' });
    const keys = { join_on: '$1', group_by: '$2' };
    const union = [
      { cross: [pfs('p', '/a-*'), pfs('q', '/*')] },
      { group: [{ join: [pfs('p', '/(*)-(*)', keys), pfs('q', '/(*)-(*)', keys)] }] },
    ];
    const sh = 'find /pfs -type f -not -path "/pfs/out/*" | sort > /pfs/out/$PACH_DATUM_ID';
    await home.create({ name: 'nested', input: { union }, sh });
    const job = await home.done('nested');
    assert.deepEqual([job.state, job.datums.processed], ['success', 4], job.reason);
    const texts = await Promise.all(
      (await home.list('nested')).map((path) => home.read(`nested@master:${path}`)),
    );
    assert.deepEqual(texts.sort(), [
      '/pfs/p/a-1\n',
      '/pfs/p/a-1\n/pfs/q/a-2\n',
      '/pfs/p/a-1\n/pfs/q/c-2\n',
      '/pfs/q/a-2\n',
    ]);
  });

  it('a key that the glob does not capture is refused with file, line, field and remedy', async () => {
    const text = `{
  "pipeline": {"name": "bad"},
  "transform": {"image": "busybox:1", "cmd": ["true"]},
  "input": {"join": [
    {"pfs": {"repo": "p", "glob": "/(*)-*", "join_on": "$1"}},
    {"pfs": {"repo": "q", "glob": "/(*)-*", "join_on": "$2"}}
  ]}
}`;
    const refused = await home.refused(text, 'bad.json');
    assert.notEqual(refused.code, 0);
    assert.match(
      refused.stderr,
      /bad\.json:6:\d+: input\.join\[1\]\.pfs\.join_on: \$2 names a group that is not there: the glob has one group, \$1/,
    );
  });

  it('a dry run shows the spec in full, its datums and which are skipped, and makes nothing', async () => {
    await home.repo('numbers', { one: '1', two: '2' });
    const spec = home.file(home.spec({ name: 'count', input: 'numbers', sh: 'true' }));
    const shown = await home.pfs('create-pipeline', spec, '--dry-run');
    assert.match(shown, /^Datums: +2, of which 0 would be skipped$/m);
    assert.match(shown, /"datum_tries": 3/);
    assert.match(shown, /numbers:\/one +waiting/);
    assert.ok(!(await home.pfs('list-pipeline')).includes('count'));
    assert.equal((await home.raw('list-datum', '-f', spec)).length, 2);
    assert.equal((await home.raw('list-datum', '-f', spec, '-n', '1')).length, 1);

    await home.pfs('create-pipeline', spec);
    await home.done('count');
    await home.put('numbers', { three: '3' });
    await home.done('count');
    const again = await home.pfs('update-pipeline', spec, '--dry-run');
    assert.match(again, /would be changed, to version 2/);
    assert.match(again, /^Datums: +3, of which 3 would be skipped$/m);
    assert.match(await home.pfs('list-datum', '-f', spec), /numbers:\/three +skipped/);
  });

  it('a pipeline with a schedule runs at its times and on demand, each tick a file of its time', async () => {
    const input = { cron: { name: 'tick', spec: '@every 1s', overwrite: true } };
    await home.create({ name: 'clock', input, sh: 'ls /pfs/tick > /pfs/out/now' });
    // Nothing else makes it run: after the first, on no tick, each job is that of a tick.
    const subscribe = `"${process.execPath}" bin/pfs subscribe-commit clock@master --raw | head -n 3`;
    const env = home.environment;
    const heard = await runProgram('sh', ['-c', subscribe], { env, timeoutMs: 60_000 });
    assert.equal(heard.stdout.trim().split('\n').length, 3, heard.stderr);
    assert.match(
      await home.pfs('inspect-pipeline', 'clock'),
      /Next tick: +tick: 20.* \(@every 1s\)/,
    );
    await home.pfs('stop-pipeline', 'clock');
    assert.match(await home.pfs('inspect-pipeline', 'clock'), /Next tick: +tick: never/);
    assert.match(await home.pfs('list-file', 'clock_tick@master'), /\/20\d\d-\d\d-\d\dT[\d:.]+Z/);

    const never = { cron: { name: 'tick', spec: '@never' } };
    await home.create({
      name: 'demand',
      input: never,
      sh: 'ls /pfs/tick > /pfs/out/$PACH_DATUM_ID',
    });
    await home.done('demand');
    await home.pfs('run-cron', 'demand');
    const job = await home.done('demand');
    assert.deepEqual([job.state, job.datums.processed], ['success', 1], job.reason);
    assert.match(
      (await home.run(['put-file', 'demand_tick@master:/x', '-f', '-'])).stderr,
      /schedule/,
    );
    await home.pfs('delete-pipeline', 'demand');
    assert.ok(!(await home.pfs('list-repo')).includes('demand_tick'));
  });

  it('a branch with a trigger follows another one, and says so', async () => {
    await home.repo('stream', { a: '1' });
    await home.pfs('create-branch', 'stream@batch', '-t', 'master', '--trigger-commits', '2');
    const batch = { pfs: { repo: 'stream', branch: 'batch', glob: '/*' } };
    await home.create({ name: 'batches', input: batch, sh: 'cp $stream /pfs/out' });
    assert.match(await home.pfs('list-branch', 'stream'), /batch .*master: 2 commits/);
    assert.equal((await home.done('batches')).datums.total, 0);
    await home.put('stream', { b: '2' });
    const job = await home.done('batches');
    assert.equal(job.datums.processed, 2);
    await home.put('stream', { c: '3' });
    assert.equal((await home.done('batches')).id, job.id);
    const circle = await home.run([
      'create-branch',
      'stream@master',
      '-t',
      'batch',
      '--trigger-commits',
      '1',
    ]);
    assert.match(circle.stderr, /in a circle \(master → batch → master\)/);
    const empty = await home.run(['create-branch', 'stream@x', '-t', 'master']);
    assert.match(empty.stderr, /a trigger without a condition would never fire/);
    await home.pfs('create-branch', 'stream@batch', '--remove-trigger');
    assert.match(await home.pfs('list-branch', 'stream'), /batch .* -$/m);
  });

  it('lazy files are pipes in the container, and cost nothing until they are opened', async () => {
    await home.repo('parts', { 'x/one': 'one', 'x/two': 'two' });
    const lazy = pfs('parts', '/*', { lazy: true });
    const sh =
      '[ -p $parts/one ] && cat $parts/one $parts/one > /pfs/out/seen; ln -s $parts/two /pfs/out';
    await home.create({ name: 'lazily', input: lazy, sh });
    const job = await home.done('lazily');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('lazily@master:/seen'), 'oneone');
    assert.equal(await home.read('lazily@master:/two'), 'two', 'a link to it is its content');
    assert.equal(job.stats.downloadBytes, 6);
  });
});
