// Progress on standard error, on a terminal only. Everything is a no-op elsewhere.

import { formatDuration, formatSize } from './format.ts';
import type { Output } from './output.ts';

/** A pace measured over less is not worth showing. */
const PACE_AFTER_MS = 1000;

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

/** Returns whether somebody sees a bar. */
export function isWatched(output: Output): boolean {
  return output.stderr.isTTY === true && !output.raw;
}

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
  if (!isWatched(output)) {
    return silent;
  }
  const { default: progress } = await import('cli-progress');
  let total = options.total;
  const show = options.bytes ? formatSize : String;
  const started = performance.now();
  const bar = new progress.SingleBar(
    {
      stream: output.stderr as NodeJS.WritableStream,
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
      barsize: 24,
      format: (format, params, payload: { text?: string }) => {
        const value = show(Math.min(params.value, params.total));
        const drawn =
          total === undefined
            ? show(params.value)
            : `${progress.Format.BarFormat(params.progress, format)} ${value} / ${show(params.total)}`;
        const pace = options.bytes ? paceOf(params.value, total, performance.now() - started) : '';
        // Longer lines would wrap, and pile up instead of being drawn over.
        return output.fit(`${options.label} ${drawn} ${pace}${payload.text ?? ''}`);
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

/** Returns how fast bytes pass, and how long the rest will take, once there is something to go by. */
function paceOf(bytes: number, total: number | undefined, ms: number): string {
  if (ms < PACE_AFTER_MS || bytes === 0) {
    return '';
  }
  const rest =
    total === undefined
      ? ''
      : `, ${formatDuration((Math.max(0, total - bytes) / bytes) * ms)} left`;
  return `(${formatSize((bytes / ms) * 1000)}/s${rest}) `;
}
