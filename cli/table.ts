// Tables aligned by the width that text takes on a terminal.

/** Returns how many columns `text` takes: marks none, East Asian wide characters and emoji two. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) {
    return text.length;
  }
  let width = 0;
  for (const character of text) {
    if (/[\p{Mark}\p{Default_Ignorable_Code_Point}]/u.test(character)) {
      continue;
    }
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Returns text on one line, with control characters made visible, so that no name can redraw the terminal. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) =>
    character === '\n' || character === '\t'
      ? ' '
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/**
 * Returns the lines of a table: a heading, then the rows, each column as wide as its widest cell.
 * @param widths of what was rendered before; brought up to date, so that later rows stay below earlier ones.
 */
export function renderTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  widths: number[] = [],
): readonly string[] {
  const cells = [heading, ...rows.map((row) => row.map(plainText))];
  heading.forEach((_, column) => {
    widths[column] = cells.reduce(
      (most, row) => Math.max(most, displayWidth(row[column] ?? '')),
      widths[column] ?? 0,
    );
  });
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - displayWidth(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** Returns lines `Name: value`, the values aligned; those without a value are left out. */
export function renderFields(
  fields: readonly (readonly [name: string, value: string | undefined])[],
): readonly string[] {
  const shown = fields.filter(([, value]) => value !== undefined && value !== '');
  const width = shown.reduce((most, [name]) => Math.max(most, displayWidth(name)), 0);
  return shown.map(([name, value = '']) => {
    const lines = value.split('\n').map(plainText);
    return `${name}:${' '.repeat(width - displayWidth(name) + 1)}${lines.join(`\n${' '.repeat(width + 2)}`)}`;
  });
}
