// What a repo has, for those who name something by its id: what its branches and tags reach, and the large files that were
// sent for it lately. Repos share packs, and an id must not open what is another's.

import { encodePointer, type Pointer } from '../../content/pointer.ts';
import { objectId } from '../../git/object-id.ts';
import type { RepoKey } from '../../journal/records.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { type GitRefs, isThereOf } from '../../pfs/git-refs.ts';
import type { IdSet } from '../../pfs/id-set.ts';
import type { Owned } from '../../pfs/pushed-objects.ts';
import { reachableObjects } from '../../pfs/reachable.ts';

/** Sets that are kept: each has 20 to 40 bytes for every object. */
const MOST_SETS = 2;
/** Large files that are remembered until a push names them; who is forgotten sends it again. */
const MOST_SENT = 100_000;

export class RepoObjects {
  readonly #context: PfsContext;
  /** By repo and refs, in the order of their last use. */
  readonly #sets = new Map<string, Promise<IdSet>>();
  readonly #sent = new Set<string>();

  constructor(context: PfsContext) {
    this.#context = context;
  }

  /** Returns the ids of all that these refs of a repo reach. Kept while the refs stay as they are. */
  async reached(repo: RepoKey, refs: GitRefs): Promise<IdSet> {
    const heads = [...new Set([...refs.branches.values(), ...refs.tags.values()])].sort();
    const key = `${this.#identity(repo)} ${heads.join(' ')}`;
    const known = this.#sets.get(key) ?? this.#read(repo, heads);
    this.#sets.delete(key);
    this.#sets.set(key, known);
    for (const oldest of this.#sets.keys()) {
      if (this.#sets.size <= MOST_SETS) {
        break;
      }
      this.#sets.delete(oldest);
    }
    known.catch(() => this.#sets.delete(key));
    return await known;
  }

  /** Returns whether the refs reach the pointer of a large file. */
  async hasFile(repo: RepoKey, refs: GitRefs, pointer: Pointer): Promise<boolean> {
    return (await this.reached(repo, refs)).hasHex(pointerId(pointer));
  }

  /** Notes that a large file was sent for a repo. */
  noteSent(repo: RepoKey, pointer: Pointer): void {
    this.#sent.add(`${this.#identity(repo)} ${pointerId(pointer)}`);
    for (const oldest of this.#sent) {
      if (this.#sent.size <= MOST_SENT) {
        break;
      }
      this.#sent.delete(oldest);
    }
  }

  /** Returns what a push to a repo may lean on. */
  owned(repo: RepoKey, refs: GitRefs): Owned {
    return {
      hasObject: async (id) => (await this.reached(repo, refs)).hasHex(id),
      hasFile: async (pointer) =>
        this.#sent.has(`${this.#identity(repo)} ${pointerId(pointer)}`) ||
        (await this.hasFile(repo, refs, pointer)),
    };
  }

  async #read(repo: RepoKey, heads: readonly string[]): Promise<IdSet> {
    const isThere = await isThereOf(this.#context, repo);
    return await reachableObjects(this.#context.objects, heads, {
      cut: isThere && { isThere },
    });
  }

  /** A repo that was made again under its old name is another one. */
  #identity(repo: RepoKey): string {
    return this.#context.journal.state.repos.get(repo)?.id ?? '';
  }
}

/** Returns the id of the blob that stands for a large file in trees. */
export function pointerId(pointer: Pointer): string {
  return objectId('blob', encodePointer(pointer));
}
