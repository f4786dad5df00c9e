// Whether a program printed what a page shows: ids, times, sizes and addresses differ from run to run, and `…` stands for anything.

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{12}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b/g, 'ID'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?/g, 'TIME'],
  [/\b(just now|now|(\d+|an?) (second|minute|hour|day)s? ago|yesterday)/g, 'AGO'],
  [/\b\d+(\.\d+)? ?(B|KiB|MiB|GiB|TiB|bytes?)\b/g, 'SIZE'],
  [/\b\d+(\.\d+)? ?(ms|s|m|min|h)( \d+ ?(s|m|ms))?\b/g, 'SPAN'],
  [/\b127\.0\.0\.1:\d+/g, 'ADDRESS'],
  [/\bprocess \d+/g, 'process N'],
];

function plain(text: string): string {
  const same = VARYING.reduce((all, [pattern, name]) => all.replace(pattern, name), text);
  return same
    .replace(/[ \t]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .trim();
}

/** Returns whether `printed` is what `shown` says. A line of `…` stands for any lines, also for none. */
export function isAlike(printed: string, shown: string): boolean {
  const pattern = plain(shown)
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\n)*?' : `${pieces(line)}\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${plain(printed)}\n`);
}

function pieces(line: string): string {
  return line
    .split('…')
    .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
}
