// Text as words of a POSIX shell. Knows nothing of what the words mean.

/** Returns `text` as one word that every POSIX shell reads back unchanged. NUL cannot be in it. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
