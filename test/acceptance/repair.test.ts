import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Job } from '../../engine/server/wire.ts';
import type { Why } from '../../engine/server/wire-why.ts';
import { images, PipelineHome } from './pipeline-home.ts';

describe('finding out what went wrong, and putting it right', {
  skip: images.skip ?? false,
}, () => {
  const home = new PipelineHome();
  after(() => home.close());

  /** As a service that is away for a moment: the first try of `b` on a worker fails, and leaves a mark there. */
  const flaky = [
    'n=$(basename $parts); echo "at $n"',
    'if [ $n = b ] && mkdir /var/seen 2>/dev/null; then echo "service away" >&2; exit 3; fi',
    'cp $parts /pfs/out/$n',
  ].join('\n');
  let failed: Job;
  let retried: Job;

  it('retry job runs only what failed again, and what is downstream follows', async () => {
    await home.repo('parts', { a: 'A', b: 'B', c: 'C' });
    await home.create(
      { name: 'copy', input: 'parts', sh: flaky, datum_tries: 1 },
      { name: 'behind', input: 'copy', sh: 'cp $copy /pfs/out' },
    );
    failed = await home.done('copy');
    assert.deepEqual([failed.state, failed.datums.failed], ['failure', 1]);
    assert.equal((await home.done('behind')).state, 'unrunnable');

    const id = (await home.pfs('retry-job', 'copy@master')).trim();
    retried = await home.done('copy');
    assert.deepEqual([retried.id, retried.state, retried.retries], [id, 'success', failed.id]);
    const { processed, skipped, total } = retried.datums;
    assert.deepEqual([processed, skipped, total], [1, 2, 3]);
    assert.equal((await home.pfs('logs', '-j', `copy@${id}`)).trim(), 'at b');
    assert.equal((await home.done('behind')).id, id);
    assert.equal(await home.read('behind@master:/b'), 'B');
    const old = await home.commit(`copy@${failed.id}`);
    assert.deepEqual([old.state, (await home.commit('copy')).parent], ['error', failed.id]);
    assert.match(
      await home.pfs('inspect', 'job', `copy@${id}`),
      new RegExp(`Retry of.*${failed.id}`),
    );
  });

  it('retry job refuses what has nothing to run again, with what to do instead', async () => {
    const good = await home.run(['retry', 'job', `copy@${retried.id}`]);
    assert.match(good.stderr, /^Cannot retry job copy@.*: it succeeded/);
    const late = await home.run(['retry', 'job', `copy@${failed.id}`]);
    assert.match(late.stderr, new RegExp(`job ${retried.id} came after it`));
    assert.deepEqual([good.code !== 0, late.code !== 0], [true, true]);
  });

  it('why says which part of a datum differed, for a commit, a datum and a path', async () => {
    assert.match(
      await home.pfs('why', 'copy'),
      new RegExp(`parts:/b\\): ran, its result of job ${failed.id} is a failure: .*code 3`),
    );
    await home.put('parts', { a: 'new', d: 'D' });
    await home.done('copy');
    const text = await home.pfs('why', 'copy@master');
    assert.match(text, /^ {2}1 ran because their files changed$/m);
    assert.match(text, /^ {2}2 were skipped/m);
    assert.match(
      text,
      /\(parts:\/a\): ran, its files changed\n {2}content of parts \(parts:\/a\): \w+ is now \w+/,
    );
    assert.match(text, /\(parts:\/d\): ran, the job before had no such datum\n {2}path of parts/);
    const path = await home.pfs('why', 'copy@master:/b');
    assert.match(path, new RegExp(`skipped, job ${retried.id} processed it with the same files`));
    const why = await home.inspect<Why>('why', 'copy@master');
    const id = String(why.datums[0]?.datum.id);
    const one = await home.inspect<Why>('why', id.slice(0, 12));
    assert.deepEqual([one.datums[0]?.datum.id, one.datums.length], [id, 1]);
    assert.match(await home.pfs('why', 'parts@master'), /a user made it; nothing ran/);
  });

  it('why says that a kept result is of an earlier version of the code', async () => {
    await home.update({ name: 'copy', input: 'parts', sh: `${flaky}; true`, datum_tries: 1 });
    await home.done('copy');
    assert.match(
      await home.pfs('why', 'copy'),
      /skipped, job \w+ processed it .*, by version 1, image .*--reprocess makes it anew/,
    );
  });

  it('logs are found by input path, time and text, and followed from job to job', async () => {
    await home.repo('words', { one: '', two: '' });
    await home.create({
      name: 'speak',
      input: 'words',
      sh: 'echo "this is $(basename $words)"; echo "code 4$(cat $words)" >&2',
    });
    const first = await home.done('speak');
    const logs = async (...args: string[]) =>
      (await home.pfs('logs', 'speak', ...args)).split('\n');
    assert.deepEqual(await logs('--path', '/two'), ['this is two', 'code 4', '']);
    assert.deepEqual(await logs('--path', 'words:/o*', '--grep', 'this'), ['this is one', '']);
    assert.deepEqual((await logs('--grep', '^th.*(one|two)$')).length, 3);
    assert.deepEqual(await logs('--grep', 'code \\d', '-t', '1'), ['code 4', '']);
    assert.deepEqual(await logs('--until', '1h'), ['']);
    assert.equal((await logs('--since', '1h', '--until', '2999-01-01')).length, 5);
    const [stamped = ''] = await logs('--path', '/two', '-T');
    assert.match(stamped, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ speak \w{12}: this is two$/);
    assert.match((await home.run(['logs', 'speak', '--since', 'noon'])).stderr, /needs a time/);
    assert.match(
      (await home.run(['logs', 'speak', '--grep', '('])).stderr,
      /Cannot read the pattern/,
    );

    const followed: string[] = [];
    for await (const line of home.lines('logs', 'speak', '-f', '--grep', 'this', '--raw')) {
      followed.push(line);
      if (followed.length === 2) {
        await home.put('words', { three: '' });
      }
      if (followed.length === 3) {
        break;
      }
    }
    const jobs = followed.map((line) => (JSON.parse(line) as { job: string }).job);
    assert.deepEqual([jobs[0], jobs[1], jobs[2] === first.id], [first.id, first.id, false]);
  });
});
