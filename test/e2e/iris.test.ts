import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Commit, Datum, Job } from '../../engine/server/wire.ts';
import type { Lineage } from '../../engine/server/wire-lineage.ts';
import { CliHome, runProgram, skipWithoutDocker } from '../support/cli.ts';

const image = 'pachyderm/iris-train:python-svm';
const data = 'pipelines/iris/data';

describe('the iris example', { skip: skipWithoutDocker([image]) }, () => {
  it('trains a model that knows its flowers, and a new one when rows are appended', async () => {
    const home = new CliHome();
    try {
      await home.pfs('create-repo', 'training');
      await home.pfs('put-file', 'training', 'master', '-c', '-f', `${data}/iris.csv`);
      await home.pfs('create-pipeline', 'pipelines/iris/model.json');
      const first = await finishedJob(home);
      assert.match(await home.pfs('logs', '--job', `model@${first.id}`), /accuracy 0\.978/);
      assert.match(await home.pfs('list-file', 'model@master'), /\/model\.pkl/);
      assert.deepEqual(await predict(home, first.id), ['setosa', 'virginica']);

      const more = ['-c', '--append', '-f', `${data}/more-rows.csv`];
      await home.pfs('put-file', 'training', 'master', 'iris.csv', ...more);
      const second = await finishedJob(home);
      assert.notEqual(second.id, first.id);
      assert.match(await home.pfs('logs', '--job', `model@${second.id}`), /rows 180/);
      assert.deepEqual(await predict(home, second.id), ['setosa', 'virginica']);

      await provenanceLeadsBack(home, [first, second]);
    } finally {
      await home.close();
    }
  });

  it('does not run again for data that it has seen', async () => {
    const home = new CliHome();
    try {
      await home.pfs('create-repo', 'training');
      await home.pfs('put-file', 'training', 'master', '-c', '-f', `${data}/iris.csv`);
      await home.pfs('create-pipeline', 'pipelines/iris/model.json');
      const first = await finishedJob(home);
      await home.pfs('put-file', 'training', 'master', '-c', '-f', `${data}/iris.csv`);
      const again = await finishedJob(home);
      assert.notEqual(again.id, first.id);
      assert.deepEqual([again.datums.processed, again.datums.skipped], [0, 1]);
      const [datum] = (await home.raw('list-datum', `model@${again.id}`)) as unknown as Datum[];
      assert.equal(datum?.producedBy, first.id);
    } finally {
      await home.close();
    }
  });
});

/** Waits for the job that makes the head of model@master, which has to succeed. */
async function finishedJob(home: CliHome): Promise<Job> {
  const { id } = await home.inspect<Commit>('inspect-commit', 'model@master');
  await home.pfs('wait', 'job', `model@${id}`);
  const job = await home.inspect<Job>('inspect-job', `model@${id}`);
  assert.equal(job.state, 'success');
  return job;
}

/** Gets a model and asks it for the species of two flowers, in the image that trained it. */
async function predict(home: CliHome, commit: string): Promise<string[]> {
  const folder = home.path(`model-${commit}`);
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  await home.pfs('get-file', `model@${commit}:/model.pkl`, '-o', `${folder}/model.pkl`);
  const script = `import joblib
for name in joblib.load("/model/model.pkl").predict([[5.1, 3.5, 1.4, 0.2], [6.9, 3.1, 5.4, 2.1]]):
    print(name)`;
  const mount = `${folder}:/model:ro`;
  const args = ['run', '--rm', '--volume', mount, image, 'python3', '-c', script];
  const { code, stdout, stderr } = await runProgram('docker', args);
  assert.equal(code, 0, stderr);
  return stdout.trim().split('\n');
}

async function provenanceLeadsBack(home: CliHome, jobs: readonly Job[]): Promise<void> {
  const sources = new Set<string>();
  for (const job of jobs) {
    const lineage = await home.inspect<Lineage>('provenance', `model@${job.id}:/model.pkl`);
    assert.equal(lineage.commit.id, job.id);
    const [datum] = lineage.datums;
    assert.equal(lineage.datums.length, 1);
    assert.equal(datum?.job, job.id);
    assert.equal(datum?.version, 1);
    assert.match(datum?.image?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
    const [source] = lineage.next.filter((next) => next.commit.repo.name === 'training');
    assert.ok(source, 'the model has the training data in its provenance');
    assert.equal(source.commit.origin, 'user');
    assert.deepEqual(
      datum?.inputs.map((input) => [input.repo.name, input.commit]),
      [['training', source.commit.id]],
    );
    sources.add(source.commit.id);
    const [commit] = await home.raw('inspect-commit', `training@${source.commit.id}`);
    assert.equal(commit?.id, source.commit.id);
  }
  assert.equal(sources.size, jobs.length, 'each model comes from a commit of its own');
}
