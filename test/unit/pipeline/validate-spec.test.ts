import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { parseSpecs } from '../../../engine/pipeline/parse-spec.ts';
import { validateSpec } from '../../../engine/pipeline/validate-spec.ts';
import { errorOf, IRIS, pfs, validate, yamlSpec } from './specs.ts';

describe('a spec that is right', () => {
  it('may be the one of the field, with atom and a trailing comma', () => {
    const { spec, warnings } = validate(IRIS, 'iris.json');
    assert.deepEqual(warnings, []);
    assert.deepEqual(spec, {
      pipeline: { name: 'model', project: { name: 'default' } },
      description: '',
      transform: {
        image: 'pachyderm/iris-train:python-svm',
        cmd: ['python3', '/code/pytrain.py'],
        env: {},
        accept_return_code: [],
        debug: false,
        memory_volume: false,
        datum_batching: false,
      },
      input: pfs('training', { glob: '/' }),
      parallelism_spec: { constant: 1 },
      datum_tries: 3,
      reprocess_spec: 'until_success',
      output_branch: 'master',
      autoscaling: false,
      s3_out: false,
    });
  });

  it('gives the same in YAML, in camelCase, with numbers as text and with nulls', () => {
    const snake = validate(
      yamlSpec({ rest: 'datum_tries: 5\nparallelism_spec: {constant: 2}\ndatum_timeout: 1h30m' }),
    );
    const camel = validate(
      `{"pipeline": {"name": "p"}, "transform": {"image": "a:1", "cmd": ["run"], "acceptReturnCode": null},
        "input": {"pfs": {"repo": "data", "glob": "*", "outerJoin": false}}, "datumTries": "5",
        "parallelismSpec": {"constant": "2"}, "datumTimeout": "1h30m", "jobTimeout": null}`,
      'spec.json',
    );
    assert.deepEqual(camel.spec, snake.spec);
    assert.equal(snake.spec.input && 'pfs' in snake.spec.input && snake.spec.input.pfs.glob, '/*');
  });

  it('keeps the names of variables and labels as they are', () => {
    const { spec } = validate(
      yamlSpec({
        transform: '{image: "a:1", env: {inputName: "1", a_b: "2"}}',
        rest: 'metadata: {labels: {ownerTeam: x}}',
      }),
    );
    assert.deepEqual(spec.transform.env, { inputName: '1', a_b: '2' });
    assert.deepEqual(spec.metadata?.labels, { ownerTeam: 'x' });
  });

  it('takes its project, and that of its inputs, from the pipeline or the default', () => {
    const { spec } = validate(
      yamlSpec({
        pipeline: '{name: p, project: {name: lab}}',
        input: '{cross: [{pfs: {repo: a, glob: /}}, {pfs: {repo: b, glob: /, project: other}}]}',
      }),
    );
    assert.equal(spec.pipeline.project.name, 'lab');
    assert.deepEqual(spec.input, {
      cross: [pfs('a', { glob: '/', project: 'lab' }), pfs('b', { glob: '/', project: 'other' })],
    });
  });

  it('gives the same again when its canonical form is validated', () => {
    const { spec } = validate(IRIS, 'iris.json');
    assert.deepEqual(validate(JSON.stringify(spec), 'again.json').spec, spec);
    const spout = validate('pipeline: {name: p}\ntransform: {image: "a:1"}\nspout: {}').spec;
    assert.deepEqual(validate(JSON.stringify(spout), 'again.json').spec, spout);
  });

  it('may nest unions and crosses, and members of a union may share a name', () => {
    const leaf = (name: string) => `{pfs: {repo: ${name}, glob: /}}`;
    const { spec } = validate(
      yamlSpec({
        input: `{cross: [{union: [${leaf('a')}, ${leaf('a')}]}, {union: [${leaf('b')}, {cross: [${leaf('c')}, ${leaf('d')}]}]}]}`,
      }),
    );
    assert.deepEqual(Object.keys(spec.input), ['cross']);
  });

  it('reads amounts of CPUs and GPUs in both forms', () => {
    const { spec } = validate(
      yamlSpec({ rest: 'resource_limits: {cpu: 500m, memory: 1Gi, gpu: 2}' }),
    );
    assert.deepEqual(spec.resource_limits, { cpu: 0.5, memory: '1Gi', gpu: { number: 2 } });
  });
});

