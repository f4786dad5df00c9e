// Services and spouts in lists and inspections of pipelines.

import type { Pipeline } from '../engine/server/wire.ts';
import { formatTime, type TimeStyle } from './format.ts';

/** Returns what a list says of a pipeline in a few words: what is wrong with it, where it is reached, what it is for. */
export function pipelineNote({ reason, description, host }: Pipeline): string {
  const where = host?.address ? `at ${addressText(host.address)}` : '';
  return reason || [where, description].filter((part) => part !== '').join(': ');
}

/** Returns the lines of an inspection that only services and spouts have. */
export function hostFields(
  { host }: Pipeline,
  times: TimeStyle,
): readonly (readonly [string, string | undefined])[] {
  if (!host) {
    return [];
  }
  const { address, serving, version, readySince, restarts, lastRestart, engine } = host;
  const last = lastRestart
    ? `, the last ${formatTime(lastRestart.time, times)}: ${lastRestart.reason}`
    : '';
  return [
    ['Address', address ? addressText(address) : undefined],
    [
      'Serving',
      serving ? `${serving}${version === null ? '' : `, by version ${version}`}` : undefined,
    ],
    ['Ready', readySince === null ? 'no' : `since ${formatTime(readySince, times)}`],
    ['Restarts', `${restarts}${last}`],
    ['Engine', engine ?? 'none at the moment'],
  ];
}

function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
