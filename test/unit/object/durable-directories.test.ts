// When calls share what makes entries of a directory durable.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { DurableDirectories, syncDirectory } from '../../../engine/object/durable-directories.ts';
import { scratchDirectory } from '../../support/scratch.ts';

it('calls share a sync that has not begun, and none that is over', async (t) => {
  const root = scratchDirectory(t);
  const directories = new DurableDirectories(root);
  const first = directories.sync(root);
  assert.equal(directories.sync(root), first, 'opening the directory comes before');
  await first;
  assert.notEqual(directories.sync(root), first);
});

it('tells that it begins once the directory is open, and before the sync itself', async (t) => {
  const root = scratchDirectory(t);
  const order: string[] = [];
  const handle = await open(root, 'r');
  const handles = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const sync = t.mock.method(handles, 'sync', () => {
    order.push('syncs');
    return Promise.resolve();
  });
  const synced = syncDirectory(root, () => order.push('begins'));
  order.push('opens');
  await synced;
  assert.deepEqual(order, ['opens', 'begins', 'syncs']);
  assert.equal(sync.mock.callCount(), 1);
});

it('a sync that fails is told to all who share it, and the next one is another', async (t) => {
  const root = scratchDirectory(t);
  const directories = new DurableDirectories(root);
  const path = join(root, 'absent');
  const both = [directories.sync(path), directories.sync(path)];
  for (const { status } of await Promise.allSettled(both)) {
    assert.equal(status, 'rejected');
  }
  writeFileSync(path, '');
  await directories.sync(path);
});
