// What people are told while an image is pulled: the beginning, and then a line every few seconds at most.

import type { Clock } from '../base/clock.ts';

const EVERY_MS = 3000;

/** Returns what takes the steps of a pull and writes some of them to `log`; what the executor says itself goes there as it is. */
export function pullLog(
  log: { write(chunk: Buffer): unknown },
  options: { readonly image: string; readonly clock: Clock },
): (step: string) => void {
  const { image, clock } = options;
  let last: number | undefined;
  return (step) => {
    if (step.startsWith('pfs: ')) {
      log.write(Buffer.from(`${step}\n`));
      return;
    }
    const now = clock.monotonic();
    if (last === undefined || now - last >= EVERY_MS) {
      log.write(
        Buffer.from(`pfs: pulling image ${image}${last === undefined ? '' : `: ${step}`}\n`),
      );
      last = now;
    }
  };
}