it('a service and a spout have their defaults, and a warning for what only datums have', () => {
  const { spec, warnings } = validate(
    yamlSpec({ rest: 'service: {internal_port: 80, type: NodePort}\ndatum_tries: 2' }),
  );
  const address = { external_port: 0, ip: '127.0.0.1' };
  const times = { ready_timeout: '60s', drain_timeout: '30s' };
  assert.deepEqual(spec.service, { internal_port: 80, ...address, ...times, type: 'NodePort' });
  assert.match(warnings.join('\n'), /service\.type: only matters on Kubernetes/);
  assert.match(warnings.join('\n'), /datum_tries: has no effect in a service/);
  const spout = validate(
    'pipeline: {name: p}\ntransform: {image: "a:1"}\nspout: {service: {internalPort: 80}, marker: at}',
  );
  const service = { internal_port: 80, ...address, ...times };
  assert.deepEqual(spout.spec.spout, { marker: 'at', service });
  assert.deepEqual(spout.spec.input, { union: [] });
});

describe('a spec of an older version', () => {
  const old = (inputs: string, rest = '') =>
    `pipeline: {name: p}\ntransform: {image: "a:1"}\ninputs: ${inputs}\n${rest}`;

  it('may list inputs, which are crossed', () => {
    const { spec } = validate(
      old('[{repo: {name: a}, glob: /}, {name: x, repo: {name: b}, branch: dev, glob: "*"}]'),
    );
    assert.deepEqual(spec.input, {
      cross: [pfs('a', { glob: '/' }), pfs('b', { name: 'x', branch: 'dev' })],
    });
    assert.ok(!('inputs' in spec));
  });

  it('may list one input, which stands alone', () => {
    assert.deepEqual(
      validate(old('[{repo: {name: a}, glob: /}]')).spec.input,
      pfs('a', { glob: '/' }),
    );
  });

  it('points at the old field from a path of the canonical form', () => {
    const many = validate(old('[{repo: {name: a}, glob: /}, {repo: {name: b}, glob: /}]'));
    assert.deepEqual(many.sourcePath(['input', 'cross', 1, 'pfs', 'repo']), [
      'inputs',
      1,
      'repo',
      'name',
    ]);
    const one = validate(old('[{repo: {name: a}, glob: /}]'));
    assert.deepEqual(one.sourcePath(['input', 'pfs', 'glob']), ['inputs', 0, 'glob']);
    const atom = validate(yamlSpec({ input: '{cross: [{atom: {repo: a, glob: /}}]}' }));
    assert.deepEqual(atom.sourcePath(['input', 'cross', 0, 'pfs', 'repo']), [
      'input',
      'cross',
      0,
      'atom',
      'repo',
    ]);
    const camel = validate(yamlSpec({ rest: 'outputBranch: x' }));
    assert.deepEqual(camel.sourcePath(['output_branch']), ['outputBranch']);
  });

  it('has its chunk_spec, resource_spec and standby translated, and the rest warned about', () => {
    const { spec, warnings } = validate(
      yamlSpec({
        rest: 'chunk_spec: {number: 7}\nresource_spec: {gpu: 1}\nstandby: true\ncache_size: 64M\nenable_stats: true',
      }),
    );
    assert.deepEqual(spec.datum_set_spec, { number: 7 });
    assert.deepEqual(spec.resource_requests, { gpu: { number: 1 } });
    assert.equal(spec.autoscaling, true);
    assert.deepEqual(warnings, [
      'spec.yaml:4: chunk_spec: belongs to older versions, and has no effect any more',
      'spec.yaml:7: cache_size: belongs to older versions, and has no effect any more',
    ]);
    assert.ok(!('cache_size' in spec || 'chunk_spec' in spec || 'standby' in spec));
  });
});

