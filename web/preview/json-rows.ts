// A JSON document as the rows of a tree, of which only those in sight are ever made: long lists come in groups.

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** One row of the tree. */
export interface JsonRow {
  /** Names the row among all of the document. */
  readonly id: string;
  readonly depth: number;
  /** The key or place in what holds it; undefined for the document itself. A group says from where to where. */
  readonly label: string | undefined;
  readonly kind: 'object' | 'array' | 'group' | 'string' | 'number' | 'boolean' | 'null';
  /** The value of a leaf, as JSON writes it; how much there is of anything else. */
  readonly text: string;
  readonly isOpen: boolean;
  /** How many rows open below it; 0 for leaves. */
  readonly count: number;
}

/** More entries than this are put into groups of so many. */
const GROUP = 1000;

interface Node {
  readonly id: string;
  readonly label: string | undefined;
  readonly value: JsonValue;
  /** The part of the entries that a group stands for. */
  readonly part?: readonly [number, number];
}

/** Returns the rows in sight: all below what `open` names. The document's own id is `$`. */
export function jsonRows(document: JsonValue, open: ReadonlySet<string>): JsonRow[] {
  const rows: JsonRow[] = [];
  const add = (node: Node, depth: number) => {
    const count = countOf(node);
    const isOpen = count > 0 && open.has(node.id);
    rows.push({ ...describe(node), id: node.id, depth, label: node.label, isOpen, count });
    if (isOpen) {
      for (const child of childrenOf(node)) {
        add(child, depth + 1);
      }
    }
  };
  add({ id: '$', label: undefined, value: document }, 0);
  return rows;
}

/** Returns what to open at first: the document, and what is small in it. */
export function firstOpen(document: JsonValue): Set<string> {
  const open = new Set(['$']);
  const root: Node = { id: '$', label: undefined, value: document };
  if (countOf(root) <= 20) {
    for (const child of childrenOf(root)) {
      if (countOf(child) > 0 && countOf(child) <= 20) {
        open.add(child.id);
      }
    }
  }
  return open;
}

/** Reads a JSON document, or one per line. Throws `SyntaxError`. */
export function parseJson(name: string, text: string): JsonValue {
  if (/\.(?:jsonl|ndjson)$/i.test(name)) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.map((line) => JSON.parse(line) as JsonValue);
  }
  return JSON.parse(text) as JsonValue;
}

function countOf({ value, part }: Node): number {
  if (part) {
    return part[1] - part[0];
  }
  return typeof value === 'object' && value !== null ? sizeOf(value) : 0;
}

function sizeOf(value: object): number {
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}

function* childrenOf(node: Node): Generator<Node> {
  const { id, value, part } = node;
  if (typeof value !== 'object' || value === null) {
    return;
  }
  const keys = Array.isArray(value) ? undefined : Object.keys(value);
  const size = keys?.length ?? (value as readonly JsonValue[]).length;
  if (!part && size > GROUP) {
    for (let start = 0; start < size; start += GROUP) {
      const end = Math.min(size, start + GROUP);
      yield { id: `${id}[${start}…]`, label: `${start} … ${end - 1}`, value, part: [start, end] };
    }
    return;
  }
  const [start, end] = part ?? [0, size];
  for (let at = start; at < end; at += 1) {
    const key = keys?.[at] ?? String(at);
    const child = (value as Readonly<Record<string, JsonValue>>)[key] ?? null;
    yield { id: `${id}/${key.replaceAll('/', '~1')}`, label: key, value: child };
  }
}

function describe({ value, part }: Node): Pick<JsonRow, 'kind' | 'text'> {
  if (part) {
    return { kind: 'group', text: '' };
  }
  if (value === null) {
    return { kind: 'null', text: 'null' };
  }
  if (typeof value === 'object') {
    const size = sizeOf(value);
    return Array.isArray(value)
      ? { kind: 'array', text: size === 0 ? '[]' : `[${size}]` }
      : { kind: 'object', text: size === 0 ? '{}' : `{${size}}` };
  }
  return { kind: typeof value as 'string' | 'number' | 'boolean', text: JSON.stringify(value) };
}
