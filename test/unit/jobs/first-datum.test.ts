// The datums of a job come one by one: told by what is read before the first, and by how many are held, not by time.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { GitObjects } from '../../../engine/git/git-objects.ts';
import { allDatums, type JobInputs } from '../../../engine/jobs/job-inputs.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { inputBranch } from '../../../engine/pipeline/environment.ts';
import type { PipelineInput } from '../../../engine/pipeline/spec.ts';
import { createRepos, openTestPfs, put } from '../../support/pfs.ts';
import { pfs as leafOf, pipeline } from '../pipeline/specs.ts';

const FOLDERS = 60;
const FILES = 20;

it('the first datum is there once one directory is read, however many there are', async () => {
  const pfs = await openTestPfs();
  await createRepos(pfs, 'data');
  const files: Record<string, string> = {};
  for (let n = 0; n < FOLDERS * FILES; n++) {
    files[`d${Math.floor(n / FILES)}/f${n}`] = '';
  }
  await put(pfs, 'data', files);
  const { context } = pfs;
  const commit = await resolveCommit(context, 'default/data', 'master');
  const objects = context.objects as { readTree: GitObjects['readTree'] };
  const readTree = objects.readTree.bind(context.objects);
  let reads = 0;
  objects.readTree = (id) => {
    reads += 1;
    return readTree(id);
  };
  const leaf = leafOf('data', { glob: '/*/*' });
  const inputs: PipelineInput[] = [
    leaf,
    { cross: [leaf, leafOf('b', { repo: 'data', glob: '/' })] },
  ];
  for (const input of inputs) {
    const spec = { ...pipeline('p', 'p'), input };
    const branch = inputBranch({ project: 'default', repo: 'data', branch: 'master' });
    const job: JobInputs = { spec, salt: 's', commits: new Map([[branch, commit]]), missing: [] };
    reads = 0;
    const datums = allDatums(context, job);
    assert.equal((await datums.next()).done, false);
    assert.ok(reads <= 3, `${reads} directories are read before the first datum`);
    let count = 1;
    for await (const _ of datums) {
      count += 1;
    }
    assert.equal(count, FOLDERS * FILES);
    assert.ok(reads >= FOLDERS);
  }
  await context.journal.close();
});