describe('warnings', () => {
  const cases: readonly (readonly [string, Parameters<typeof yamlSpec>[0], RegExp, number])[] = [
    [
      'scheduling',
      { rest: 'scheduling_spec: {node_selector: {a: b}}' },
      /^scheduling_spec: only matters on Kubernetes/,
      4,
    ],
    [
      'tolerations',
      { rest: 'tolerations: [{operator: EXISTS}]' },
      /^tolerations: only matters on Kubernetes/,
      4,
    ],
    ['pod patches', { rest: "pod_patch: '[]'" }, /^pod_patch: only matters/, 4],
    [
      'disk requests',
      { rest: 'resource_requests: {cpu: 1, disk: 1G}' },
      /^resource_requests\.disk: only matters/,
      4,
    ],
    [
      'a key outside a join',
      { input: '{pfs: {repo: a, glob: /(*), join_on: $1}}' },
      /^input\.pfs\.join_on: has no effect outside a join; put the input into one/,
      3,
    ],
    [
      'a key outside a group',
      { input: '{cross: [{pfs: {repo: a, glob: /(*), group_by: $1}}]}' },
      /^input\.cross\[0\]\.pfs\.group_by: has no effect outside a group/,
      3,
    ],
    [
      'outer_join outside a join',
      { input: '{pfs: {repo: a, glob: /, outer_join: true}}' },
      /^input\.pfs\.outer_join: has no effect outside a join/,
      3,
    ],
    [
      'a moving tag',
      { transform: '{image: "a:latest"}' },
      /^transform\.image: "a:latest" names no fixed version/,
      2,
    ],
    [
      'no tag',
      { transform: '{image: "host:5000/a"}' },
      /^transform\.image: "host:5000\/a" names no fixed version/,
      2,
    ],
    [
      'a coefficient',
      { rest: 'parallelism_spec: {coefficient: 2}' },
      /^parallelism_spec\.coefficient: counts nodes/,
      4,
    ],
  ];
  for (const [name, parts, message, line] of cases) {
    it(`name ${name}`, () => {
      const { warnings } = validate(yamlSpec(parts));
      assert.equal(warnings.length, 1, warnings.join('\n'));
      const [prefix, text] = (warnings[0] ?? '').split(/(?<=^spec\.yaml:\d+): /);
      assert.equal(prefix, `spec.yaml:${line}`);
      assert.match(text ?? '', message);
    });
  }

  it('stay away where a field asks for what happens anyway', () => {
    const { warnings } = validate(
      yamlSpec({
        transform:
          '{image: "a@sha256:00", secrets: [], memory_volume: false, datum_batching: false}',
        input: '{pfs: {repo: a, glob: /, lazy: false, s3: false, join_on: "", commit: ""}}',
        rest: 's3_out: false\nupdate: false\nreprocess: false\nsalt: ""\nscheduling_spec: {}\ntolerations: []',
      }),
    );
    assert.deepEqual(warnings, []);
  });
});

interface WrongSpec {
  readonly name: string;
  readonly pipeline?: string;
  readonly transform?: string;
  readonly input?: string;
  readonly rest?: string;
  readonly field: string;
  readonly says: string;
  readonly line?: number;
}

const PART_LINES = { pipeline: 1, transform: 2, input: 3, rest: 4 };

