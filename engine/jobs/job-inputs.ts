// The datums of a job: what its inputs match, and what that is compared with the job before.

import type { CommitRecord, JobRecord } from '../journal/records.ts';
import { commitKey } from '../journal/records.ts';
import { findCommit, getCommit } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type FileEntry, globFiles, shownPath } from '../pfs/files.ts';
import { compileGlob } from '../pfs/glob.ts';
import { diffGlob } from '../pfs/glob-diff.ts';
import { IdSet } from '../pfs/id-set.ts';
import { shortRepo } from '../pfs/names.ts';
import { TooManyChanges } from '../pipeline/changed-rows.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { canTellChanges, changedDatums, datums, type Match } from '../pipeline/datums.ts';
import { inputBranch } from '../pipeline/environment.ts';
import { inputMembers, leafOf, pfsInputs } from '../pipeline/input-tree.ts';
import type { PfsInput, PipelineInput, PipelineSpec } from '../pipeline/spec.ts';
import { readSpecCommit } from './spec-repo.ts';

/** More changes of one input than are held at once. */
const MAX_CHANGES = 10_000;

/** Everything that decides which datums a job has. */
export interface JobInputs {
  readonly spec: PipelineSpec;
  readonly salt: string;
  /** The commit read from each branch, by `inputBranch`. */
  readonly commits: ReadonlyMap<string, CommitRecord>;
  /** What the job reads and was deleted meanwhile, as users write it: where there is any, its datums can't be told. */
  readonly missing: readonly string[];
}

/** Loads the inputs of a job from its output commit's provenance and the spec of its version. */
export async function loadJobInputs(
  context: PfsContext,
  job: Pick<JobRecord, 'pipeline' | 'id' | 'salt' | 'specCommit'>,
): Promise<JobInputs> {
  const { spec } = await readSpecCommit(context, job.pipeline, job.specCommit);
  const output = await getCommit(context, job.pipeline, job.id);
  const commits = new Map<string, CommitRecord>();
  const missing: string[] = [];
  for (const { repo, branch, commit } of output.provenance) {
    const found = context.journal.state.repos.has(repo)
      ? await findCommit(context, repo, commit)
      : undefined;
    if (found) {
      commits.set(commitKey(repo, branch), found);
    } else {
      missing.push(`${shortRepo(repo)}@${commit}`);
    }
  }
  return { spec, salt: job.salt, commits, missing };
}

/** Yields the datums of a job, each once. */
export async function* allDatums(context: PfsContext, inputs: JobInputs): AsyncGenerator<Datum> {
  const leaves = simpleLeaves(inputs.spec.input);
  const matches = (input: PfsInput) =>
    matchesOf(context, { input, tree: treeOf(inputs, input), taken: takenBefore(input, leaves) });
  const isUnique = leaves !== undefined || isDisjoint(inputs.spec.input);
  const seen = new IdSet();
  for await (const datum of datums(inputs.spec.input, { matches, salt: inputs.salt })) {
    if (isUnique || seen.addHex(short(datum.id))) {
      yield datum;
    }
  }
}

/** A datum that the job before did not have, or has no more. A changed one is both. */
export interface DatumChange {
  readonly kind: 'added' | 'removed';
  readonly datum: Datum;
}

/**
 * Yields how the datums of a job differ from those of an earlier one; everything is new where there is none. Costs one
 * comparison where no input has another tree, and else what changed; for joins and groups also one look at every file. Where
 * these nest, where unions overlap, or where very much changed, it costs one look at every datum.
 */
export async function* datumChanges(
  context: PfsContext,
  jobs: { readonly old: JobInputs | undefined; readonly now: JobInputs },
): AsyncGenerator<DatumChange> {
  const { old, now } = jobs;
  if (old === undefined) {
    for await (const datum of allDatums(context, now)) {
      yield { kind: 'added', datum };
    }
    return;
  }
  const { input } = now.spec;
  const sameInput =
    old.salt === now.salt && JSON.stringify(old.spec.input) === JSON.stringify(input);
  if (!sameInput) {
    yield* comparedChanges(context, old, now);
    return;
  }
  if (pfsInputs(input).every((leaf) => treeOf(old, leaf) === treeOf(now, leaf))) {
    return;
  }
  const leaves = simpleLeaves(input);
  if (leaves) {
    for (const leaf of leaves) {
      yield* leafChanges(context, { old, now, leaf, taken: takenBefore(leaf, leaves) });
    }
  } else if (canTellChanges(input) && isDisjoint(input)) {
    yield* combinedChanges(context, old, now);
  } else {
    yield* comparedChanges(context, old, now);
  }
}

