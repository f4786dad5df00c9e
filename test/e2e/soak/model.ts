// Pipelines of six kinds in chains, diamonds and joins, each as a spec whose command is a line of shell, and as a plain
// function that says what it makes of its inputs.

import { createHash } from 'node:crypto';
import type { Random } from '../../../engine/base/random.ts';

export type Files = ReadonlyMap<string, string>;

export interface ModelPipeline {
  readonly name: string;
  readonly kind: string;
  /** The repos it reads, in the order in which `compute` gets their files. */
  readonly inputs: readonly string[];
  readonly spec: object;
  /** Returns what its output commit holds. */
  compute(inputs: readonly Files[]): Files;
}

interface Kind {
  readonly inputs: 1 | 2;
  input(repos: readonly string[]): object;
  /** Sets `n`, the name of the file to write, and `parts`, what it is made of. */
  sh(repos: readonly string[]): string;
  compute(inputs: readonly Files[], repos: readonly string[]): Iterable<readonly [string, string]>;
}

const NONE: Files = new Map();
const pfs = (repo: string, more: object = { glob: '/*' }) => ({ pfs: { repo, ...more } });

/** What is in all files, by the order of their names. */
function joined(files: Iterable<readonly [string, string]>): string {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, text]) => text).join('');
}

const KINDS: Readonly<Record<string, Kind>> = {
  each: {
    inputs: 1,
    input: ([a = '']) => pfs(a),
    sh: ([a]) => `n=$(basename $${a}); parts=$${a}`,
    compute: ([a = NONE]) => a,
  },
  total: {
    inputs: 1,
    input: ([a = '']) => pfs(a, { glob: '/' }),
    sh: ([a]) => `n=all; parts=$(find /pfs/${a}/ -type f | sort)`,
    // An empty commit has no root that a glob could match.
    compute: ([a = NONE]) => (a.size === 0 ? [] : [['all', joined(a)]]),
  },
  group: {
    inputs: 1,
    input: ([a = '']) => ({ group: [pfs(a, { glob: '/(?)*', group_by: '$1' })] }),
    sh: ([a]) =>
      `parts=$(find /pfs/${a}/ -type f | sort); n=$(ls /pfs/${a} | head -n 1 | cut -c 1)`,
    compute: ([a = NONE]) => {
      const letters = new Set([...a.keys()].map((name) => name.charAt(0)));
      return [...letters].map((letter) => [
        letter,
        joined([...a].filter(([name]) => name.startsWith(letter))),
      ]);
    },
  },
  cross: {
    inputs: 2,
    input: ([a = '', b = '']) => ({ cross: [pfs(a), pfs(b, { glob: '/' })] }),
    sh: ([a, b]) => `n=$(basename $${a}); parts="$${a} $(find /pfs/${b}/ -type f | sort)"`,
    compute: ([a = NONE, b = NONE]) =>
      b.size === 0 ? [] : [...a].map(([name, text]) => [name, text + joined(b)]),
  },
  join: {
    inputs: 2,
    input: (repos) => ({
      join: repos.map((repo) => pfs(repo, { glob: '/(*)', join_on: '$1' })),
    }),
    sh: ([a, b]) => `n=$(basename $${a}); parts="$${a} $${b}"`,
    compute: ([a = NONE, b = NONE]) =>
      [...a].flatMap(([name, text]) => {
        const other = b.get(name);
        return other === undefined ? [] : [[name, text + other] as const];
      }),
  },
  union: {
    inputs: 2,
    input: (repos) => ({ union: repos.map((repo) => pfs(repo, { glob: '/*', name: 'one' })) }),
    sh: () => 'n=$(basename $one)-$(cut -c 1-4 $one); parts=$one',
    compute: (inputs) =>
      inputs.flatMap((files) =>
        [...files].map(([name, text]) => [`${name}-${text.slice(0, 4)}`, text] as const),
      ),
  },
};

/** Every file of an output is one line: the digest of what it was made of. It says which pipeline made it. */
function digest(pipeline: string, text: string): string {
  return `${createHash('md5').update(`${pipeline}\n${text}`).digest('hex')}\n`;
}

/** The first ones are a chain and a diamond with a join; the rest are drawn. All kinds are there from seven on. */
export function drawPipelines(
  random: Random,
  { sources, count, image }: { sources: readonly string[]; count: number; image: string },
): readonly ModelPipeline[] {
  const [first = '', second = ''] = sources;
  const fixed: readonly (readonly [string, ...string[]])[] = [
    ['each', first],
    ['total', 'p0'],
    ['each', first],
    ['join', 'p0', 'p2'],
    ['cross', 'p3', second],
    ['union', 'p2', second],
    ['group', 'p5'],
  ];
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const kinds = Object.keys(KINDS);
  const pipelines: ModelPipeline[] = [];
  for (let i = 0; i < count; i++) {
    const drawn = kinds[below(kinds.length)] ?? 'each';
    const repos = [...sources, ...pipelines.map(({ name }) => name)];
    const draw = () => repos.splice(below(repos.length), 1)[0] ?? first;
    const [kind, ...inputs] = fixed[i] ?? [drawn, draw(), draw()];
    pipelines.push(modelPipeline(`p${i}`, { kind, inputs, image, workers: 1 + below(2) }));
  }
  return pipelines;
}

function modelPipeline(
  name: string,
  options: {
    readonly kind: string;
    readonly inputs: readonly string[];
    readonly image: string;
    readonly workers: number;
  },
): ModelPipeline {
  const kind = KINDS[options.kind];
  if (kind === undefined) {
    throw new Error(`there is no kind of pipelines "${options.kind}"`);
  }
  const inputs = options.inputs.slice(0, kind.inputs);
  const write = `(echo ${name}; cat /dev/null $parts) | md5sum | cut -c 1-32 > /pfs/out/$n`;
  return {
    name,
    kind: options.kind,
    inputs,
    spec: {
      pipeline: { name },
      input: kind.input(inputs),
      transform: {
        image: options.image,
        cmd: ['sh', '-ec', `${kind.sh(inputs)}; ${write}; usleep 30000`],
      },
      parallelism_spec: { constant: options.workers },
      // A container that is killed under a command is a failed try, and here that happens all the time.
      datum_tries: 50,
    },
    compute: (files) => {
      const made = [...kind.compute(files, inputs)];
      return new Map(made.map(([file, text]) => [file, digest(name, text)]));
    },
  };
}

/** The plain sequential script: what every repo holds, given what the sources do. */
export function computeAll(
  pipelines: readonly ModelPipeline[],
  sources: ReadonlyMap<string, Files>,
): ReadonlyMap<string, Files> {
  const all = new Map(sources);
  for (const { name, inputs, compute } of pipelines) {
    all.set(name, compute(inputs.map((repo) => all.get(repo) ?? NONE)));
  }
  return all;
}
