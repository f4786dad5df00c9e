// Files of every kind that the page previews.

import { crc32, deflateSync } from 'node:zlib';

/** So many rows below its heading. */
export const TABLE_ROWS = 3000;

export const TABLE = `name,kind,"weight, kg",note
${Array.from(
  { length: TABLE_ROWS },
  (_, i) => `"item ${i}",${i % 3 === 0 ? 'odd' : 'even'},${(i * 1.37).toFixed(2)},"says ""${i}"""`,
).join('\n')}
`;

export const DOCUMENT = {
  name: 'measurements',
  isFinal: false,
  missing: null,
  origin: { station: 'north', at: [54.2, 7.9] },
  values: Array.from({ length: 2400 }, (_, i) => ({ id: i, value: i * 7 })),
};

/** With what a page must not do on the word of a file. */
export const MARKDOWN = `# Measurements

What **north** sends, *daily*. See [the table](table.csv), or [elsewhere](https://example.com/x).

- one
- [x] done

| a | b |
| - | -: |
| 1 | 2 |

\`\`\`sh
pfs list-file measurements@master
\`\`\`

> Mind the gap.

![A picture](picture.png) ![Outside](https://example.com/spy.png)

<script>document.title = 'taken over'</script>
<img src=x onerror="document.title = 'taken over'">

<!-- An aside. -->

<div align="center">
  Words in a box.
</div>

[Bad](javascript:document.title='taken_over')
`;

/** Returns a picture of one colour that fades out to the right. */
export function picture([red, green, blue]: readonly [number, number, number]): Buffer {
  const [width, height] = [160, 100];
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const fade = 1 - x / width;
      rows.set([red * fade, green * fade, blue * fade], y * (1 + width * 3) + 1 + x * 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Returns a second of a tone. */
export function tone(): Buffer {
  const rate = 8000;
  const samples = Buffer.from(
    Uint8Array.from(
      { length: rate },
      (_, i) => 128 + 100 * Math.sin((i * 2 * Math.PI * 440) / rate),
    ),
  );
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

/** Returns a document of one empty page. */
export function pdf(): Buffer {
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>',
  ];
  let text = '%PDF-1.4\n';
  const starts = objects.map((object, i) => {
    const start = text.length;
    text += `${i + 1} 0 obj${object}endobj\n`;
    return `${String(start).padStart(10, '0')} 00000 n \n`;
  });
  const at = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${starts.join('')}trailer<</Size 4/Root 1 0 R>>\nstartxref\n${at}\n%%EOF\n`;
  return Buffer.from(text);
}

/** A folder with a file of each kind. */
export const FOLDER: Readonly<Record<string, string | Buffer>> = {
  'README.md': MARKDOWN,
  'data.json': JSON.stringify(DOCUMENT),
  'table.csv': TABLE,
  'picture.png': picture([220, 120, 20]),
  'drawing.svg': `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><script>document.title='taken over'</script><rect width="80" height="40" fill="teal"/></svg>`,
  'sound.wav': tone(),
  'paper.pdf': pdf(),
  'noise.bin': Buffer.from(Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)),
  'log.txt': Array.from({ length: 60_000 }, (_, i) => `line ${i} of the log\n`).join(''),
  'broken.json': '{"a": [1, 2',
  '*run.sh': '#!/bin/sh\necho hello\n',
  empty: '',
  'deep/er/file with spaces & ümlaut?.txt': 'found\n',
};