/** Works out the changes of combinations from those of their files, unless there are too many of these. */
async function* combinedChanges(
  context: PfsContext,
  old: JobInputs,
  now: JobInputs,
): AsyncGenerator<DatumChange> {
  const all: Taken = () => false;
  const matches = {
    old: (input: PfsInput) => matchesOf(context, { input, tree: treeOf(old, input), taken: all }),
    now: (input: PfsInput) => matchesOf(context, { input, tree: treeOf(now, input), taken: all }),
    changes: async (input: PfsInput) => {
      const found = { removed: [] as Match[], added: [] as Match[] };
      const trees = { old: treeOf(old, input), new: treeOf(now, input) };
      for await (const { kind, match } of diffGlob(
        context.objects,
        trees,
        compileGlob(input.glob),
      )) {
        found[kind].push(await toMatch(context, match));
        if (found[kind].length > MAX_CHANGES) {
          throw new TooManyChanges();
        }
      }
      return found;
    },
  };
  try {
    yield* changedDatums(now.spec.input, { matches, salt: now.salt });
  } catch (error) {
    if (!(error instanceof TooManyChanges)) {
      throw error;
    }
    yield* comparedChanges(context, old, now);
  }
}

async function* leafChanges(
  context: PfsContext,
  jobs: {
    readonly old: JobInputs;
    readonly now: JobInputs;
    readonly leaf: PfsInput;
    readonly taken: Taken;
  },
): AsyncGenerator<DatumChange> {
  const { old, now, leaf, taken } = jobs;
  const trees = { old: treeOf(old, leaf), new: treeOf(now, leaf) };
  for await (const { kind, match } of diffGlob(context.objects, trees, compileGlob(leaf.glob))) {
    if (taken(`/${match.path}`)) {
      continue;
    }
    const found = [await toMatch(context, match)];
    for await (const datum of datums({ pfs: leaf }, { matches: () => found, salt: now.salt })) {
      yield { kind, datum };
    }
  }
}

async function* comparedChanges(
  context: PfsContext,
  old: JobInputs,
  now: JobInputs,
): AsyncGenerator<DatumChange> {
  // 20 bytes of each datum's hash and a number: that is all that grows with how many there are.
  const before = new IdSet();
  for await (const datum of allDatums(context, old)) {
    before.addHex(short(datum.hash));
  }
  const kept = new IdSet();
  for await (const datum of allDatums(context, now)) {
    const hash = short(datum.hash);
    if (before.hasHex(hash)) {
      kept.addHex(hash);
    } else {
      yield { kind: 'added', datum };
    }
  }
  if (kept.size < before.size) {
    for await (const datum of allDatums(context, old)) {
      if (!kept.hasHex(short(datum.hash))) {
        yield { kind: 'removed', datum };
      }
    }
  }
}

/** Returns as much of a hash as a set of ids holds: no two of any number of datums share that. */
function short(hash: string): string {
  return hash.slice(0, 40);
}

async function* matchesOf(
  context: PfsContext,
  from: { readonly input: PfsInput; readonly tree: string | null; readonly taken: Taken },
): AsyncGenerator<Match> {
  const { input, tree, taken } = from;
  for await (const match of globFiles(context.objects, tree, { glob: compileGlob(input.glob) })) {
    if (!taken(`/${match.path}`)) {
      yield await toMatch(context, match);
    }
  }
}

/** Says whether the datum of a path is one that an earlier member of a union has made. */
type Taken = (path: string) => boolean;

/** Where members of a union read one branch under one name, the first that matches a path makes its datum. */
function takenBefore(input: PfsInput, leaves: readonly PfsInput[] | undefined): Taken {
  const earlier = (leaves?.slice(0, leaves.indexOf(input)) ?? [])
    .filter((leaf) => placeOf(leaf) === placeOf(input))
    .map((leaf) => compileGlob(leaf.glob));
  return (path) => earlier.some((glob) => glob.match(path) !== undefined);
}

async function toMatch(
  context: PfsContext,
  match: FileEntry & { readonly captures: readonly string[] },
): Promise<Match> {
  const { id, mode, captures } = match;
  const { size } = await context.objects.stat(id);
  const path = shownPath(match).replace(/(.)\/$/, '$1');
  return { path, id, mode, size, captures };
}

function treeOf(inputs: JobInputs, input: PfsInput): string | null {
  return inputs.commits.get(inputBranch(input))?.tree ?? null;
}

/** Returns the inputs of a tree that has nothing but inputs and unions of them; undefined for any other. */
function simpleLeaves(input: PipelineInput): PfsInput[] | undefined {
  const leaf = leafOf(input);
  if (leaf !== undefined) {
    return [leaf];
  }
  if (!('union' in input)) {
    return undefined;
  }
  const members = inputMembers(input).map(simpleLeaves);
  return members.every((member) => member !== undefined) ? members.flat() : undefined;
}

/** Returns whether no datum can come twice: members of a union clash only where they read one branch under one name. */
function isDisjoint(input: PipelineInput): boolean {
  const members = inputMembers(input);
  if (!members.every(isDisjoint)) {
    return false;
  }
  const places = 'union' in input ? members.flatMap((one) => [...placesOf(one)]) : [];
  return new Set(places).size === places.length;
}

function placesOf(input: PipelineInput): Set<string> {
  return new Set(pfsInputs(input).map(placeOf));
}

function placeOf(leaf: PfsInput): string {
  return `${leaf.name} ${inputBranch(leaf)}`;
}
