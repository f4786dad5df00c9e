import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { SpecContext } from '../../../engine/pipeline/context-rules.ts';
import { checkContext, contextProblems } from '../../../engine/pipeline/context-rules.ts';
import { parseSpecs } from '../../../engine/pipeline/parse-spec.ts';
import { type PipelineSpec, pipelineKey } from '../../../engine/pipeline/spec.ts';
import { problemsError } from '../../../engine/pipeline/spec-document.ts';
import { validateSpec, validateSpecs } from '../../../engine/pipeline/validate-spec.ts';
import { errorOf, parseOne, pipeline, yamlSpec } from './specs.ts';

function world(
  state: { repos?: string[]; pipelines?: PipelineSpec[]; branches?: string[] } = {},
): SpecContext {
  const repos = new Set([
    ...(state.repos ?? ['training', 'data']),
    ...(state.pipelines ?? []).map((spec) => spec.pipeline.name),
  ]);
  return {
    projectExists: (project) => project === 'default',
    repoExists: (project, repo) => project === 'default' && repos.has(repo),
    repoNames: () => repos,
    branchExists: ({ repo, branch }) => (state.branches ?? []).includes(`${repo}@${branch}`),
    followedBy: () => undefined,
    secretKeys: (name) => (name === 'db' ? ['password'] : undefined),
    pipeline: (key) => state.pipelines?.find((spec) => pipelineKey(spec) === key),
    hosted: () => state.pipelines ?? [],
  };
}

/** Checks a spec in a world, and returns the message for each problem, as a user would see it. */
function problems(text: string, context: SpecContext): string[] {
  const document = parseOne(text);
  const { spec, sourcePath } = validateSpec(document, {
    defaultProject: 'default',
    checkGlob: () => 0,
  });
  const found = contextProblems(spec, context).map((problem) => ({
    ...problem,
    path: sourcePath(problem.path),
  }));
  return found.length === 0 ? [] : problemsError(document, found).message.split('\n  ').slice(1);
}

const reads = (...repos: string[]) =>
  yamlSpec({ input: `{cross: [${repos.map((repo) => `{pfs: {repo: ${repo}, glob: /}}`)}]}` });

it('has nothing against a spec whose repos are there', () => {
  assert.deepEqual(problems(reads('training', 'data'), world()), []);
});

it('names a repo that is missing, where it stands, and what was meant', () => {
  assert.deepEqual(problems(yamlSpec({ input: '{atom: {repo: trainng, glob: /}}' }), world()), [
    'spec.yaml:3:22: input.atom.repo: there is no repo "trainng" in project "default"; did you mean "training"?',
  ]);
  assert.deepEqual(problems(reads('data', 'zzz'), world()), [
    'spec.yaml:3:59: input.cross[1].pfs.repo: there is no repo "zzz" in project "default"; create it with `pfs create-repo zzz`',
  ]);
});

it('names a project that is missing', () => {
  const [own] = problems(yamlSpec({ pipeline: '{name: p, project: {name: lab}}' }), world());
  assert.match(own ?? '', /^spec\.yaml:1:37: pipeline\.project\.name: there is no project "lab"/);
  const [input] = problems(yamlSpec({ input: '{pfs: {repo: a, project: lab, glob: /}}' }), world());
  assert.match(input ?? '', /^spec\.yaml:3:33: input\.pfs\.project: there is no project "lab"/);
});

it('refuses the name of a plain repo, but not that of its own output', () => {
  const [taken] = problems(reads('data'), world({ repos: ['data', 'p'] }));
  assert.match(taken ?? '', /^spec\.yaml:1:18: pipeline\.name: there is already a repo "p"/);
  assert.deepEqual(problems(reads('data'), world({ pipelines: [pipeline('p', 'data')] })), []);
});

it('refuses a pipeline that reads its own output, once', () => {
  const found = problems(reads('data', 'p'), world({ pipelines: [pipeline('p', 'data')] }));
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /input\.cross\[1\]\.pfs\.repo: the pipeline would read its own/);
});

it('refuses an update that makes a cycle, and names all of it', () => {
  const pipelines = [pipeline('p', 'data'), pipeline('q', 'p'), pipeline('r', 'q')];
  const [found] = problems(reads('data', 'r'), world({ pipelines }));
  assert.match(
    found ?? '',
    /input\.cross\[1\]\.pfs\.repo: .*\(default\/p → default\/q → default\/r → default\/p\)/,
  );
});

it('refuses a cycle of two', () => {
  const pipelines = [pipeline('p', 'data'), pipeline('q', 'p')];
  const [found, ...others] = problems(reads('q'), world({ pipelines }));
  assert.match(found ?? '', /\(default\/p → default\/q → default\/p\)/);
  assert.deepEqual(others, []);
});

