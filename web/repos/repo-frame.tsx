// What is around every view of a repo: its name, what it is, and the ways to its parts.

import type { ComponentChildren, JSX } from 'preact';
import { repoParams } from '../../client/params.ts';
import type { Branch, Repo, RepoName } from '../../engine/server/wire.ts';
import type { Tag } from '../../engine/server/wire-versions.ts';
import { pathOf } from '../app/router.ts';
import { engine } from '../data/api.ts';
import type { Change } from '../data/live.ts';
import { useLive } from '../data/use-live.ts';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Await } from '../parts/notice.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { filePlace, repoPlace, repoText } from './places.ts';

/** A repo with the names of its commits. */
export interface RepoRefs {
  readonly repo: Repo;
  readonly branches: readonly Branch[];
  readonly tags: readonly Tag[];
}

export type RepoTab = 'files' | 'commits' | 'branches';

/** Returns whether a change is of a repo. */
export function isOfRepo({ project, name }: RepoName): (change: Change) => boolean {
  const key = `${project}/${name}`;
  return ({ repos, branches }) =>
    repos.includes(key) || branches.some((branch) => branch.startsWith(`${key}@`));
}

/** Draws the frame, and in it what `children` make of the repo. `at` is the ref that is looked at. */
export function RepoFrame({
  name,
  tab,
  at,
  children,
}: {
  readonly name: RepoName;
  readonly tab?: RepoTab;
  readonly at?: string | undefined;
  readonly children: (refs: RepoRefs) => ComponentChildren;
}): JSX.Element {
  const loaded = useLive(
    `repo ${repoText(name)}`,
    async (signal): Promise<RepoRefs> => {
      const params = repoParams(name);
      const [repo, branches, tags] = await Promise.all([
        engine.call('GET /repos/{project}/{repo}', { params, signal }),
        engine.all('GET /repos/{project}/{repo}/branches', { params, signal }),
        engine.all('GET /repos/{project}/{repo}/tags', { params, signal }),
      ]);
      return { repo, branches, tags };
    },
    isOfRepo(name),
  );
  return (
    <>
      <Head
        crumbs={[{ text: 'Repos', href: '/repos' }]}
        title={repoText(name)}
        beside={loaded.value && <About repo={loaded.value.repo} />}
      />
      <Await of={loaded}>
        {(refs) => (
          <>
            <Tabs label="Parts of the repo" tabs={tabsOf(refs, at)} now={tab ?? ''} />
            {children(refs)}
          </>
        )}
      </Await>
    </>
  );
}

function About({ repo }: { readonly repo: Repo }): JSX.Element {
  return (
    <>
      {repo.output && (
        <span class="muted">
          <Icon name="pipeline" /> made by{' '}
          <a href={pathOf('pipelines', repo.project, repo.name)}>pipeline {repo.name}</a>
        </span>
      )}
      {repo.description !== '' && <span class="muted">{repo.description}</span>}
    </>
  );
}

function tabsOf({ repo, branches, tags }: RepoRefs, at: string | undefined) {
  const ref = at ?? defaultRef(branches);
  return [
    {
      name: 'files',
      title: 'Files',
      href: ref === undefined ? repoPlace(repo) : filePlace({ repo, ref, path: '' }),
    },
    { name: 'commits', title: 'Commits', href: repoPlace(repo, 'commits') },
    {
      name: 'branches',
      title: 'Branches and tags',
      href: repoPlace(repo, 'branches'),
      count: branches.length + tags.length,
    },
  ];
}

/** The branch that is shown where none is named: `master`, or the first. */
export function defaultRef(branches: readonly Branch[]): string | undefined {
  return (branches.find(({ name }) => name === 'master') ?? branches[0])?.name;
}
