// What every executor must do of commands with somebody at the other end.

import assert from 'node:assert/strict';
import { Latch } from '../support/latch.ts';
import type { Bench } from '../support/worker-bench.ts';

/** Adds the tests; `start` makes a worker. */
export function checksAttaching(
  check: (title: string, fn: () => Promise<void>) => void,
  start: () => Promise<Bench>,
): void {
  check('attach() feeds a command, tells its outputs apart, and how it ended', async () => {
    const bench = await start();
    const said = { stdout: '', stderr: '' };
    try {
      const attached = await bench.worker.attach({
        command: ['sh', '-c', 'read line; echo "$line $my_name"; echo aside >&2; cat; exit 9'],
        env: { my_name: "it's" },
        onOutput: (chunk, stream) => {
          said[stream] += chunk.toString();
        },
      });
      await attached.write(Buffer.from('first\nsecond\n'));
      attached.end();
      assert.equal(await attached.exited, 9);
      assert.deepEqual(said, { stdout: "first it's\nsecond\n", stderr: 'aside\n' });
    } finally {
      await bench.worker.stop();
    }
  });

  check('attach() gives a terminal of the size asked for, which ends with the worker', async () => {
    const bench = await start();
    const shown = new Latch();
    let text = '';
    const { exited } = await bench.worker.attach({
      command: ['sh', '-c', 'test -t 0 && stty size; echo $TERM; exec sleep 1000'],
      env: {},
      terminal: { columns: 91, rows: 33, type: 'vt100' },
      onOutput: (chunk) => {
        text += chunk.toString();
        return text.endsWith('vt100\r\n') ? shown.open() : undefined;
      },
    });
    await shown.opened;
    await bench.worker.stop();
    await Promise.allSettled([exited]);
    assert.equal(text, '33 91\r\nvt100\r\n');
  });
}
