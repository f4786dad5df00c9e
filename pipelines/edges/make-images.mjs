// Draws the three small pictures in images/: shapes with clear edges, the same bytes each time on one version of Node.

import { mkdirSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

const size = 96;
const folder = new URL('./images/', import.meta.url);

/** Colour by position for each picture; positions run from -1 to 1. */
const pictures = {
  disc: (x, y) => (Math.hypot(x, y) < 0.65 ? [214, 64, 69] : [240, 240, 232]),
  house: (x, y) => {
    if (Math.abs(x) < 0.15 && y > 0.35 && y < 0.8) {
      return [92, 58, 33];
    }
    if (Math.abs(x) < 0.55 && y > -0.1 && y < 0.8) {
      return [222, 184, 135];
    }
    return y > -0.7 && y <= -0.1 && Math.abs(x) < (y + 0.7) * 1.2 ? [160, 40, 32] : [176, 216, 240];
  },
  waves: (x, y) => (y > 0.25 * Math.sin(6 * x) ? [24, 90, 157] : [250, 214, 137]),
};

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** Encodes an RGB picture as PNG: one byte 0 ("no filter") before each line of pixels. */
function png(colourAt) {
  const lines = Buffer.alloc(size * (1 + 3 * size));
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const colour = colourAt((2 * column) / (size - 1) - 1, (2 * row) / (size - 1) - 1);
      lines.set(colour, row * (1 + 3 * size) + 1 + 3 * column);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

mkdirSync(folder, { recursive: true });
for (const [name, colourAt] of Object.entries(pictures)) {
  writeFileSync(new URL(`${name}.png`, folder), png(colourAt));
}
