// All repos: how large they are, their branches, and which a pipeline makes.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Repo } from '../../engine/server/wire.ts';
import { pathOf, place, projectOf, setQuery } from '../app/router.ts';
import { useRepos } from '../data/collection.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { FirstSteps } from '../parts/first-steps.tsx';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Await } from '../parts/notice.tsx';
import { sizeText } from '../parts/numbers.ts';
import { Ago } from '../parts/time.tsx';
import { NewRepo } from './new-repo.tsx';
import { repoPlace, repoText } from './places.ts';

/** The list of repos. */
export function ReposView(): JSX.Element {
  const project = projectOf();
  const repos = useRepos(project);
  const [isMaking, setMaking] = useState(false);
  const text = place.value.query.get('q') ?? '';
  const kind = place.value.query.get('kind') ?? '';
  return (
    <>
      <Head title="Repos">
        <button type="button" class="primary" onClick={() => setMaking(true)}>
          New repo
        </button>
      </Head>
      {isMaking && <NewRepo project={project} onClose={() => setMaking(false)} />}
      <Await of={repos}>
        {(all) =>
          all.length === 0 ? (
            <FirstSteps title="No repos yet" />
          ) : (
            <>
              <search class="filters">
                <input
                  type="search"
                  aria-label="Search repos"
                  placeholder="Search by name or description"
                  value={text}
                  onInput={(event) => setQuery({ q: event.currentTarget.value })}
                />
                <select
                  aria-label="Kind"
                  value={kind}
                  onChange={(event) => setQuery({ kind: event.currentTarget.value })}
                >
                  <option value="">All repos</option>
                  <option value="input">Written by people</option>
                  <option value="output">Made by pipelines</option>
                </select>
              </search>
              <RepoTable repos={all.filter((repo) => fits(repo, { text, kind }))} />
            </>
          )
        }
      </Await>
    </>
  );
}

function RepoTable({ repos }: { readonly repos: readonly Repo[] }): JSX.Element {
  if (repos.length === 0) {
    return <p class="muted">No repo fits.</p>;
  }
  return <DataTable label="Repos" columns={COLUMNS} items={repos} keyOf={repoText} />;
}

const COLUMNS: readonly Column<Repo>[] = [
  {
    title: 'Name',
    cell: (repo) => (
      <>
        <a href={repoPlace(repo)}>{repoText(repo)}</a>
        {repo.description !== '' && <span class="muted beside">{repo.description}</span>}
      </>
    ),
  },
  { title: 'Size', width: '100px', isNumber: true, cell: ({ size }) => sizeText(size) },
  {
    title: 'Branches',
    width: '190px',
    from: 'medium',
    cell: ({ branches }) => <span title={branches.join(', ')}>{branchesText(branches)}</span>,
  },
  {
    title: 'Made by',
    width: '190px',
    from: 'medium',
    cell: (repo) =>
      repo.output && (
        <a href={pathOf('pipelines', repo.project, repo.name)}>
          <Icon name="pipeline" /> {repo.name}
        </a>
      ),
  },
  { title: 'Created', width: '120px', from: 'wide', cell: (repo) => <Ago at={repo.created} /> },
];

function branchesText(branches: readonly string[]): string {
  const [first = '–', second] = branches;
  return branches.length > 2
    ? `${first} and ${branches.length - 1} more`
    : [first, second].filter(Boolean).join(', ');
}

function fits(
  repo: Repo,
  { text, kind }: { readonly text: string; readonly kind: string },
): boolean {
  const words = `${repo.project}/${repo.name} ${repo.description}`.toLowerCase();
  return (
    words.includes(text.trim().toLowerCase()) &&
    (kind === '' || (kind === 'output') === repo.output)
  );
}
