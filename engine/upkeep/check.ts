// A check of a whole store: what is missing, what is damaged, and which commits and files that concerns. It changes nothing,
// and may run beside engines that write.

import type { Clock } from '../base/clock.ts';
import { errorText, isEngineError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { ChunkReader } from '../content/chunk-reader.ts';
import { LargeFileReader } from '../content/large-file.ts';
import { LOGS_PREFIX, packKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PackCache } from '../object/pack-cache.ts';
import type { PackIndex } from '../object/pack-index.ts';
import type { PackRef } from '../object/pack-ref.ts';
import { PackSet } from '../object/pack-set.ts';
import type { PfsContext } from '../pfs/context.ts';
import { allCommits, checkHeads } from './check-commits.ts';
import { logProblem, wholeFileProblem } from './check-files.ts';
import { checkFormat, checkLog, checkSnapshots } from './check-journal.ts';
import { ObjectCheck, type Wrong } from './check-objects.ts';
import { checkPack, checkPackData, type IndexedPack, listPacks, strangers } from './check-packs.ts';
import { type CheckReport, type CheckSummary, damage, type Finding, note } from './finding.ts';
import { openToLook } from './open-to-look.ts';
import { rebuildIndex } from './pack-scan.ts';
import { UnsnappedStore } from './views.ts';

/** So many missing objects are told one by one. */
const MAX_TOLD = 100;

export interface CheckOptions {
  /** Reads every byte and compares it with its hash. */
  readonly data: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** Checks a store. The last report is the summary; errors of reading the store, other than damage, reject. */
export async function* checkStore(
  store: ObjectStore,
  options: CheckOptions,
): AsyncGenerator<CheckReport> {
  const check = new StoreCheck(store, options);
  yield* check.run();
}

class StoreCheck {
  readonly #store: ObjectStore;
  readonly #options: CheckOptions;
  readonly #wrong: Wrong = new Map();
  #summary: CheckSummary;

  constructor(store: ObjectStore, options: CheckOptions) {
    this.#store = store;
    this.#options = options;
    this.#summary = {
      data: options.data,
      sequence: 0,
      commits: 0,
      packs: 0,
      objects: 0,
      bytes: 0,
      damaged: 0,
      warnings: 0,
      affected: [],
      omitted: 0,
    };
  }

  async *run(): AsyncGenerator<CheckReport> {
    for await (const report of this.#all()) {
      if (report.kind === 'finding') {
        const { damaged, warnings } = this.#summary;
        this.#add({
          damaged: damaged + (report.level === 'damage' ? 1 : 0),
          warnings: warnings + (report.level === 'warning' ? 1 : 0),
        });
      }
      yield report;
    }
    yield { kind: 'summary', ...this.#summary };
  }

  async *#all(): AsyncGenerator<CheckReport> {
    const { data } = this.#options;
    yield* told(checkFormat(this.#store));
    let context: PfsContext | undefined;
    try {
      context = await openToLook(this.#store, this.#options);
    } catch (error) {
      if (!isEngineError(error, 'corrupt')) {
        throw error;
      }
      yield* this.#unopened(error);
      return;
    }
    this.#add({ sequence: context.journal.seq });
    yield progress('journal', 0, context.journal.seq);
    yield* told(checkLog(this.#store, { isDeep: data }));
    let isHistoryWhole = true;
    for await (const finding of checkSnapshots(this.#store)) {
      isHistoryWhole &&= finding.level !== 'damage';
      yield { kind: 'finding', ...finding };
    }
    if (!isHistoryWhole) {
      // All of it can be known from the log, too.
      await context.journal.close();
      context = await openToLook(new UnsnappedStore(this.#store), this.#options);
    }
    try {
      const packs = yield* this.#packs(context);
      yield* this.#commits(context, packs);
      if (data) {
        yield* this.#logs();
      }
    } finally {
      await context.journal.close();
    }
  }

  /** Says why the state can't be known; what is below the journal can't be told from garbage then. */
  async *#unopened(error: Error): AsyncGenerator<CheckReport> {
    let found = 0;
    for await (const finding of checkLog(this.#store, { isDeep: true })) {
      found += finding.level === 'damage' ? 1 : 0;
      yield { kind: 'finding', ...finding };
    }
    if (found === 0) {
      yield { kind: 'finding', ...damage(null, errorText(error), 'copy') };
    }
    yield {
      kind: 'finding',
      ...note(
        'Nothing else was checked: what the store holds is known from its journal, which must be made whole first',
      ),
    };
  }

  async *#packs(context: PfsContext): AsyncGenerator<CheckReport, PackSet> {
    const { state } = context.journal;
    const packs = new PackSet(new PackCache(this.#store));
    const sizes = await listPacks(this.#store);
    const live = [...state.packs.values()];
    let done = 0;
    for (const pack of live) {
      const findings: Finding[] = [];
      const index = await gather(checkPack(this.#store, pack, sizes), findings);
      if (findings.length > 0 && (await isGone(context, pack.id))) {
        continue;
      }
      for (const finding of findings) {
        yield { kind: 'finding', ...finding };
      }
      const usable = index ?? (await this.#rebuilt(pack));
      if (usable) {
        packs.add(pack, usable);
        this.#add({
          packs: this.#summary.packs + 1,
          objects: this.#summary.objects + usable.count,
        });
        if (!sizes.has(packKey(pack.id))) {
          this.#lose(
            [...usable.entries()].map(({ id }) => id),
            pack.id,
          );
        } else if (this.#options.data) {
          yield* this.#data({ pack, index: usable });
        }
      }
      done += 1;
      yield progress('packs', done, live.length);
    }
    const isKnown = (id: string) => state.packs.has(id) || state.removedPacks.has(id);
    for (const finding of strangers(sizes, isKnown)) {
      yield { kind: 'finding', ...finding };
    }
    return packs;
  }

  /** Makes the index of a pack that lacks one, for the check alone: all that is in it is still there. */
  async #rebuilt(pack: PackRef): Promise<PackIndex | undefined> {
    try {
      const bytes = await this.#store.get(packKey(pack.id));
      return await rebuildIndex(this.#store, { pack, bytes }, async () => undefined);
    } catch (error) {
      if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'not_found')) {
        throw error;
      }
      return undefined;
    }
  }

  async *#data(indexed: IndexedPack): AsyncGenerator<CheckReport> {
    const findings: Finding[] = [];
    const wrong = await gather(checkPackData(this.#store, indexed), findings);
    for (const finding of findings) {
      yield { kind: 'finding', ...finding };
    }
    this.#lose(wrong, indexed.pack.id);
    this.#add({ bytes: this.#summary.bytes + indexed.pack.bytes });
  }

  #lose(ids: readonly string[], pack: string): void {
    for (const id of ids) {
      this.#wrong.set(id, `Object "${id}" in pack "${packKey(pack)}" is damaged or missing`);
    }
  }

  async *#commits(context: PfsContext, packs: PackSet): AsyncGenerator<CheckReport> {
    const { state } = context.journal;
    const before = new Set(this.#wrong.keys());
    if (this.#options.data) {
      yield* this.#wholeFiles(packs);
    }
    const check = new ObjectCheck(packs, this.#wrong);
    let count = 0;
    for await (const commit of allCommits(context)) {
      await check.commit(commit);
      count += 1;
      if (count % 100 === 0) {
        yield progress('commits', count, 0);
      }
    }
    for (const key of state.jobs.keysBy('active', 'active')) {
      const results = state.jobs.get(key)?.results;
      await (results ? check.tree(results) : undefined);
    }
    const untold = [...this.#wrong].filter(([id]) => !before.has(id));
    for (const [, message] of untold.slice(0, MAX_TOLD)) {
      yield { kind: 'finding', ...damage(null, message, 'copy') };
    }
    if (untold.length > MAX_TOLD) {
      const more = untold.length - MAX_TOLD;
      yield { kind: 'finding', ...damage(null, `${more} more objects are missing`, 'copy') };
    }
    yield* told(checkHeads(context));
    this.#add({ commits: count, ...check.affected() });
  }

  /** Reads every large file from its first byte to its last: its chunks may all be right, and its list wrong. */
  async *#wholeFiles(packs: PackSet): AsyncGenerator<CheckReport> {
    const files = new LargeFileReader(new ChunkReader(packs));
    for (const { index } of await packs.indexes('chunk')) {
      for (const { id, kind } of index.entries()) {
        if (kind === 'list' && !this.#wrong.has(id)) {
          const problem = await wholeFileProblem(files, id);
          if (problem !== undefined) {
            this.#wrong.set(id, problem);
            yield { kind: 'finding', ...damage(null, problem, 'copy') };
          }
        }
      }
    }
  }

  async *#logs(): AsyncGenerator<CheckReport> {
    for await (const { key } of this.#store.list(LOGS_PREFIX)) {
      const problem = await logProblem(this.#store, key);
      if (problem !== undefined) {
        yield { kind: 'finding', ...damage(key, problem, 'copy') };
      }
    }
  }

  #add(change: Partial<CheckSummary>): void {
    this.#summary = { ...this.#summary, ...change };
  }
}

/** Returns whether a pack has left the live set since the check began. */
async function isGone(context: PfsContext, pack: string): Promise<boolean> {
  await context.journal.sync();
  return !context.journal.state.packs.has(pack);
}

async function* told(findings: AsyncIterable<Finding>): AsyncGenerator<CheckReport> {
  for await (const finding of findings) {
    yield { kind: 'finding', ...finding };
  }
}

/** Gathers the findings of a step, and returns what it returns. */
async function gather<T>(step: AsyncGenerator<Finding, T>, findings: Finding[]): Promise<T> {
  for (;;) {
    const next = await step.next();
    if (next.done) {
      return next.value;
    }
    findings.push(next.value);
  }
}

function progress(stage: string, done: number, total: number): CheckReport {
  return { kind: 'progress', stage, done, total };
}
