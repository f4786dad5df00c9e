// What a repo's commits, branches and tags must be, kept in plain objects beside the real thing.

export type Files = Readonly<Record<string, string>>;

interface ModelCommit {
  readonly files: Files;
  readonly parents: readonly string[];
}

/** A repo in plain objects. Nothing here is clever: it is what the real one is compared with. */
export class VersionModel {
  readonly commits = new Map<string, ModelCommit>();
  readonly branches = new Map<string, string | null>();
  readonly tags = new Map<string, string>();

  files(id: string | null): Files {
    return id === null ? {} : (this.commits.get(id)?.files ?? {});
  }

  head(branch: string): string | null {
    return this.branches.get(branch) ?? null;
  }

  /** Adds a commit to a branch. */
  commit(branch: string, id: string, made: { files: Files; merged?: string }): void {
    const head = this.head(branch);
    const parents = [head, made.merged ?? null].filter((parent) => parent !== null);
    this.commits.set(id, { files: made.files, parents });
    this.branches.set(branch, id);
  }

  /** Returns a commit and all that it comes from. */
  ancestors(id: string | null): Set<string> {
    const found = new Set<string>();
    const todo = id === null ? [] : [id];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (!found.has(next)) {
        found.add(next);
        todo.push(...(this.commits.get(next)?.parents ?? []));
      }
    }
    return found;
  }

  /** Returns the common ancestors of two commits that no other one comes from. */
  bases(a: string, b: string): string[] {
    const others = this.ancestors(b);
    const common = [...this.ancestors(a)].filter((id) => others.has(id));
    return common.filter(
      (id) => !common.some((other) => other !== id && this.ancestors(other).has(id)),
    );
  }

  children(id: string): string[] {
    return [...this.commits].flatMap(([child, { parents }]) =>
      parents.includes(id) ? [child] : [],
    );
  }

  /** Returns the line of first parents, newest first. */
  line(id: string | null): string[] {
    const line: string[] = [];
    for (let next = id; next !== null; next = this.commits.get(next)?.parents[0] ?? null) {
      line.push(next);
    }
    return line;
  }

  isNamed(id: string): boolean {
    return [...this.branches.values(), ...this.tags.values()].includes(id);
  }

  canSquash(id: string): boolean {
    return this.children(id).length > 0 && !this.isNamed(id);
  }

  canDrop(id: string): boolean {
    return this.children(id).length === 0 && ![...this.tags.values()].includes(id);
  }

  /** Removes a commit: what came from it alone comes from its parents, a merge and a branch from the first. */
  remove(id: string): void {
    const gone = this.commits.get(id)?.parents ?? [];
    const [parent] = gone;
    this.commits.delete(id);
    for (const [child, commit] of this.commits) {
      if (commit.parents.includes(id)) {
        const isMerge = commit.parents.length > 1;
        const parents = isMerge
          ? commit.parents.flatMap((one) => (one === id ? (parent ?? []) : one))
          : gone;
        this.commits.set(child, { ...commit, parents: [...new Set(parents)] });
      }
    }
    for (const [branch, head] of this.branches) {
      if (head === id) {
        this.branches.set(branch, parent ?? null);
      }
    }
  }
}

/** Returns what merging plain maps gives, and the paths that both changed differently. */
export function mergeMaps(
  base: Files,
  ours: Files,
  theirs: Files,
): { merged: Record<string, string>; conflicts: string[] } {
  const merged: Record<string, string> = {};
  const conflicts: string[] = [];
  for (const path of Object.keys({ ...base, ...ours, ...theirs }).sort()) {
    const [b, o, t] = [base[path], ours[path], theirs[path]];
    const value = t === b || o === t ? o : t;
    if (t !== b && o !== t && o !== b) {
      conflicts.push(path);
    }
    if (value !== undefined) {
      merged[path] = value;
    }
  }
  return { merged, conflicts };
}
