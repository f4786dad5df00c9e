// One change that a user asked for, being decided: by itself, or as part of a transaction with others. What it causes
// downstream is worked out once, at the end, so that changes that belong together cause one commit per branch.

import { type Asker, ENGINE } from '../auth/asker.ts';
import { needOf } from '../auth/operation-needs.ts';
import { demand, type Need } from '../auth/rights.ts';
import { ownershipOf } from '../auth/users.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import { compose, type Draft } from '../journal/compose.ts';
import type { Operation } from '../journal/operations.ts';
import {
  type BranchRef,
  branchKey,
  commitKey,
  type RepoKey,
  type RepoRecord,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { type PfsContext, type Request, transactOptions } from './context.ts';
import { Facts, MissingFact, type StoreOptions } from './facts.ts';
import { type Again, emptyHead, readersOfBranches, startCommits } from './propagate.ts';
import { type Arrival, fireTriggers } from './triggers.ts';
import type { SessionPacks } from './write-session.ts';

/** How often a change is prepared again because the collector took a pack that it leans on. */
const MAX_RESTARTS = 5;

/** What a decision works on. Decisions do no I/O and may run several times; only the last run counts. */
export class Change {
  readonly context: PfsContext;
  readonly draft: Draft;
  readonly facts: Facts;
  /** The id of every commit that is made here. */
  readonly set: string;
  /** In milliseconds since the Unix epoch. */
  readonly time: number;
  /** Who wants it, whose rights count. */
  readonly asker: Asker;
  readonly #allowed = new Set<string>();
  readonly #moved: { readonly ref: BranchRef; readonly set: string }[] = [];
  readonly #seeds: BranchRef[] = [];
  readonly #again = new Map<string, BranchRef & Again>();
  readonly #sources: BranchRef[] = [];
  readonly #written = new Set<RepoKey>();
  readonly #finished = new Set<string>();

  constructor(
    context: PfsContext,
    options: {
      readonly draft: Draft;
      readonly facts: Facts;
      readonly set: string;
      readonly time: number;
      readonly asker?: Asker | undefined;
    },
  ) {
    this.context = context;
    this.draft = options.draft;
    this.facts = options.facts;
    this.set = options.set;
    this.time = options.time;
    this.asker = options.asker ?? { actor: ENGINE };
  }

  /** The state as it is after what was decided so far. */
  get state(): State {
    return this.draft.state;
  }

  /** Adds what its asker wants, and rejects with `permission_denied` what the asker may not. */
  add(...operations: readonly Operation[]): void {
    for (const operation of operations) {
      const need = needOf(this.state, operation);
      if (need) {
        this.demand(need);
      }
      this.draft.add(operation);
      if (operation.kind === 'repo.created' && operation.repo.kind === 'user') {
        this.#makeOwner(operation.repo);
      }
    }
  }

  /** Rejects with `permission_denied` what its asker may not do. What was allowed once stays so: a change may delete what the right was on. */
  demand(need: Need): void {
    const key = `${need.role} ${need.scope}`;
    if (!this.#allowed.has(key)) {
      demand(this.state, this.asker, need);
      this.#allowed.add(key);
    }
  }

  #makeOwner(repo: RepoRecord): void {
    if (this.asker.user !== undefined) {
      this.draft.add({ kind: 'role.put', grant: ownershipOf(this.asker, repo) });
    }
  }

  /**
   * Returns what `write` stored for these repos. `key` must name all that it depends on; `standIn` takes its place where
   * nothing is to be stored.
   */
  store<T>(key: string, options: StoreOptions<T> & { readonly repos: readonly RepoKey[] }): T {
    for (const repo of options.repos) {
      this.#written.add(repo);
    }
    return this.facts.store(key, options);
  }

  /** Notes that readers of a branch get a commit: of the set `set` unless other causes come together with this one. */
  moved(ref: BranchRef, set = this.set): void {
    this.#moved.push({ ref, set });
  }

  /** Notes that a branch gets a commit made from what it reads. */
  refresh(ref: BranchRef): void {
    this.#seeds.push(ref);
  }

  /** Notes that a branch gets a commit made from what an earlier one was made from. */
  repeat(ref: BranchRef, again: Again): void {
    this.#again.set(branchKey(ref.repo, ref.branch), { ...ref, ...again });
  }

  /** Notes that a branch is read, and begins with an empty commit where nothing else gives it one. */
  read(ref: BranchRef): void {
    this.#sources.push(ref);
  }

  /** Adds what all of it causes, and the packs that hold what was stored. */
  settle(packs: SessionPacks | undefined): void {
    const { state } = this;
    for (const ref of this.#sources) {
      emptyHead(this.draft, ref, { set: this.set, time: this.time });
    }
    const branches = [...this.#seeds, ...this.#again.values()].flatMap(
      ({ repo, branch }) => state.branches.get(branchKey(repo, branch)) ?? [],
    );
    const arrivals = this.#moved.flatMap(({ ref }): Arrival[] => {
      const head = state.branches.get(branchKey(ref.repo, ref.branch))?.head;
      return head ? [{ ref, commit: head }] : [];
    });
    const followers = fireTriggers(this.draft, arrivals);
    const moved = readersOfBranches(state, [...this.#moved.map(({ ref }) => ref), ...followers]);
    const sets = new Set(this.#moved.map(({ set }) => set));
    if (branches.length > 0) {
      sets.add(this.set);
    }
    const seeds = [...moved, ...branches];
    if (seeds.length > 0) {
      // Where more is changed, what is retried reads that: as it was before, it would take the change back.
      const isAlone = this.#moved.length === 0 && this.#seeds.length === 0;
      const again = isAlone ? this.#again : undefined;
      startCommits(this.draft, seeds, { set: this.#causeOf(sets), time: this.time, again });
    }
    for (const repo of packs ? this.#written : []) {
      if (packs && state.repos.has(repo)) {
        this.draft.add({ kind: 'packs.added', repo, ...packs });
      }
    }
  }

  /** A set that users still write to will cause commits under its own name once they are done: not before. */
  #causeOf(sets: ReadonlySet<string>): string {
    const [only = this.set] = sets;
    const set = sets.size === 1 ? only : this.set;
    const { commits } = this.state;
    const isOpen = [...commits.keysBy('set', set)].some((key) => {
      const commit = commits.get(key);
      return commit?.origin === 'user' && commit.finished === null;
    });
    return isOpen ? this.context.ids.next() : set;
  }

  /** Notes that a commit is finished here: its files can be read only once all of the change is there. */
  finishes(commit: { readonly repo: RepoKey; readonly id: string }): void {
    this.#finished.add(commitKey(commit.repo, commit.id));
  }

  /** Rejects with `failed_precondition` where the files of a commit are needed and the change itself finishes it. */
  refuseFinished(commit: { readonly repo: RepoKey; readonly id: string }, what: string): void {
    if (this.#finished.has(commitKey(commit.repo, commit.id))) {
      throw new EngineError(
        'failed_precondition',
        `Cannot ${what}: the same transaction finishes commit ${commit.id}, whose files are not there before; finish it first, and start another transaction`,
      );
    }
  }

  /** Returns whether this change, or the transaction that it is part of, has made a commit in the repo. */
  hasCommitIn(repo: RepoKey): boolean {
    return this.state.commits.has(commitKey(repo, this.set));
  }
}

/** Decides a change: adds operations, and returns what the user is told. Rejects by throwing. */
export type Decide<T> = (change: Change) => T;

/**
 * Makes a change in one transaction of the journal: decides it, fetches the facts it asks for, and decides again until
 * all are there and the state has not moved away from under them. Rejects as `decide` does, with nothing changed. It is
 * decided for who asks for it, or for whom `asker` names.
 */
export async function makeChange<T>(
  context: PfsContext,
  request: Request,
  decide: Decide<T>,
  options: { readonly set?: string; readonly asker?: (state: State) => Asker } = {},
): Promise<T> {
  const facts = new Facts(context);
  const set = options.set ?? context.ids.next();
  const time = context.clock.now();
  const run = (state: State) => {
    const asker = options.asker?.(state) ?? request;
    return decideOn(state, { context, facts, set, time, asker }, decide);
  };
  try {
    for (let restarts = 0; ; ) {
      try {
        return await context.journal.transact(run, transactOptions(request));
      } catch (error) {
        if (error instanceof MissingFact) {
          await gather(facts, { first: error, run: () => void run(context.journal.state) });
        } else if (isLostPack(error) && restarts < MAX_RESTARTS) {
          restarts += 1;
          facts.restart();
        } else {
          throw error;
        }
      }
    }
  } finally {
    facts.close();
  }
}

/** Returns whether something was refused because the collector took a pack that it leans on. */
function isLostPack(error: unknown): boolean {
  return isEngineError(error) && error.details.pack !== undefined;
}

/** Runs a decision on a state, which it leaves as it was. */
export function decideOn<T>(
  state: State,
  options: {
    readonly context: PfsContext;
    readonly facts: Facts;
    readonly set: string;
    readonly time: number;
    readonly asker?: Asker;
  },
  decide: Decide<T>,
): { operations: Operation[]; result: T } {
  const { context, ...rest } = options;
  return compose(state, (draft) => {
    const change = new Change(context, { draft, ...rest });
    const result = decide(change);
    change.settle(rest.facts.packs);
    return result;
  });
}

/** Fetches the missing fact `first` and all that `run` turns out to miss after it. */
export async function gather(
  facts: Facts,
  options: { readonly first: MissingFact; readonly run: () => void },
): Promise<void> {
  for (let missing = [options.first]; missing.length > 0; ) {
    for (const one of missing) {
      await facts.fetch(one);
    }
    missing = missingIn(facts, options.run);
  }
  await facts.flush();
}

/** Returns the facts that `run` misses: none when it needs no more. */
function missingIn(facts: Facts, run: () => void): MissingFact[] {
  try {
    return facts.missingIn(run);
  } catch (error) {
    if (isLostPack(error)) {
      // The journal knows how to have it stored again.
      return [];
    }
    throw error;
  }
}
