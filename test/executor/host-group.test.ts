// Control groups bound how many processes a command has, whoever it runs as.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { it } from 'node:test';
import { makeHostGroup, removeEmptyGroups } from '../../engine/executor/host-group.ts';

const unable = process.getuid?.() === 0 ? undefined : 'only root can make control groups';

it('a command gets no more processes than its group may have', {
  skip: unable ?? false,
}, async (t) => {
  const group = await makeHostGroup(`test-${process.pid}`, 8);
  assert.ok(group, 'root can make a group');
  t.after(() => group.remove());
  const script = `echo $$ > ${group.procs}; for n in $(seq 40); do sleep 0.5 & done; wait; echo done`;
  const { stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.match(stderr, /fork/i);
});

it('groups in which nothing is any more are removed', { skip: unable ?? false }, async () => {
  const group = await makeHostGroup(`left-${process.pid}`, 8);
  assert.ok(group);
  await removeEmptyGroups();
  assert.equal(existsSync(dirname(group.procs)), false);
});
