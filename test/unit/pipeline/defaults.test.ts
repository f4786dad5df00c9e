import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readDefaults } from '../../../engine/pipeline/defaults.ts';
import { mergePatch } from '../../../engine/pipeline/merge-patch.ts';
import { validateSpec } from '../../../engine/pipeline/validate-spec.ts';
import { errorOf, parseOne, yamlSpec } from './specs.ts';

const checkGlob = () => 0;

function defaults(text: string) {
  return readDefaults(text, { fileName: 'defaults.json', checkGlob });
}

function on(layers: readonly string[], rest: string, parts: Parameters<typeof yamlSpec>[0] = {}) {
  const asked: string[] = [];
  const defaultsOf = (project: string) => {
    asked.push(project);
    return layers.map(defaults);
  };
  const options = { defaultProject: 'default', checkGlob, defaultsOf };
  return { ...validateSpec(parseOne(yamlSpec({ ...parts, rest })), options), asked };
}

it('the examples of RFC 7396 come out as it says', () => {
  const cases: readonly (readonly [unknown, unknown, unknown])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of cases) {
    assert.deepEqual(mergePatch(target, patch), result);
  }
});

it('a spec stands on the defaults of its project, and these on those of the cluster', () => {
  const cluster =
    '{"datumTries": 5, "transform": {"env": {"A": "1", "B": "1"}}, "resource_limits": {"memory": "1Gi"}}';
  const project = '{"transform": {"env": {"B": "2"}}, "resource_limits": null, "jobTimeout": "1h"}';
  const { spec, asked } = on([cluster, project], 'datum_tries: 2', {
    pipeline: '{name: p, project: {name: team}}',
  });
  assert.deepEqual(asked, ['team']);
  assert.deepEqual(
    [spec.datum_tries, spec.job_timeout, spec.transform.env, spec.resource_limits],
    [2, '1h', { A: '1', B: '2' }, undefined],
  );
});

it('null in a spec erases a default, and what is built in comes back', () => {
  const layers = ['{"datum_tries": 5, "transform": {"env": {"A": "1"}, "user": "nobody"}}'];
  const { spec } = on(layers, 'datumTries: null', {
    transform: '{image: "a:1", cmd: [run], user: null, env: {A: null}}',
  });
  assert.deepEqual([spec.datum_tries, spec.transform.user, spec.transform.env], [3, undefined, {}]);
});

it('a field by its old name stands in the way of a default by its new one', () => {
  assert.equal(on(['{"autoscaling": false}'], 'standby: true').spec.autoscaling, true);
});

it('what is wrong in a spec because of defaults says so; what is odd in them warns nobody', () => {
  const layers = [
    '{"resource_limits": {"memory": "1Gi"}, "tolerations": [{"operator": "EXISTS"}]}',
  ];
  const fine = on(layers, '');
  assert.deepEqual(fine.warnings, []);
  const error = errorOf(() =>
    on(['{"maximum_expected_uptime": "1h", "autoscaling": true}'], 'autoscaling: false'),
  );
  assert.match(
    error.message,
    /maximum_expected_uptime: needs autoscaling.*it comes from the defaults/,
  );
});

it('an image may come from the defaults', () => {
  const { spec } = on(['{"transform": {"image": "python:3.12"}}'], '', {
    transform: '{cmd: [run]}',
  });
  assert.equal(spec.transform.image, 'python:3.12');
});

it('defaults may stand within createPipelineRequest, and every error names its place', () => {
  assert.deepEqual(defaults('{"createPipelineRequest": {"datumTries": "4"}}'), { datum_tries: 4 });
  assert.deepEqual(defaults('{}'), {});
  const wrong = errorOf(() =>
    defaults(
      '{\n"createPipelineRequest": {\n"datumTrys": 4,\n"jobTimeout": "soon",\n"pipeline": {"name": "p"}}}',
    ),
  );
  assert.match(wrong.message, /Cannot use the defaults "defaults.json": 3 things are wrong/);
  assert.match(
    wrong.message,
    /defaults.json:3:\d+: createPipelineRequest.datumTrys: .*datum_tries/,
  );
  assert.match(
    wrong.message,
    /defaults.json:4:\d+: createPipelineRequest.jobTimeout: "soon" is no duration/,
  );
  assert.match(
    wrong.message,
    /defaults.json:5:\d+: createPipelineRequest.pipeline: is what each pipeline says/,
  );
  assert.match(errorOf(() => defaults('{} {}')).message, /they are one document/);
  assert.match(errorOf(() => defaults('[[]]')).message, /Cannot use the defaults/);
});
