import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Commit, Job } from '../../engine/server/wire.ts';
import { CliHome, checkout, skipWithoutDocker } from '../support/cli.ts';

const folder = 'pipelines/word-count';

describe('the word count example', { skip: skipWithoutDocker(['pfs/examples:1']) }, () => {
  it('counts each text by itself, adds up, and redoes only what changes', async () => {
    const home = new CliHome();
    try {
      await home.pfs('create-repo', 'texts');
      await home.pfs('put-file', 'texts@master:/', '-c', '-r', '-f', `${folder}/texts`);
      await home.pfs('create-pipeline', '-f', `${folder}/word-count.yaml`);
      await settled(home);
      for (const name of readdirSync(join(checkout, folder, 'expected'))) {
        const repo = name === 'words.tsv' ? 'total' : 'count';
        const expected = readFileSync(join(checkout, folder, 'expected', name), 'utf8');
        assert.equal(await home.pfs('get-file', `${repo}@master:/${name}`), expected, name);
      }

      await home.pfs('put-file', 'texts', 'master', '-c', '-f', `${folder}/more-text.txt`);
      const { count } = await settled(home);
      assert.deepEqual([count.datums.processed, count.datums.skipped], [1, 3]);
      assert.match(await words(home), /^boat\t7$/m);

      await home.pfs('delete-file', 'texts@master:/more-text.txt');
      const after = await settled(home);
      assert.equal(after.count.datums.processed, 0);
      const expected = readFileSync(join(checkout, folder, 'expected/words.tsv'), 'utf8');
      assert.equal(await words(home), expected, 'what the vanished text had added is gone');
      assert.equal(
        after.total.datums.processed,
        0,
        'the sum over the same counts is known already',
      );
    } finally {
      await home.close();
    }
  });
});

function words(home: CliHome): Promise<string> {
  return home.pfs('get-file', 'total@master:/words.tsv');
}

/** Waits for both pipelines to work off the newest commit. */
async function settled(home: CliHome): Promise<{ count: Job; total: Job }> {
  const { id } = await home.inspect<Commit>('inspect-commit', 'total@master');
  await home.pfs('wait', 'commit', id);
  const job = async (pipeline: string): Promise<Job> => {
    const { id: own } = await home.inspect<Commit>('inspect-commit', `${pipeline}@master`);
    return home.inspect<Job>('inspect-job', `${pipeline}@${own}`);
  };
  const jobs = { count: await job('count'), total: await job('total') };
  assert.deepEqual([jobs.count.state, jobs.total.state], ['success', 'success']);
  return jobs;
}
