// Reads JSON lines out of bytes that arrive in any pieces.

/** Yields each line's document; empty lines, which only keep a connection alive, are passed over. Throws `CutOff` for half of one. */
export async function* parseLines<T>(source: AsyncIterable<Uint8Array>): AsyncIterable<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of source) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() !== '') {
        yield parseLine<T>(line);
      }
    }
  }
  if (rest.trim() !== '') {
    yield parseLine<T>(rest);
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
