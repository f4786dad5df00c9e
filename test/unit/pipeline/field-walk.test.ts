import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import type { FieldSchema } from '../../../engine/pipeline/spec-schema.ts';
import { resolveField, SPEC_FIELD } from '../../../engine/pipeline/spec-schema.ts';
import { validate } from './specs.ts';

type Value =
  | string
  | number
  | boolean
  | null
  | readonly Value[]
  | { readonly [name: string]: Value };

interface Leaf {
  readonly path: readonly string[];
  readonly field: FieldSchema;
  /** Of the field, or of the first one above it that is not effective. */
  readonly status: string;
}

const TEXTS: Readonly<Record<string, string>> = {
  'go-duration': '20s',
  'byte-quantity': '2Gi',
  'cpu-quantity': '0.5',
  'json-text': '{}',
};

/** Fields whose text must be of a kind that the schema does not tell. */
const KNOWN: Readonly<Record<string, Value>> = {
  'input.cron.spec': '@daily',
  'input.cron.start': '2020-01-01T00:00:00Z',
  'input.git.url': 'https://example.com/a.git',
  'pipeline.project.name': 'other',
  'transform.working_dir': '/work',
  'input.pfs.glob': '/(*)',
  'service.ip': '0.0.0.0',
  'service.health_path': '/health',
  'spout.service.health_path': '/health',
  'input.pfs.repo_type': 'user',
  'input.pfs.join_on': '$1',
  'input.pfs.group_by': '$1',
};

/** Yields every field without fields below it. */
function* leaves(
  field: FieldSchema,
  at: { readonly path: readonly string[]; readonly status: string },
): Generator<Leaf> {
  const { path } = at;
  const own = resolveField(field);
  const said = own['x-status'] ?? 'effective';
  const status = at.status === 'effective' ? said : at.status;
  const isCombination = ['cross', 'union', 'join', 'group', 'atom'].includes(path.at(-1) ?? '');
  const below = own.items === undefined ? own : resolveField(own.items);
  const children = isCombination ? [] : Object.entries(below.properties ?? {});
  if (children.length === 0) {
    yield { path, field: own, status };
  }
  for (const [name, child] of children) {
    const list = own.items === undefined ? [] : ['0'];
    yield* leaves(child, { path: [...path, ...list, name], status });
  }
}

/** Returns a value of the field's type that asks for something. */
function askingValue(field: FieldSchema, path: readonly string[]): Value {
  const known = KNOWN[path.join('.')];
  if (known !== undefined) {
    return known;
  }
  const [type] = [field.type ?? 'string'].flat();
  const { enum: words = [], minimum = 0 } = field as { enum?: readonly string[]; minimum?: number };
  if (words.length > 0) {
    return words.at(-1) ?? '';
  }
  switch (type) {
    case 'boolean':
      return true;
    case 'integer':
      return minimum + 2;
    case 'number':
      return 0.5;
    case 'array':
      return [askingValue(field.items ? resolveField(field.items) : { type: 'string' }, [])];
    case 'object':
      return { some: 'thing' };
    default:
      return TEXTS[String((field as { format?: string }).format)] ?? 'thing';
  }
}

/** Returns the least valid spec with one field set, and what must stand beside that. */
function specWith(leaf: Leaf): string {
  const spec: Record<string, Value> = {
    pipeline: { name: 'p' },
    transform: { image: 'a:1', cmd: ['run'] },
    input: { pfs: { repo: 'data', glob: '/(*)' } },
  };
  const [first, second] = leaf.path;
  if (first === 'inputs') {
    delete spec.input;
    spec.inputs = [{ repo: { name: 'data' }, glob: '/*' }];
  }
  if (first === 'input' && second !== 'pfs') {
    spec.input = {};
  }
  if (second === 'cron' || second === 'git') {
    const required =
      second === 'cron' ? { name: 'c', spec: '@daily' } : { url: KNOWN['input.git.url'] ?? '' };
    spec.input = { [second]: required };
  }
  if (first === 'maximum_expected_uptime') {
    spec.autoscaling = true;
  }
  if (first === 'tolerations') {
    spec.tolerations = [{ operator: 'EXISTS' }];
  }
  if (leaf.path.includes('gpu') && leaf.path.at(-1) === 'type') {
    set(spec, [...leaf.path.slice(0, -1), 'number'], 1);
  }
  if (first === 'spout') {
    delete spec.input;
  }
  if (leaf.path.includes('service')) {
    set(spec, [...leaf.path.slice(0, -1), 'internal_port'], 80);
  }
  set(spec, leaf.path, askingValue(leaf.field, leaf.path));
  return JSON.stringify(spec);
}

