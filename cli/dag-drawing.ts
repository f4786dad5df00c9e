// Draws a directed acyclic graph with one node on a line and a rail for each output that is still to be read. Knows neither
// repos nor pipelines.

/** A node, and what it reads, by keys. */
export interface DagNode {
  readonly key: string;
  readonly inputs: readonly string[];
  /** What stands for it, one column wide. */
  readonly symbol: string;
}

/** A line of the drawing: of a node, or, without one, between two. */
export interface DagLine {
  readonly rails: string;
  readonly key?: string;
}

/**
 * Returns the nodes such that each comes after those it reads, and these as shortly before it as can be; of several that
 * could come first, the one with the least key does. Inputs that are no nodes are passed over.
 */
export function inReadingOrder(nodes: readonly DagNode[]): DagNode[] {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const order = new Map<string, DagNode>();
  const visiting = new Set<string>();
  const visit = (key: string) => {
    const node = byKey.get(key);
    if (node === undefined || visiting.has(key)) {
      return;
    }
    visiting.add(key);
    for (const input of [...node.inputs].sort()) {
      visit(input);
    }
    order.set(key, node);
  };
  const keys = [...byKey.keys()].sort();
  for (const key of [...keys.filter((one) => !read.has(one)), ...keys]) {
    visit(key);
  }
  return [...order.values()];
}

/** Returns the lines of a drawing, nodes in reading order, each line two columns per rail. */
export function drawDag(nodes: readonly DagNode[]): DagLine[] {
  const order = inReadingOrder(nodes);
  const lastReader = new Map<string, string>();
  for (const { key, inputs } of order) {
    for (const input of inputs) {
      lastReader.set(input, key);
    }
  }
  /** What each rail is the output of. */
  const rails: (string | undefined)[] = [];
  const lines: DagLine[] = [];
  for (const { key, inputs, symbol } of order) {
    if (lines.length > 0) {
      lines.push({ rails: cells(rails, (rail) => (rail === undefined ? ' ' : '│')) });
    }
    const read = inputs.map((input) => rails.indexOf(input)).filter((at) => at >= 0);
    const ends = (at: number) => lastReader.get(rails[at] ?? '') === key;
    const own = placeFor(rails, { read, ends });
    lines.push({ key, rails: nodeLine(rails, { own, read, ends, symbol }) });
    for (const at of read.filter(ends)) {
      rails[at] = undefined;
    }
    rails[own] = lastReader.has(key) ? key : undefined;
    while (rails.length > 0 && rails.at(-1) === undefined) {
      rails.pop();
    }
  }
  return lines;
}

interface Reading {
  /** The rails that are read. */
  readonly read: readonly number[];
  /** Whether nobody reads a rail any more after this. */
  readonly ends: (rail: number) => boolean;
}

/** A node stands on the first rail that ends in it, else on the first that is free. */
function placeFor(rails: readonly (string | undefined)[], { read, ends }: Reading): number {
  const ending = read.filter(ends);
  if (ending.length > 0) {
    return Math.min(...ending);
  }
  const free = rails.indexOf(undefined);
  return free >= 0 ? free : rails.length;
}

function nodeLine(
  rails: readonly (string | undefined)[],
  node: Reading & { readonly own: number; readonly symbol: string },
): string {
  const { own, read, ends, symbol } = node;
  const [first, last] = [Math.min(own, ...read), Math.max(own, ...read)];
  const all = Array.from({ length: Math.max(rails.length, own + 1) }, (_, at) => rails[at]);
  const joint = (at: number): string => {
    if (at === own) {
      return symbol;
    }
    if (!read.includes(at)) {
      // A rail that is only crossed goes on over the line.
      return all[at] !== undefined ? '│' : at > first && at < last ? '─' : ' ';
    }
    const [left, middle, right] = ends(at) ? ['└', '┴', '┘'] : ['├', '┼', '┤'];
    return (at === first ? left : at === last ? right : middle) ?? '';
  };
  return cells(
    all,
    (_, at) => joint(at),
    (at) => at >= first && at < last,
  );
}

function cells(
  rails: readonly (string | undefined)[],
  cell: (rail: string | undefined, at: number) => string,
  isJoined: (at: number) => boolean = () => false,
): string {
  return rails
    .map((rail, at) => cell(rail, at) + (isJoined(at) ? '─' : ' '))
    .join('')
    .trimEnd();
}
