// Which objects a repo's branches and tags reach: what may be asked for by id. Kept while the refs stay as they are.

import type { RepoKey } from '../../journal/records.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { cutOf, type GitRefs } from '../../pfs/git-refs.ts';
import type { IdSet } from '../../pfs/id-set.ts';
import { reachableObjects } from '../../pfs/reachable.ts';

/** Sets that are kept: each has 20 to 40 bytes for every object. */
const MOST = 2;

export class ReachableCache {
  /** By repo and refs, in the order of their last use. */
  readonly #sets = new Map<string, Promise<IdSet>>();

  /** Returns the ids of all that these refs of a repo reach. */
  async of(context: PfsContext, repo: RepoKey, refs: GitRefs): Promise<IdSet> {
    const heads = [...new Set([...refs.branches.values(), ...refs.tags.values()])].sort();
    const key = `${repo} ${heads.join(' ')}`;
    const known = this.#sets.get(key) ?? this.#read(context, repo, heads);
    this.#sets.delete(key);
    this.#sets.set(key, known);
    for (const oldest of this.#sets.keys()) {
      if (this.#sets.size <= MOST) {
        break;
      }
      this.#sets.delete(oldest);
    }
    known.catch(() => this.#sets.delete(key));
    return await known;
  }

  async #read(context: PfsContext, repo: RepoKey, heads: readonly string[]): Promise<IdSet> {
    const cut = await cutOf(context, repo, () => undefined);
    return await reachableObjects(context.objects, heads, { cut });
  }
}
