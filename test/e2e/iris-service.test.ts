import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pipeline } from '../../engine/server/wire.ts';
import { CliHome, skipWithoutDocker } from '../support/cli.ts';
import { ask, Hammer } from '../support/hammer.ts';

const image = 'pachyderm/iris-train:python-svm';
const data = 'pipelines/iris/data';

describe('the iris service', { skip: skipWithoutDocker([image]), timeout: 240_000 }, () => {
  it('answers with the newest model, without a gap when there is a new one', async () => {
    const home = new CliHome();
    try {
      await home.pfs('create-repo', 'training');
      await home.pfs('put-file', 'training', 'master', '-c', '-f', `${data}/iris.csv`);
      await home.pfs('create-pipeline', 'pipelines/iris/model.json');
      await home.pfs('create-pipeline', 'pipelines/iris/ask.yaml');
      await home.pfs('wait', 'commit', 'ask@master');
      const { host } = await home.inspect<Pipeline>('inspect-pipeline', 'ask');
      const url = `http://127.0.0.1:${host?.address?.port}`;
      assert.equal((await ask(`${url}/?flower=5.1,3.5,1.4,0.2`)).text, 'setosa\n');
      assert.equal((await ask(`${url}/?flower=6.3,3.3,6.0,2.5`)).text, 'virginica\n');
      assert.deepEqual((await ask(`${url}/?flower=big`)).status, 400);
      const hammer = new Hammer(`${url}/?flower=5.1,3.5,1.4,0.2`, { keeps: true });
      const more = ['-c', '--append', '-f', `${data}/more-rows.csv`];
      await home.pfs('put-file', 'training', 'master', 'iris.csv', ...more);
      await home.pfs('wait', 'commit', 'ask@master');
      await hammer.stop();
      assert.deepEqual([hammer.failures, hammer.answers], [[], ['setosa\n']]);
      const { host: now } = await home.inspect<Pipeline>('inspect-pipeline', 'ask');
      assert.notEqual(now?.serving, host?.serving);
      assert.match(await home.pfs('logs', 'ask'), /answering with a model for setosa, versicolor/);
    } finally {
      await home.close();
    }
  });
});
