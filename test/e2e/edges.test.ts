import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Commit, Job } from '../../engine/server/wire.ts';
import { CliHome, checkout, skipWithoutDocker } from '../support/cli.ts';
import { decodePng } from '../support/png.ts';

const folder = 'pipelines/edges';

describe('the edges example', { skip: skipWithoutDocker(['pfs/examples:1']) }, () => {
  it('finds the edges in each image, and puts originals and edges into one montage', async () => {
    const home = new CliHome();
    try {
      await home.pfs('create-repo', 'images');
      await home.pfs('put-file', 'images@master:/', '-c', '-r', '-f', `${folder}/images`);
      await home.pfs('create-pipeline', `${folder}/edges.json`);
      await home.pfs('create-pipeline', `${folder}/montage.json`);
      const { id } = await home.inspect<Commit>('inspect-commit', 'montage@master');
      await home.pfs('wait', 'commit', id);

      const edges = await home.inspect<Commit>('inspect-commit', 'edges@master');
      const job = await home.inspect<Job>('inspect-job', `edges@${edges.id}`);
      assert.deepEqual([job.state, job.datums.total], ['success', 3]);
      const montage = await home.inspect<Job>('inspect-job', `montage@${id}`);
      assert.deepEqual([montage.state, montage.datums.total], ['success', 1]);

      for (const name of readdirSync(join(checkout, folder, 'expected'))) {
        const repo = name === 'montage.png' ? 'montage' : 'edges';
        await home.pfs('get-file', `${repo}@master:/${name}`, '-o', home.path(name));
        const [made, expected] = [home.path(name), join(checkout, folder, 'expected', name)].map(
          (path) => decodePng(readFileSync(path)),
        );
        assert.deepEqual(made, expected, `${name} has the expected pixels`);
      }
    } finally {
      await home.close();
    }
  });
});
