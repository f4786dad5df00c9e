// The datums of random inputs over random trees, beside those of a model that tries every combination.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { allDatums, datumChanges, type JobInputs } from '../../../engine/jobs/job-inputs.ts';
import type { CommitRecord } from '../../../engine/journal/records.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import type { Datum } from '../../../engine/pipeline/datum-identity.ts';
import { inputMembers } from '../../../engine/pipeline/input-tree.ts';
import type { PfsInput, PipelineInput } from '../../../engine/pipeline/spec.ts';
import { createRepos, openTestPfs, type Pfs, put } from '../../support/pfs.ts';
import { chosenSeed } from '../../support/seed.ts';
import { collect, pfs as leafOf, pipeline } from '../pipeline/specs.ts';

/** Globs, and what they mean, written without the code under test. */
const GLOBS: readonly (readonly [string, RegExp, captures: number])[] = [
  ['/', /^\/$/, 0],
  ['/*', /^\/[^/]+$/, 0],
  ['/**', /^\/.*$/, 0],
  ['/(*)', /^\/([^/]+)$/, 1],
  ['/(*)/(*)', /^\/([^/]+)\/([^/]+)$/, 2],
  ['/(*)-(*)', /^\/([^/]*)-([^/]*)$/, 2],
  ['/{a,b}/(?)*', /^\/[ab]\/([^/])[^/]*$/, 1],
  ['/@(a|b)/**(x|y)', /^\/(a|b)\/[^/]*((?:x|y)*)$/, 2],
  ['/**/([xy])', /^\/.*\/([xy])$/, 1],
];
const KEYS = ['$1', '$2', `\${1}`, '$1$2', 'k', '$$1'];

interface ModelFile {
  readonly leaf: PfsInput;
  readonly path: string;
  readonly key: string;
  readonly joinOn: string;
  readonly groupBy: string;
}
type ModelRow = readonly ModelFile[];
type Trees = ReadonlyMap<string, ReadonlySet<string>>;

/** All rows of an input, by trying everything. */
function model(input: PipelineInput, trees: Trees): ModelRow[] {
  if ('pfs' in input) {
    return modelLeaf(input.pfs, trees);
  }
  const members = inputMembers(input).map((member) => model(member, trees));
  if ('union' in input) {
    return members.flat();
  }
  if ('group' in input) {
    const files = members.flat(2);
    const keys = new Set(files.map((file) => file.groupBy));
    return [...keys].map((key) => files.filter((file) => file.groupBy === key));
  }
  const all = product(members);
  return 'join' in input ? joined(members, all) : all;
}

function joined(members: readonly ModelRow[][], all: readonly ModelRow[]): ModelRow[] {
  const rows = all.filter((row) => keysOf(row).size === 1);
  const keys = new Set(members.flat().flatMap((row) => [...keysOf(row)]));
  for (const key of keys) {
    const having = members.map((list) =>
      list.filter((row) => keysOf(row).size === 1 && keysOf(row).has(key)),
    );
    if (having.some((list) => list.length === 0)) {
      const staying = having.map((list) => list.filter(stays)).filter((list) => list.length > 0);
      rows.push(...(staying.length === 0 ? [] : product(staying)));
    }
  }
  return [...rows, ...members.flat().filter((row) => keysOf(row).size > 1 && stays(row))];
}

const keysOf = (row: ModelRow) => new Set(row.map((file) => file.joinOn));
const stays = (row: ModelRow) => row.every((file) => file.leaf.outer_join);

function product(members: readonly (readonly ModelRow[])[]): ModelRow[] {
  return members.reduce<ModelRow[]>(
    (rows, list) => rows.flatMap((row) => list.map((more) => [...row, ...more])),
    [[]],
  );
}

function modelLeaf(leaf: PfsInput, trees: Trees): ModelRow[] {
  const [, pattern] = GLOBS.find(([glob]) => glob === leaf.glob) ?? GLOBS[0] ?? [];
  return [...(trees.get(leaf.repo) ?? [])].sort().flatMap((path) => {
    const match = pattern?.exec(path);
    const fill = (text: string) =>
      text
        .replaceAll('$$', '\0')
        .replaceAll(/\$\{?(\d)\}?/g, (_, n: string) => match?.[Number(n)] ?? '')
        .replaceAll('\0', '$');
    const key = `${leaf.name} ${leaf.repo}${path}`;
    return match
      ? [[{ leaf, path, key, joinOn: fill(leaf.join_on), groupBy: fill(leaf.group_by) }]]
      : [];
  });
}

const shown = (datum: Datum) =>
  datum.inputs.map(({ name, repo, path }) => `${name} ${repo}${path}`).join(', ');

class World {
  readonly #random: SeededRandom;
  #names = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random.fraction() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Files of a tree that changes a little from call to call: paths and contents. */
  files(): Record<string, string> {
    const files: Record<string, string> = {};
    for (let count = this.below(9); count > 0; count--) {
      const folders = Array.from({ length: this.below(3) }, () => this.pick(['a', 'b', 'c-d']));
      const name = this.pick(['x', 'y', 'a-1', 'b-1', 'a-2', 'xy']);
      files[[...folders, name].join('/')] = String(this.below(3));
    }
    return files;
  }

