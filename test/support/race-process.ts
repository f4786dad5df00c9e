// One racing process: opens the store, says so, waits for the word, and puts every key if absent, four at a time.

import { once } from 'node:events';
import { isEngineError } from '../../engine/base/errors.ts';
import { openDescribed, type RaceEntry } from './race.ts';

const entry: RaceEntry = JSON.parse(process.argv[2] ?? '');
const store = await openDescribed(entry.description);
await store.get(`${entry.prefix}warm-up`).catch(() => undefined);
process.stdout.write('ready\n');
await once(process.stdin, 'data');

const won: number[] = [];
const rest = Array.from({ length: entry.keys }, (_, i) => i).values();
const race = async () => {
  for (const i of rest) {
    try {
      await store.put(`${entry.prefix}${i}`, Buffer.from(`${entry.name} wrote ${i}`), {
        ifAbsent: true,
      });
      won.push(i);
    } catch (error) {
      if (!isEngineError(error, 'already_exists')) {
        throw error;
      }
    }
  }
};
await Promise.all([race(), race(), race(), race()]);
process.stdout.write(`${JSON.stringify(won)}\n`);
process.stdin.destroy();
