// Decodes the PNG files of the examples, so that tests compare pixels and not the choices of a compressor.

import assert from 'node:assert/strict';
import { inflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 for gray, 3 for RGB. */
  readonly channels: number;
  /** Row by row, one byte per channel. */
  readonly pixels: Buffer;
}

/** Decodes a PNG of 8 bits per channel, gray or RGB, not interlaced (format: W3C PNG, second edition). */
export function decodePng(bytes: Buffer): Picture {
  assert.equal(bytes.toString('latin1', 1, 4), 'PNG');
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const [depth, colour, , , interlaced] = bytes.subarray(24, 29);
  assert.deepEqual([depth, interlaced], [8, 0]);
  const channels = colour === 0 ? 1 : 3;
  assert.ok(colour === 0 || colour === 2);
  const data: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') {
      data.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
    }
  }
  const pixels = unfilter(inflateSync(Buffer.concat(data)), { stride: width * channels, channels });
  assert.equal(pixels.length, width * height * channels);
  return { width, height, channels, pixels };
}

function unfilter(lines: Buffer, shape: { stride: number; channels: number }): Buffer {
  const { stride, channels } = shape;
  const rows = lines.length / (stride + 1);
  const pixels = Buffer.alloc(rows * stride);
  for (let row = 0; row < rows; row += 1) {
    const filter = lines[row * (stride + 1)] ?? 0;
    for (let column = 0; column < stride; column += 1) {
      const at = row * stride + column;
      const left = column >= channels ? (pixels[at - channels] ?? 0) : 0;
      const up = row > 0 ? (pixels[at - stride] ?? 0) : 0;
      const corner = row > 0 && column >= channels ? (pixels[at - stride - channels] ?? 0) : 0;
      const value = lines[row * (stride + 1) + 1 + column] ?? 0;
      pixels[at] = value + predicted(filter, { left, up, corner });
    }
  }
  return pixels;
}

function predicted(filter: number, near: { left: number; up: number; corner: number }): number {
  const { left, up, corner } = near;
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    default: {
      const guess = left + up - corner;
      const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
  }
}
