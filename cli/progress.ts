// Progress on standard error, on a terminal only. Everything is a no-op elsewhere.

import { formatSize } from './format.ts';
import type { Output } from './output.ts';

/** Something that fills up. */
export interface Progress {
  /** Shows `value` of the total, and a word on it. */
  update(value: number, text: string): void;
  /** A total that was learned or has changed. */
  setTotal(total: number): void;
  stop(): void;
}

const silent: Progress = {
  update: () => undefined,
  setTotal: () => undefined,
  stop: () => undefined,
};

/**
 * Starts a progress bar; without a `total` it counts only.
 * @param options.bytes whether values are sizes.
 */
export async function startProgress(
  output: Output,
  options: {
    readonly label: string;
    readonly total?: number | undefined;
    readonly bytes?: boolean;
  },
): Promise<Progress> {
  if (!output.stderr.isTTY || output.raw) {
    return silent;
  }
  const { default: progress } = await import('cli-progress');
  let total = options.total;
  const show = options.bytes ? formatSize : String;
  const bar = new progress.SingleBar(
    {
      stream: output.stderr as NodeJS.WritableStream,
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
      format: (format, params, payload: { text?: string }) => {
        const value = show(Math.min(params.value, params.total));
        const drawn =
          total === undefined
            ? show(params.value)
            : `${progress.Format.BarFormat(params.progress, format)} ${value} / ${show(params.total)}`;
        return `${options.label} ${drawn} ${payload.text ?? ''}`;
      },
    },
    progress.Presets.shades_classic,
  );
  bar.start(total ?? 1, 0, { text: '' });
  return {
    update: (value, text) => {
      if (total === undefined) {
        bar.setTotal(Math.max(value, 1));
      }
      bar.update(value, { text });
    },
    setTotal: (value) => {
      total = value;
      bar.setTotal(value);
    },
    stop: () => bar.stop(),
  };
}
