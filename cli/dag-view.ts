// Pipelines and commit sets as drawings.

import type { Pipeline, RepoName } from '../engine/server/wire.ts';
import { CliError } from './cli-error.ts';
import type { Context } from './context.ts';
import { type DagNode, drawDag } from './dag-drawing.ts';
import { formatProgress } from './format.ts';
import { showName } from './refs.ts';
import { displayWidth, plainText } from './table.ts';

const REPO = '○';
const PIPELINE = '●';
const LEAST_COLUMNS = 40;

/** A repo or pipeline in a drawing. */
interface Node extends DagNode {
  readonly name: RepoName;
  /** What stands beside the name: its state, then more of it. */
  readonly notes: readonly string[];
}

/** Draws pipelines with all that they read: those of one project, or those connected with `around`. */
export async function drawPipelines(
  context: Context,
  options: { readonly project: string | undefined; readonly around: RepoName | undefined },
): Promise<void> {
  const { project, around } = options;
  const nodes = new Map<string, Node>();
  for await (const pipeline of context.client.items('GET /pipelines', { query: { project } })) {
    const inputs = leaves(pipeline.spec.input);
    add(nodes, pipeline, {
      symbol: PIPELINE,
      inputs: inputs.map(({ name }) => keyOf(name)),
      notes: [pipeline.state, lastJobOf(pipeline)],
    });
    for (const { name, schedule } of inputs) {
      if (!nodes.has(keyOf(name))) {
        add(nodes, name, { symbol: REPO, inputs: [], notes: schedule ? ['', schedule] : [] });
      }
    }
  }
  if (around && nodes.get(keyOf(around))?.symbol !== PIPELINE) {
    throw new CliError(
      'not_found',
      `Cannot draw "${showName(around)}": there is no such pipeline; pfs list pipeline shows those that there are`,
    );
  }
  await draw(context, around ? connected(nodes, keyOf(around)) : [...nodes.values()]);
}

/** Draws the commits of a set, with what they were made from and how far their jobs are. */
export async function drawSet(context: Context, id: string): Promise<void> {
  const nodes = new Map<string, Node>();
  for await (const commit of context.client.items('GET /commit-sets/{id}', { params: { id } })) {
    // Those that may not be read have no names.
    const inputs = commit.provenance.flatMap(({ repo }) => (repo.name === '' ? [] : [repo]));
    const { job } = commit;
    add(nodes, commit.repo, {
      symbol: commit.pipeline ? PIPELINE : REPO,
      inputs: inputs.map(keyOf),
      notes: [job?.state ?? commit.state, job ? formatProgress(job.datums) : ''],
    });
    for (const input of inputs) {
      if (!nodes.has(keyOf(input))) {
        add(nodes, input, { symbol: REPO, inputs: [], notes: ['', 'from before'] });
      }
    }
  }
  await draw(context, [...nodes.values()]);
}

function add(nodes: Map<string, Node>, name: RepoName, node: Omit<Node, 'key' | 'name'>): void {
  const key = keyOf(name);
  nodes.set(key, { key, name: { project: name.project, name: name.name }, ...node });
}

function keyOf({ project, name }: RepoName): string {
  return `${project}/${name}`;
}

function lastJobOf({ lastJob }: Pipeline): string {
  return lastJob === null ? '' : `last job ${lastJob.state}`;
}

/** What a spec says that an input reads. */
interface Leaf {
  readonly name: RepoName;
  readonly schedule?: string;
}

/** Lists the repos that an input of a canonical spec reads, each once. */
function leaves(input: unknown): readonly Leaf[] {
  const found = new Map<string, Leaf>();
  const look = (one: unknown) => {
    for (const [kind, value] of Object.entries((one ?? {}) as Record<string, unknown>)) {
      if (Array.isArray(value)) {
        value.forEach(look);
        continue;
      }
      const { project, repo, spec } = value as Partial<Record<'project' | 'repo' | 'spec', string>>;
      if (project !== undefined && repo !== undefined) {
        const name = { project, name: repo };
        const schedule = kind === 'cron' && spec !== undefined ? { schedule: spec } : {};
        found.set(keyOf(name), { name, ...schedule });
      }
    }
  };
  look(input);
  return [...found.values()];
}

/** Returns a node with all that is made of it, and all that any of these is made from. */
function connected(nodes: ReadonlyMap<string, Node>, start: string): Node[] {
  const readers = new Map<string, string[]>();
  for (const { key, inputs } of nodes.values()) {
    for (const input of inputs) {
      readers.set(input, [...(readers.get(input) ?? []), key]);
    }
  }
  const below = reached([start], (key) => readers.get(key) ?? []);
  const kept = reached(below, (key) => nodes.get(key)?.inputs ?? []);
  return [...nodes.values()].filter(({ key }) => kept.has(key));
}

function reached(
  from: Iterable<string>,
  next: (key: string) => readonly string[],
): ReadonlySet<string> {
  const seen = new Set(from);
  for (const key of seen) {
    for (const other of next(key)) {
      seen.add(other);
    }
  }
  return seen;
}

async function draw({ output }: Context, nodes: readonly Node[]): Promise<void> {
  if (nodes.length === 0) {
    output.note('There is nothing to draw: no pipeline is there');
  }
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const lines = drawDag(nodes);
  if (output.raw) {
    for (const node of lines.flatMap(({ key }) => byKey.get(key ?? '') ?? [])) {
      const kind = node.symbol === PIPELINE ? 'pipeline' : 'repo';
      await output.json({ ...node.name, kind, inputs: node.inputs, notes: node.notes });
    }
    return;
  }
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map(displayWidth));
  const railsWidth = widest(lines.map(({ rails }) => rails));
  const nameWidth = widest(nodes.map(({ name }) => showName(name)));
  const stateWidth = widest(nodes.map(({ notes: [state = ''] }) => state));
  const columns = Math.max(LEAST_COLUMNS, output.columns);
  for (const { rails, key } of lines) {
    const node = byKey.get(key ?? '');
    const [state = '', more = ''] = node?.notes ?? [];
    const text = node
      ? [padded(showName(node.name), nameWidth), padded(state, stateWidth), more].join('  ')
      : '';
    const line = `${padded(rails, railsWidth)}  ${plainText(text)}`.trimEnd();
    await output.line(output.paint(cut(line, columns)));
  }
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

function cut(line: string, columns: number): string {
  let shown = line;
  while (displayWidth(shown) > columns) {
    shown = `${shown.replace(/…$/, '').slice(0, -1)}…`;
  }
  return shown;
}