  input(depth: number): PipelineInput {
    const kind = depth === 0 ? 'pfs' : this.pick(['pfs', 'cross', 'union', 'join', 'group']);
    if (kind === 'pfs') {
      return leafOf(`n${this.#names++}`, this.#leaf());
    }
    const members = Array.from({ length: 1 + this.below(3) }, () => this.input(depth - 1));
    const [first] = members;
    if (kind === 'union' && first && 'pfs' in first) {
      // One that overlaps: the same files under the same name.
      members.push({ pfs: { ...first.pfs, ...this.#leaf(), repo: first.pfs.repo } });
    }
    return { [kind]: members } as unknown as PipelineInput;
  }

  shuffled(input: PipelineInput): PipelineInput {
    const [kind = ''] = Object.keys(input);
    const members = inputMembers(input).map((member) => this.shuffled(member));
    // Of overlapping members of a union the first decides, so that their order may matter to flags but never to identity.
    for (let i = members.length - 1; i > 0; i--) {
      members.push(...members.splice(this.below(i + 1), 1));
    }
    return 'pfs' in input ? input : ({ [kind]: members } as unknown as PipelineInput);
  }

  #leaf(): Partial<PfsInput> {
    const [glob, , captures] = this.pick(GLOBS);
    const keys = KEYS.filter((key) => captures >= (key.includes('2') ? 2 : /\d/.test(key) ? 1 : 0));
    return {
      repo: this.pick(['p', 'q', 'r']),
      glob,
      join_on: this.pick(keys.length > 0 ? keys : ['k']),
      group_by: this.pick(keys.length > 0 ? keys : ['k']),
      outer_join: this.below(3) === 0,
    };
  }
}

/** All paths of files and directories, and the root where there is any. */
function pathsOf(files: Readonly<Record<string, string>>): Set<string> {
  const paths = new Set<string>();
  for (const file of Object.keys(files)) {
    const names = file.split('/');
    for (let depth = 0; depth <= names.length; depth++) {
      paths.add(`/${names.slice(0, depth).join('/')}`);
    }
  }
  return paths;
}

async function commitsOf(pfs: Pfs): Promise<Map<string, CommitRecord>> {
  const commits = new Map<string, CommitRecord>();
  for (const repo of ['p', 'q', 'r']) {
    const commit = await resolveCommit(pfs.context, `default/${repo}`, 'master');
    commits.set(`default/${repo}@master`, commit);
  }
  return commits;
}

it('random inputs over random trees have the datums that trying every combination finds', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`PFS_SEED=${seed}`);
  const world = new World(seed);
  let found = 0;
  for (let round = 0; round < 12; round++) {
    const pfs = await openTestPfs();
    await createRepos(pfs, 'p', 'q', 'r');
    const versions: { trees: Trees; commits: Map<string, CommitRecord> }[] = [];
    for (let version = 0; version < 2; version++) {
      const trees = new Map<string, Set<string>>();
      for (const repo of ['p', 'q', 'r']) {
        const files = { keep: '1', ...world.files() };
        await replace(pfs, repo, files);
        trees.set(repo, pathsOf(files));
      }
      versions.push({ trees, commits: await commitsOf(pfs) });
    }
    for (let trial = 0; trial < 12; trial++) {
      const input = world.input(3);
      const inputsOf = (commits: Map<string, CommitRecord>, of = input): JobInputs => {
        return { spec: { ...pipeline('p', 'p'), input: of }, salt: 's', commits, missing: [] };
      };
      const [old, now] = versions.map(({ commits }) => inputsOf(commits));
      assert.ok(old && now);
      const datums = await collect(allDatums(pfs.context, now));
      const expected = new Set(
        model(input, versions[1]?.trees ?? new Map()).map((row) =>
          [...new Set(row.map(({ key }) => key))].sort().join(', '),
        ),
      );
      const text = JSON.stringify(input);
      const names = datums.map((datum) => shown(datum).split(', ').sort().join(', '));
      assert.deepEqual(names.sort(), [...expected].sort(), text);
      found += datums.length;

      const ids = (list: readonly Datum[]) => list.map(({ id }) => id).sort();
      const mixed = inputsOf(now.commits as Map<string, CommitRecord>, world.shuffled(input));
      assert.deepEqual(ids(await collect(allDatums(pfs.context, mixed))), ids(datums), text);

      const before = new Set((await collect(allDatums(pfs.context, old))).map(({ hash }) => hash));
      for await (const { kind, datum } of datumChanges(pfs.context, { old, now })) {
        const isNews = kind === 'removed' ? before.delete(datum.hash) : !before.has(datum.hash);
        assert.ok(isNews, `${kind} ${shown(datum)} in ${text}`);
        if (kind === 'added') {
          before.add(datum.hash);
        }
      }
      assert.deepEqual([...before].sort(), datums.map(({ hash }) => hash).sort(), text);
    }
    await pfs.context.journal.close();
  }
  assert.ok(found > 500, `${found} datums were compared`);
});

/** Makes a repo hold these files and no others. */
async function replace(pfs: Pfs, repo: string, files: Record<string, string>): Promise<void> {
  const { deleteFiles } = await import('../../../engine/pfs/change-files.ts');
  const target = { repo: `default/${repo}`, ref: 'master', own: false, description: '' };
  if (pfs.context.journal.state.branches.has(`default/${repo}@master`)) {
    await deleteFiles(pfs.context, pfs.queue, { target, paths: ['/'], request: { actor: 'test' } });
  }
  await put(pfs, repo, files);
}
