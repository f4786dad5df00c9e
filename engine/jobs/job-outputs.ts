// What the datums of a job wrote, on its way into the output commit. Only the newest outputs are held one by one; more
// are united into one tree each time a few thousand have come together.

import { EngineError, isEngineError } from '../base/errors.ts';
import type { GitSession } from '../pfs/directory.ts';
import { subtractTree } from '../pfs/tree-edit.ts';
import { uniteTrees } from '../pfs/tree-union.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { describeDatum } from './output-writers.ts';

/** What one datum wrote. */
export interface DatumOutput {
  readonly datum: Datum;
  readonly tree: string | null;
}

/** Two datums that wrote one path, as far as they are known without looking. */
interface Clash {
  readonly path: string;
  readonly one: Datum | undefined;
  readonly other: Datum | undefined;
}

export interface OutputGround {
  /** The output of the job before; null where there is none. */
  readonly base: string | null;
  /** Finds the datums of the job that wrote a path, at least two of them where there are. */
  readonly findWriters: (path: string) => Promise<readonly Datum[]>;
}

const MAX_HELD = 4000;

/** Gathers outputs of datums that are new, and of those that vanished or changed. */
export class JobOutputs {
  #added: DatumOutput[] = [];
  #removed: string[] = [];
  /** What was united of those that came before. */
  readonly #addedTrees: string[] = [];
  readonly #removedTrees: string[] = [];
  #clash: Clash | undefined;
  /** Why the outputs make no tree. */
  #refusal: EngineError | undefined;
  readonly #maxHeld: number;

  constructor({ maxHeld = MAX_HELD } = {}) {
    this.#maxHeld = maxHeld;
  }

  add(output: DatumOutput): void {
    if (output.tree !== null) {
      this.#added.push(output);
    }
  }

  /** Takes the output of a datum that vanished or changed. */
  remove(tree: string | null): void {
    if (tree !== null) {
      this.#removed.push(tree);
    }
  }

  /** Whether it is time to {@link gather}. */
  get isFull(): boolean {
    return this.#added.length + this.#removed.length >= this.#maxHeld;
  }

  /** Unites what is held one by one, where that is much. */
  async gather(session: GitSession): Promise<void> {
    if (!this.isFull) {
      return;
    }
    const [added, removed] = [this.#added, this.#removed];
    [this.#added, this.#removed] = [[], []];
    await this.#refusing(async () => {
      const union = await this.#unite(session, [], added);
      const gone = await uniteTrees(session, removed, () => undefined);
      this.#addedTrees.push(...(union === null ? [] : [union]));
      this.#removedTrees.push(...(gone === null ? [] : [gone]));
    });
  }

  /** Returns the output tree. Rejects with `failed_precondition` when two datums wrote one path, naming the path and both. */
  async tree(session: GitSession, ground: OutputGround): Promise<string | null> {
    const { base } = ground;
    let tree = base;
    await this.#refusing(async () => {
      const gone = [...this.#removedTrees, ...this.#removed];
      if (gone.length > 0) {
        const lower = await uniteTrees(session, gone, () => undefined);
        tree = await subtractTree(session, base, lower);
      }
      if (this.#addedTrees.length + this.#added.length > 0) {
        tree = await this.#unite(session, [tree, ...this.#addedTrees], this.#added);
      }
    });
    if (this.#clash) {
      throw await clashError(this.#clash, ground);
    }
    if (this.#refusal) {
      throw this.#refusal;
    }
    return tree;
  }

  /** Unites trees of many datums, and then those of single ones; notes the first path that two have. */
  async #unite(
    session: GitSession,
    trees: readonly (string | null)[],
    outputs: readonly DatumOutput[],
  ): Promise<string | null> {
    const all = [...trees, ...outputs.map(({ tree }) => tree)];
    const datumAt = (number: number) => outputs[number - trees.length]?.datum;
    return await uniteTrees(session, all, (path, first, second) => {
      this.#clash ??= { path, one: datumAt(first), other: datumAt(second) };
    });
  }

  /** Keeps the reason why outputs can't stand side by side for the end: until then all datums run. */
  async #refusing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isEngineError(error, 'invalid')) {
        throw error;
      }
      this.#refusal ??= error;
    }
  }
}

async function clashError(clash: Clash, ground: OutputGround): Promise<EngineError> {
  const { path } = clash;
  let { one, other } = clash;
  if (one === undefined || other === undefined) {
    const found = await ground.findWriters(path);
    other ??= found.findLast((datum) => datum.id !== one?.id);
    one ??= found.find((datum) => datum.id !== other?.id);
  }
  return new EngineError(
    'failed_precondition',
    `two datums wrote the same output path "/${path}": ${describeDatum(one)} and ${describeDatum(other)}; make the path depend on the input`,
  );
}
