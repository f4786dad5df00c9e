// Writes data/more-rows.csv: thirty invented flowers, drawn around the mean and spread of each species in iris.csv.
// They have no header, so that they can be appended. Always the same rows.

import { readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('./data/', import.meta.url);
const rows = readFileSync(new URL('iris.csv', folder), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','));

let seed = 20;

/** A number in [0, 1) from a linear congruential generator: good enough for flowers, and the same everywhere. */
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

/** Nearly normal around 0 with spread 1: the sum of twelve uniform numbers. */
function normal() {
  let sum = -6;
  for (let index = 0; index < 12; index += 1) {
    sum += random();
  }
  return sum;
}

function measure(species, column) {
  const values = rows.filter((row) => row[4] === species).map((row) => Number(row[column]));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1),
  );
  return Math.max(0.1, mean + spread * normal()).toFixed(1);
}

const species = [...new Set(rows.map((row) => row[4]))];
const lines = [];
for (let index = 0; index < 30; index += 1) {
  const name = species[index % species.length];
  lines.push([...[0, 1, 2, 3].map((column) => measure(name, column)), name].join(','));
}
writeFileSync(new URL('more-rows.csv', folder), `${lines.join('\n')}\n`);
