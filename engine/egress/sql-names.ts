// Names of tables and columns, in quotes: whatever is in them, they stay names.

/** Returns a name in quotes. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Returns the name of a table in quotes; `schema.table` names one in a schema. */
export function quotedTable(name: string): string {
  const dot = name.indexOf('.');
  return dot < 0 ? quoted(name) : `${quoted(name.slice(0, dot))}.${quoted(name.slice(dot + 1))}`;
}

/** Returns the statement that inserts `rows` rows into a table whose name is quoted, with placeholders as `placeholder` writes them. */
export function insertText(
  table: string,
  shape: { readonly columns: readonly string[]; readonly rows: number },
  placeholder: (index: number) => string,
): string {
  const { columns, rows } = shape;
  const lists = Array.from({ length: rows }, (_, row) => {
    const marks = columns.map((_column, i) => placeholder(row * columns.length + i + 1));
    return `(${marks.join(',')})`;
  });
  return `INSERT INTO ${table} (${columns.map(quoted).join(',')}) VALUES ${lists.join(',')}`;
}