it('refuses a new output branch that is already there for something else', () => {
  const pipelines = [pipeline('p', 'data')];
  const text = `${reads('data')}\noutput_branch: staging`;
  const [found] = problems(text, world({ pipelines, branches: ['p@staging', 'p@master'] }));
  assert.match(found ?? '', /output_branch: the repo "p" already has a branch "staging"/);
  assert.deepEqual(problems(text, world({ pipelines, branches: ['p@master'] })), []);
  assert.deepEqual(problems(reads('data'), world({ pipelines, branches: ['p@master'] })), []);
});

const OPTIONS = { defaultProject: 'default', checkGlob: () => 0 };

/** Specs in one text, each a name and the repo it reads. */
function batch(...pairs: readonly (readonly [string, string])[]) {
  const texts = pairs.map(([name, repo]) =>
    yamlSpec({ pipeline: `{name: ${name}}`, input: `{pfs: {repo: ${repo}, glob: /}}` }),
  );
  return validateSpecs(parseSpecs(texts.join('\n---\n'), { fileName: 'all.yaml' }), OPTIONS);
}

const names = (list: ReturnType<typeof batch>) => list.map(({ spec }) => spec.pipeline.name);

it('lets pipelines of one text read each other, in any order, and sorts them', () => {
  const sorted = checkContext(batch(['c', 'b'], ['b', 'a'], ['a', 'data']), world());
  assert.deepEqual(names(sorted), ['a', 'b', 'c']);
});

it('refuses a cycle among the pipelines of one text', () => {
  const { message, details } = errorOf(() =>
    checkContext(batch(['a', 'c'], ['b', 'a'], ['c', 'b']), world()),
  );
  assert.match(message, /default\/a → default\/b → default\/c → default\/a/);
  assert.deepEqual([details.line, details.field], [3, 'input.pfs.repo']);
});

it('sees that an update within one text undoes a cycle', () => {
  const pipelines = [pipeline('a', 'data'), pipeline('b', 'a')];
  assert.deepEqual(names(checkContext(batch(['a', 'b'], ['b', 'data']), world({ pipelines }))), [
    'b',
    'a',
  ]);
});

it('refuses a name of a plain repo and a missing repo in a text of several, at its line', () => {
  const taken = errorOf(() => checkContext(batch(['a', 'training'], ['data', 'a']), world()));
  assert.match(taken.message, /all\.yaml:6:18: pipeline\.name: there is already a repo "data"/);
  const missing = errorOf(() => checkContext(batch(['aaa', 'data'], ['b', 'aab']), world()));
  assert.match(missing.message, /all\.yaml:8:21: input\.pfs\.repo: .* did you mean "aaa"\?/);
});

it('refuses two descriptions of one pipeline in one text', () => {
  const { message } = errorOf(() => batch(['a', 'data'], ['a', 'training']));
  assert.match(message, /all\.yaml:6:18: pipeline\.name: the pipeline "a" is already .* line 1;/);
});

it("a branch with a trigger is nobody's output, follows nobody in a circle, and has one trigger", () => {
  const follows = (repo: string, rest: string) =>
    yamlSpec({ pipeline: '{name: p}', input: `{pfs: {repo: ${repo}, glob: /, ${rest}}}` });
  const writer = pipeline('model', 'data');
  const own = follows('model', 'branch: master, trigger: {branch: dev, commits: 1}');
  assert.match(
    problems(own, world({ pipelines: [writer] })).join(),
    /input\.pfs\.branch: the pipeline "model" writes the branch "master", so that it cannot follow/,
  );
  const chain: Record<string, string> = { master: 'dev', dev: 'b' };
  const circle = { ...world(), followedBy: ({ branch }: { branch: string }) => chain[branch] };
  assert.match(
    problems(follows('data', 'branch: b, trigger: {commits: 1}'), circle).join(),
    /input\.pfs\.trigger: branches would follow each other in a circle \(b → master → dev → b\)/,
  );
  const two = yamlSpec({
    input:
      '{union: [{pfs: {repo: data, branch: b, glob: /, trigger: {commits: 1}}}, {pfs: {repo: data, branch: b, glob: /*, trigger: {commits: 2}}}]}',
  });
  assert.match(
    problems(two, world()).join(),
    /input\.union\[1\]\.pfs\.trigger: another input has another trigger on the branch "b"/,
  );
  assert.deepEqual(problems(follows('data', 'trigger: {commits: 1}'), world()), []);
});
