// The user code of the simulated worlds, and the workers that run it: a function, on no disk and in no container.

import type { SeededRandom } from '../../engine/base/random.ts';
import type { ContentReader, ContentWriter } from '../../engine/jobs/contents.ts';
import type { CrewWork } from '../../engine/jobs/crew.ts';
import type { CrewMember } from '../../engine/jobs/crew-member.ts';
import type { DatumOutcome, DatumTask } from '../../engine/jobs/datum-task.ts';
import type { WorkerPool } from '../../engine/jobs/worker-pool.ts';
import type { EntryRef } from '../../engine/journal/records.ts';
import type { SimulatedClock } from './loop.ts';

const IMAGE = {
  record: { reference: 'copy', digest: `sha256:${'0'.repeat(64)}` },
  resolved: { reference: 'copy', id: '', digest: '', environment: {}, entrypoint: [], command: [] },
};
const NO_STATS = { downloadBytes: 0, uploadBytes: 0, downloadMs: 0, processMs: 0, uploadMs: 0 };

/** What user code makes of a file. */
export function processed(text: string): string {
  return `seen: ${text}`;
}

/** Two workers that turn every file they see into a file of the same name. */
export class Workers implements Pick<WorkerPool, 'rest' | 'prefetch'> {
  readonly #clock: SimulatedClock;
  readonly #random: SeededRandom;

  constructor(clock: SimulatedClock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  async crew() {
    const run = async (task: DatumTask, { signal }: { readonly signal: AbortSignal }) =>
      await this.#process(task, signal);
    return {
      image: IMAGE,
      work: async <T>({ next, each, signal }: CrewWork<T>) => {
        const loop = async (name: string) => {
          for (let item = await next(); item !== undefined; item = await next()) {
            await each({ name, run } as unknown as CrewMember, item, signal);
          }
        };
        await Promise.all(['w0', 'w1'].map(loop));
      },
    };
  }

  rest(): void {}

  async prefetch(): Promise<void> {
    // There is no disk that inputs could be brought to.
  }

  async #process(task: DatumTask, signal: AbortSignal): Promise<DatumOutcome> {
    await this.#clock.sleep(10 + this.#random.fraction() * 3000, { signal });
    const files: [string[], string][] = [];
    for (const { path, mode, id } of task.entries) {
      await collect(task.contents, { mode, id }, { path: path.split('/').filter(Boolean), files });
    }
    const output = await task.withWriter((writer) => write(writer, files));
    return {
      state: 'success',
      output,
      exitCode: 0,
      reason: '',
      lastLines: [],
      tries: 1,
      stats: NO_STATS,
      started: this.#clock.now(),
    };
  }
}

async function collect(
  contents: ContentReader,
  entry: EntryRef,
  into: { readonly path: readonly string[]; readonly files: [string[], string][] },
): Promise<void> {
  const { path, files } = into;
  if (entry.mode === '40000') {
    for (const { name, mode, id } of (await contents.readDirectory(entry.id)).entries) {
      await collect(contents, { mode, id }, { path: [...path, name], files });
    }
    return;
  }
  const file = await contents.readFile(entry.id);
  const parts: Uint8Array[] = file.kind === 'small' ? [file.bytes] : [];
  if (file.kind === 'large') {
    for await (const part of file.read()) {
      parts.push(part);
    }
  }
  files.push([[...path], processed(Buffer.concat(parts).toString())]);
}

/** Writes files as a tree; returns it, or null for none. */
async function write(
  writer: ContentWriter,
  files: readonly (readonly [readonly string[], string])[],
): Promise<string | null> {
  const entries: { name: string; mode: '100644' | '40000'; id: string }[] = [];
  const large = new Set<string>();
  const below = new Map<string, [string[], string][]>();
  for (const [[name = '', ...rest], text] of files) {
    if (rest.length > 0) {
      below.set(name, [...(below.get(name) ?? []), [rest, text]]);
      continue;
    }
    const { id, isLarge } = await writer.writeFile(Buffer.from(text));
    entries.push({ name, mode: '100644', id });
    if (isLarge) {
      large.add(name);
    }
  }
  for (const [name, inside] of below) {
    entries.push({ name, mode: '40000', id: (await write(writer, inside)) ?? '' });
  }
  entries.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return await writer.writeDirectory({ entries, large });
}

/** What Git sorts an entry by. */
function key({ name, mode }: { readonly name: string; readonly mode: string }): string {
  return mode === '40000' ? `${name}/` : name;
}
