// A lineage as the rows of a tree: commits with their paths, the datums between them, and what each of those read.

import type { CommitLink } from '../../engine/server/wire.ts';
import type { Lineage } from '../../engine/server/wire-lineage.ts';

/** One row of the tree. */
export interface LineageRow {
  /** Names the row among all of the tree. */
  readonly id: string;
  readonly depth: number;
  readonly kind: 'commit' | 'datum' | 'input' | 'more';
  readonly node: Lineage;
  readonly datum?: Lineage['datums'][number];
  readonly input?: Lineage['datums'][number]['inputs'][number];
  /** How many rows are directly below it. */
  readonly count: number;
  readonly isOpen: boolean;
}

/** Returns the rows in sight: what somebody has toggled is closed, and of datums open. */
export function lineageRows(root: Lineage, toggled: ReadonlySet<string>): LineageRow[] {
  const rows: LineageRow[] = [];
  const add = (node: Lineage, depth: number, id: string) => {
    const { datums, omitted, next } = node;
    const count = datums.length + (omitted > 0 ? 1 : 0) + next.length;
    const isOpen = count > 0 && !toggled.has(id);
    rows.push({ id, depth, kind: 'commit', node, count, isOpen });
    if (!isOpen) {
      return;
    }
    for (const datum of datums) {
      const datumId = `${id}/datum ${datum.id}`;
      // What a datum read is told by what comes next, too: it is closed until somebody asks.
      const isDatumOpen = toggled.has(datumId);
      rows.push({
        id: datumId,
        depth: depth + 1,
        kind: 'datum',
        node,
        datum,
        count: datum.inputs.length,
        isOpen: isDatumOpen,
      });
      for (const [index, input] of isDatumOpen ? datum.inputs.entries() : []) {
        const inputId = `${datumId}/${index}`;
        const at = { id: inputId, depth: depth + 2, count: 0, isOpen: false };
        rows.push({ ...at, kind: 'input', node, datum, input });
      }
    }
    if (omitted > 0) {
      const at = { id: `${id}/more`, depth: depth + 1, count: 0, isOpen: false };
      rows.push({ ...at, kind: 'more', node });
    }
    for (const [index, child] of next.entries()) {
      add(child, depth + 1, `${id}/${index}`);
    }
  };
  add(root, 0, '');
  return rows;
}

/** Returns the commits at the ends of a lineage, each once: the sources, or what nothing was made from. */
export function endsOf(root: Lineage): CommitLink[] {
  const found = new Map<string, CommitLink>();
  const visit = (node: Lineage) => {
    if (node.next.length === 0 && !node.repeated && node !== root) {
      const { repo, branch, id } = node.commit;
      found.set(`${repo.project}/${repo.name}@${id}`, { repo, name: branch, commit: id });
    }
    node.next.forEach(visit);
  };
  visit(root);
  return [...found.values()];
}
