import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DatumInput, makeDatum } from '../../../engine/pipeline/datum-identity.ts';
import { datumEnvironment, inputPath } from '../../../engine/pipeline/environment.ts';
import { pipeline } from './specs.ts';

const file = (name: string, path: string, repo = name): DatumInput => ({
  name,
  project: 'default',
  repo,
  branch: 'master',
  path,
  id: '0'.repeat(40),
  mode: '100644',
  size: 1,
  captures: [],
  emptyFiles: false,
  reference: false,
});

function environment(inputs: DatumInput[], env: Record<string, string> = {}) {
  const spec = pipeline('p', 'data');
  const datum = makeDatum(inputs, 's');
  return {
    datum,
    values: datumEnvironment({
      datum,
      jobId: 'j1',
      version: 3,
      specCommit: 's1',
      worker: 'p-v3-0',
      spec: { ...spec, transform: { ...spec.transform, env } },
      commits: new Map([['default/data@master', 'c1']]),
    }),
  };
}

it('has the path and commit of each input, the ids, and the names', () => {
  const { datum, values } = environment([file('data', '/a/b.csv'), file('whole', '/', 'data')]);
  assert.deepEqual(values, {
    data: '/pfs/data/a/b.csv',
    data_COMMIT: 'c1',
    whole: '/pfs/whole',
    whole_COMMIT: 'c1',
    PACH_JOB_ID: 'j1',
    PACH_OUTPUT_COMMIT_ID: 'j1',
    PACH_DATUM_ID: datum.id,
    PACH_IN_WORKER: 'true',
    PACH_NAMESPACE: 'default',
    PPS_PIPELINE_NAME: 'p',
    PPS_PROJECT_NAME: 'default',
    PPS_SPEC_COMMIT: 's1',
    PPS_POD_NAME: 'p-v3-0',
    PFS_JOB_ID: 'j1',
    PFS_OUTPUT_COMMIT_ID: 'j1',
    PFS_DATUM_ID: datum.id,
    PFS_PIPELINE_NAME: 'p',
    PFS_PIPELINE_VERSION: '3',
    PFS_PROJECT_NAME: 'default',
  });
});

it('lets transform.env win over inputs, and the engine over both', () => {
  const { values } = environment([file('data', '/x')], { data: 'mine', PFS_JOB_ID: 'y', A: 'b' });
  assert.equal(values.data, 'mine');
  assert.equal(values.PFS_JOB_ID, 'j1');
  assert.equal(values.A, 'b');
});

it('has a second name, for shells, of an input whose name they cannot use', () => {
  const { values } = environment([file('my-data.v2', '/x'), file('2nd', '/y')]);
  assert.equal(values['my-data.v2'], '/pfs/my-data.v2/x');
  assert.equal(values.my_data_v2, '/pfs/my-data.v2/x');
  assert.equal(values._2nd, '/pfs/2nd/y');
});

it('does not let that second name hide another input', () => {
  const { values } = environment([file('a-b', '/dash'), file('a_b', '/underscore')]);
  assert.equal(values.a_b, '/pfs/a_b/underscore');
  const clash = environment([file('a.b', '/dot'), file('a-b', '/dash')]).values;
  assert.equal(clash.a_b, '/pfs/a-b/dash');
});

it('never lets an input take the search path', () => {
  const { values } = environment([file('PATH', '/x', 'data')]);
  assert.equal(values.PATH, undefined);
  assert.equal(values.PATH_COMMIT, 'c1');
});

it('inputPath() is the directory itself for the whole repo', () => {
  assert.equal(inputPath({ name: 'a', path: '/' }), '/pfs/a');
  assert.equal(inputPath({ name: 'a', path: '/b/c' }), '/pfs/a/b/c');
});

it('has the keys of a join and a group, also under a name for shells', () => {
  const joined = { ...file('my-data', '/a', 'data'), joinOn: 'a b' };
  const { values } = environment([joined, { ...file('other', '/c'), groupBy: '' }]);
  assert.equal(values['PACH_DATUM_my-data_JOIN_ON'], 'a b');
  assert.equal(values.PACH_DATUM_my_data_JOIN_ON, 'a b');
  assert.equal(values['PACH_DATUM_my-data_GROUP_BY'], undefined);
  assert.equal(values.PACH_DATUM_other_GROUP_BY, '');
  assert.equal(values['my-data'], '/pfs/my-data/a');
});

it('an input of a group is its directory, however many files it has', () => {
  const grouped = (path: string) => ({ ...file('data', path), groupBy: 'k' });
  assert.equal(environment([grouped('/a'), grouped('/b/c')]).values.data, '/pfs/data');
  assert.equal(environment([grouped('/a')]).values.data, '/pfs/data');
  assert.equal(environment([grouped('/a')]).values.data_COMMIT, 'c1');
});