describe('a spec that is wrong', () => {
  const cases = parse(
    readFileSync(new URL('./wrong-specs.yaml', import.meta.url), 'utf8'),
  ) as readonly WrongSpec[];

  it('has a table of cases', () => assert.ok(cases.length > 70));

  for (const { name, field, says, line, ...parts } of cases) {
    it(`is refused for ${name}, with file, line, field and remedy`, () => {
      const error = errorOf(() => validate(yamlSpec(parts), 'my.yaml'));
      const lines = error.message.split('\n');
      assert.equal(lines.length, 2, error.message);
      assert.match(lines[0] ?? '', /^Cannot use the pipeline spec "my\.yaml": one thing is wrong/);
      const expectedLine = line ?? PART_LINES[Object.keys(parts)[0] as keyof typeof parts];
      const place = `my.yaml:${expectedLine}:${error.details.column}: ${field}: `;
      assert.equal((lines[1] ?? '').trim().slice(0, place.length), place);
      assert.match(lines[1] ?? '', new RegExp(says));
      assert.equal(error.details.line, expectedLine);
      assert.equal(error.details.file, 'my.yaml');
      assert.equal(error.details.field, field);
    });
  }

  it('is refused with all that is wrong at once, in the order of the text', () => {
    const text = `{
  "pipeline": {"name": "-x"},
  "transform": {
    "imagee": "a",
    "cmd": "b"
  },
  "input": {"cross": [
    {"pfs": {"repo": "a", "glob": "[x"}},
    {"pfs": {"repo": "a", "glob": 5}}
  ]},
  "datum_tries": -1
}`;
    const error = errorOf(() => validate(text, 'x.json'));
    const places = [...error.message.matchAll(/x\.json:(\d+):(\d+): (\S+):/g)].map((m) =>
      m.slice(1, 4).join(' '),
    );
    assert.deepEqual(places, [
      '2 24 pipeline.name',
      '3 16 transform.image',
      '4 5 transform.imagee',
      '5 12 transform.cmd',
      '8 35 input.cross[0].pfs.glob',
      '9 22 input.cross[1].pfs.repo',
      '9 35 input.cross[1].pfs.glob',
      '11 18 datum_tries',
    ]);
    assert.deepEqual(error.details, {
      file: 'x.json',
      line: 2,
      column: 24,
      field: 'pipeline.name',
    });
  });

  it('is refused when it is no object, or lacks everything', () => {
    assert.match(errorOf(() => validate('[1]')).message, /spec: expected an object, got 1/);
    const { message } = errorOf(() => validate('{}'));
    for (const field of ['pipeline', 'transform', 'input']) {
      assert.match(message, new RegExp(`${field}: is missing`));
    }
  });

  it('is refused at its own line in a file of several', () => {
    const documents = parseSpecs(`${yamlSpec()}\n---\n${yamlSpec({ rest: 'foo: 1' })}`, {
      fileName: 'two.yaml',
    });
    const options = { defaultProject: 'default', checkGlob: () => 0 };
    const [first, second] = documents;
    assert.ok(first && second);
    validateSpec(first, options);
    assert.equal(errorOf(() => validateSpec(second, options)).details.line, 9);
  });

  it('is refused, and nothing worse, for values of any wrong type at any place', () => {
    const values = [null, 1, -1.5, '', 'x', true, [], [1], [[]], {}, { a: 1 }, [{}], { name: {} }];
    const good = {
      pipeline: { name: 'p', project: { name: 'x' } },
      transform: { image: 'a:1', cmd: ['a'], env: { A: 'b' }, stdin: ['x'], user: 'u' },
      input: {
        cross: [{ pfs: { repo: 'a', glob: '/' } }, { union: [{ atom: { repo: 'b', glob: '/' } }] }],
      },
      inputs: [{ repo: { name: 'x' }, glob: '/' }],
      resource_limits: { cpu: 1, gpu: { number: 1 } },
      parallelism_spec: { constant: 1 },
    };
    const { inputs: _inputs, ...current } = good;
    let tried = 0;
    const at = (node: unknown, replace: (value: unknown) => unknown): void => {
      for (const value of values) {
        const text = JSON.stringify(replace(value));
        tried += 1;
        try {
          validate(text, 'x.json');
        } catch (error) {
          assert.match(String(error), /^EngineError: Cannot (use|read) the pipeline spec/, text);
        }
      }
      if (typeof node === 'object' && node !== null) {
        for (const [key, child] of Object.entries(node)) {
          at(child, (value) => {
            const copy: unknown = structuredClone(node);
            (copy as Record<string, unknown>)[key] = value;
            return replace(copy);
          });
        }
      }
    };
    at(good, (value) => value);
    at(current, (value) => value);
    assert.ok(tried > 300);
  });
});