function set(target: Record<string, Value>, path: readonly string[], value: Value): void {
  let node = target as Record<string, Value>;
  for (const [index, name] of path.entries()) {
    if (index === path.length - 1) {
      node[name] = value;
      return;
    }
    const isList = path[index + 1] === '0';
    node[name] ??= isList ? [] : {};
    node = node[name] as unknown as Record<string, Value>;
  }
}

const all = [...leaves(SPEC_FIELD, { path: [], status: 'effective' })].filter(
  // Combinations are inputs of inputs; what each of those says is looked at once.
  ({ path }) => !['cross', 'union', 'join', 'group', 'atom'].includes(path[1] ?? ''),
);

it('every field that is not effective is named in a warning, or in an error that says what to do instead', () => {
  assert.ok(all.length > 100, `only ${all.length} fields were looked at`);
  const seen = { effective: 0, kept: 0, not_yet: 0, refused: 0 } as Record<string, number>;
  for (const leaf of all) {
    const name = leaf.path.filter((part) => part !== '0').join('.');
    let said = '';
    let isError = false;
    try {
      said = validate(specWith(leaf), 'spec.json').warnings.join('\n');
    } catch (error) {
      assert.ok(isEngineError(error, 'invalid'), String(error));
      said = error.message;
      isError = true;
    }
    const top = leaf.path[leaf.path[0] === 'input' || leaf.path[0] === 'transform' ? 1 : 0] ?? '';
    if (leaf.status === 'effective') {
      assert.doesNotMatch(
        said,
        /no effect (yet|here|any more)|not yet supported/,
        `${name}: ${said}`,
      );
    } else {
      assert.match(said, new RegExp(`spec\\.json:1.*${top}`), `${name} is named: ${said}`);
      assert.match(said, /no effect|not yet supported|not of the spec/, `${name}: ${said}`);
      assert.equal(isError, leaf.status === 'refused', `${name}: ${said}`);
    }
    if (leaf.status === 'refused') {
      assert.match(said, /; \S.{8,}/, `${name} says what to do instead`);
    }
    seen[leaf.status] = (seen[leaf.status] ?? 0) + 1;
  }
  assert.ok(Math.min(...Object.values(seen)) > 5, JSON.stringify(seen));
});

it('what a spec comes to is a spec itself, and comes to the same', () => {
  // Some fields are wrong alone, whatever their value.
  const specs = all.flatMap((leaf) => {
    try {
      return [validate(specWith(leaf), 'spec.json').spec];
    } catch (error) {
      assert.ok(isEngineError(error, 'invalid'), String(error));
      return [];
    }
  });
  assert.ok(specs.length > 80, `${specs.length}`);
  for (const spec of specs) {
    assert.deepEqual(validate(JSON.stringify(spec), 'again.json').spec, spec);
  }
});

it('every field that is said to be effective is used by more than those who read specs', () => {
  const text = sources('engine').join('\n');
  // Information for readers, and old names of what is used.
  const toldOnly = ['dockerfile', 'enable_stats', 'type', 'standby'];
  const unused = all
    .filter(({ status }) => status === 'effective')
    .map(({ path }) => path.findLast((part) => part !== '0') ?? '')
    .filter((name) => !toldOnly.includes(name) && !new RegExp(`\\b${name}\\b`).test(text));
  assert.deepEqual([...new Set(unused)], []);
});

function sources(folder: string): string[] {
  const readers = ['spec.ts', 'canonical-spec.ts'];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !readers.some((one) => name.endsWith(`/${one}`)))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
}
