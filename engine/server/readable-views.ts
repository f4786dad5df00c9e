// What is left of a view for somebody who may not read all that it leads to: of other repos only ids.

import type { CommitLink, Datum, RepoName } from './wire.ts';
import type { Lineage } from './wire-lineage.ts';
import type { DatumWhy } from './wire-why.ts';

type MayRead = (repo: RepoName) => boolean;

/** Stands for the name of a repo that may not be read. */
const HIDDEN: RepoName = { project: '', name: '' };

/** Returns a datum without the paths of what may not be read. */
export function readableInputs(datum: Datum, mayRead: MayRead): Datum {
  return { ...datum, inputs: datum.inputs.map((input) => hideInput(input, mayRead)) };
}

/** Returns why a datum ran without the paths and contents of what may not be read. */
export function readableWhy(why: DatumWhy, mayRead: MayRead): DatumWhy {
  const { datum, differences, made } = why;
  return {
    ...why,
    datum: readableInputs(datum, mayRead),
    differences: differences.map((one) =>
      one.input === null || mayRead(one.input.repo)
        ? one
        : { ...one, input: hideInput(one.input, mayRead), was: null, is: null, files: [] },
    ),
    made: made && readableWhy(made, mayRead),
  };
}

/** Returns a tree of provenance with nothing but ids of the commits that may not be read. */
export function readableLineage(lineage: Lineage, mayRead: MayRead): Lineage {
  const { commit, datums, next, ...rest } = lineage;
  const shown = {
    datums: datums.map((datum) => ({
      ...datum,
      inputs: datum.inputs.map((input) => hideInput(input, mayRead)),
    })),
    next: next.map((one) => readableLineage(one, mayRead)),
  };
  if (mayRead(commit.repo)) {
    return { ...rest, ...shown, commit: readableProvenance(commit, mayRead) };
  }
  return {
    ...rest,
    ...shown,
    path: null,
    paths: [],
    datums: [],
    commit: {
      ...commit,
      repo: HIDDEN,
      branch: '',
      by: null,
      description: '',
      error: null,
      size: 0,
      files: 0,
      provenance: [],
      pipeline: null,
      image: null,
      git: { commit: null, tree: null },
      job: null,
    },
  };
}

/** Returns a commit or job with nothing but ids of the commits that it was made from and that may not be read. */
export function readableProvenance<V extends { readonly provenance: readonly CommitLink[] }>(
  view: V,
  mayRead: MayRead,
): V {
  if (view.provenance.every(({ repo }) => mayRead(repo))) {
    return view;
  }
  const provenance = view.provenance.map((link) =>
    mayRead(link.repo) ? link : { ...link, repo: HIDDEN, name: '' },
  );
  return { ...view, provenance };
}

function hideInput<I extends { readonly repo: RepoName; readonly path: string }>(
  input: I,
  mayRead: MayRead,
): I {
  return mayRead(input.repo) ? input : { ...input, repo: HIDDEN, path: '' };
}
