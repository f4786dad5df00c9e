// Control groups bound how many processes a command has and how much memory, whoever it runs as.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { it } from 'node:test';
import { makeHostGroup, removeHostGroup } from '../../engine/executor/host-group.ts';

const unable = process.getuid?.() === 0 ? false : 'only root can make control groups';
const MiB = 1024 * 1024;

it('a command gets no more processes than its group may have', { skip: unable }, async (t) => {
  const group = await makeHostGroup(`test-${process.pid}`, { processes: 8 });
  t.after(() => group.remove());
  assert.equal(group.procs.length, 1, 'root can make a group');
  const script = `echo $$ > ${group.procs[0]}; for n in $(seq 40); do sleep 0.5 & done; wait; echo done`;
  const { stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.match(stderr, /fork/i);
});

it('the group that a killed engine left is removed by its name, and no other', {
  skip: unable,
}, async (t) => {
  const limits = { processes: 8, memoryBytes: 64 * MiB };
  const group = await makeHostGroup(`left-${process.pid}`, limits);
  const other = await makeHostGroup(`making-${process.pid}`, limits);
  t.after(() => other.remove());
  await removeHostGroup(`left-${process.pid}`);
  const are = (one: typeof group) => one.procs.map((file) => existsSync(dirname(file)));
  assert.ok(group.procs.length > 0);
  assert.ok(!are(group).includes(true));
  assert.ok(!are(other).includes(false));
});
