// Progress of long work in stages, on one line of the terminal. Where standard error is none, nothing is shown.

import type { StoreProgress } from '../engine/server/wire-store.ts';
import type { Output } from './output.ts';

/** Passes on all but progress, which is shown. */
export async function* showStages<T extends { readonly kind: string }>(
  output: Output,
  reports: AsyncIterable<T | StoreProgress>,
): AsyncGenerator<Exclude<T, StoreProgress>> {
  const { stderr } = output;
  let isShown = false;
  const clear = () => {
    if (isShown) {
      stderr.write('\r\x1b[K');
      isShown = false;
    }
  };
  try {
    for await (const report of reports) {
      if (report.kind !== 'progress') {
        clear();
        yield report as Exclude<T, StoreProgress>;
      } else if (stderr.isTTY) {
        const { stage, done, total } = report as StoreProgress;
        stderr.write(`\r\x1b[K${stage} ${total === 0 ? done : `${done} of ${total}`}`);
        isShown = true;
      }
    }
  } finally {
    clear();
  }
}
