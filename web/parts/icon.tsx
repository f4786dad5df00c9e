// The signs of the page, drawn here so that nothing is asked for elsewhere. States differ in shape, not in colour alone.

import type { JSX } from 'preact';

const SHAPES = {
  success: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm3.2 4.7L7.2 10.7 4.8 8.4',
  running: 'M8 1.5a6.5 6.5 0 1 1-6.5 6.5M6.6 5.4v5.2L11 8Z',
  waiting: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 4.5V8l2.4 1.6',
  failure: 'M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3ZM5.7 5.7l4.6 4.6m0-4.6-4.6 4.6',
  warning: 'M8 1.8 14.8 14H1.2ZM8 6v4M8 11.6v.6',
  paused: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM6.3 5.5v5M9.7 5.5v5',
  standby: 'M13.2 9.7A5.8 5.8 0 0 1 6.3 2.8a5.8 5.8 0 1 0 6.9 6.9Z',
  killed: 'M2.5 2.5h11v11h-11ZM5.5 8h5',
  unrunnable: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM3.4 3.4l9.2 9.2',
  skipped: 'M3 4l4 4-4 4M8.5 4l4 4-4 4',
  open: 'M8 2.5v11M2.5 8h11',
  repo: 'M2.5 4c0-1.2 2.5-2 5.5-2s5.5.8 5.5 2v8c0 1.2-2.5 2-5.5 2s-5.5-.8-5.5-2ZM2.5 4c0 1.2 2.5 2 5.5 2s5.5-.8 5.5-2M2.5 8c0 1.2 2.5 2 5.5 2s5.5-.8 5.5-2',
  pipeline: 'M2 4.500h3.500c3 0 2 7 5 7H14M11.5 9l2.5 2.5-2.5 2.5',
  search: 'M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2ZM10.7 10.7 14.5 14.5',
  copy: 'M5.5 5.500h8v8h-8ZM10.5 5.500v-3h-8v8h3',
  close: 'M3.5 3.500l9 9m0-9-9 9',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  fit: 'M2.5 6V2.5H6M10 2.5h3.500V6M13.5 10v3.500H10M6 13.500H2.5V10',
  theme: 'M8 2a6 6 0 1 0 0 12ZM8 2v12',
  help: 'M5.7 6a2.3 2.3 0 1 1 3.5 2c-.8.5-1.2.9-1.2 1.800M8 11.800v.6',
  file: 'M4 1.500h5l3.5 3.500v9.500H4ZM9 1.500V5h3.5',
  folder: 'M1.5 3.500h4.500l1.5 2h7v7.500h-13Z',
  branch: 'M4.5 2v12M4.5 9c5 0 6.5-1 6.5-4.500M11 2v2.5',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  up: 'M8 13V3M3.5 7.5 8 3l4.5 4.5',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.500h11',
} as const;

export type IconName = keyof typeof SHAPES;

/** Draws a sign, as high as the text around it; it says nothing to a screen reader, so there must be words beside it. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} />
    </svg>
  );
}

/** Returns the path of a sign, on 16 by 16 units, for other drawings. */
export function shapeOf(name: IconName): string {
  return SHAPES[name];
}
