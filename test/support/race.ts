// Writers in processes of their own, racing for the same keys of one store.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { S3ObjectStore, type S3Options } from '../../engine/object/s3.ts';

/** What another process needs to open a store. */
export type StoreDescription =
  | { readonly kind: 'filesystem'; readonly directory: string }
  | { readonly kind: 's3'; readonly options: S3Options };

/** What a racing process is told, as JSON. */
export interface RaceEntry {
  readonly description: StoreDescription;
  readonly name: string;
  readonly prefix: string;
  readonly keys: number;
}

/** Opens a store from its description. */
export async function openDescribed(description: StoreDescription): Promise<ObjectStore> {
  return description.kind === 'filesystem'
    ? FilesystemObjectStore.open(description.directory, {
        clock: new SystemClock(),
        random: new SystemRandom(),
      })
    : new S3ObjectStore(description.options);
}

/** Lets two processes put-if-absent the same keys at once. Returns, per key, who believes to have won it. */
export async function raceInProcesses(
  description: StoreDescription,
  options: { prefix: string; keys: number },
): Promise<string[][]> {
  const racers = ['left', 'right'].map((name) => startRacer({ description, name, ...options }));
  await Promise.all(racers.map((racer) => racer.ready));
  const results = await Promise.all(racers.map((racer) => racer.go()));
  const winners = Array.from({ length: options.keys }, () => [] as string[]);
  for (const { name, won } of results) {
    for (const i of won) {
      winners[i]?.push(name);
    }
  }
  return winners;
}

function startRacer(entry: RaceEntry) {
  const script = fileURLToPath(new URL('race-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(entry)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const line = await lines.next();
    if (line.done) {
      throw new Error(`The racing process "${entry.name}" ended early`);
    }
    return line.value;
  };
  return {
    ready: nextLine(),
    go: async (): Promise<{ name: string; won: number[] }> => {
      const exit = once(child, 'exit');
      child.stdin.end('go\n');
      const won: number[] = JSON.parse(await nextLine());
      await exit;
      return { name: entry.name, won };
    },
  };
}
