// Reads lines, and the JSON of lines, out of bytes that arrive in any pieces.

/** Yields the lines of bytes that arrive in any pieces, and at last what no line end follows. */
export async function* textLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') {
    yield rest;
  }
}

/** Yields each line's document; empty lines, which only keep a connection alive, are passed over. Throws `CutOff` for half of one. */
export async function* parseLines<T>(source: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const line of textLines(source)) {
    if (line.trim() !== '') {
      yield parseLine<T>(line);
    }
  }
}

/** A line that ends before it is a document. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
}

function parseLine<T>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new CutOff('The answer of the engine was cut off; try again', { cause });
  }
}
