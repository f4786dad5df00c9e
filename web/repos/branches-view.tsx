// The branches and tags of a repo.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { repoParams } from '../../client/params.ts';
import type { Branch } from '../../engine/server/wire.ts';
import type { Tag } from '../../engine/server/wire-versions.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty } from '../parts/notice.tsx';
import { shortId } from '../parts/numbers.ts';
import { Ago } from '../parts/time.tsx';
import { FormDialog } from './form-dialog.tsx';
import { commitPlace, diffPlace, filePlace, repoOf, repoText } from './places.ts';
import { defaultRef, RepoFrame, type RepoRefs } from './repo-frame.tsx';

export function BranchesView({ params }: ViewProps): JSX.Element {
  return (
    <RepoFrame name={repoOf(params)} tab="branches">
      {(refs) => <Names refs={refs} />}
    </RepoFrame>
  );
}

function Names({ refs }: { readonly refs: RepoRefs }): JSX.Element {
  const { repo, branches, tags } = refs;
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <div class="bar">
        <h2 class="grow">Branches</h2>
        <button type="button" onClick={() => setMaking(true)}>
          New branch
        </button>
      </div>
      {isMaking && <NewBranch refs={refs} onClose={() => setMaking(false)} />}
      {branches.length === 0 ? (
        <Empty
          title="No branches yet"
          commands={[
            {
              says: 'The first put makes one',
              command: `pfs put-file ${repoText(repo)}@master -f data.csv`,
            },
          ]}
        />
      ) : (
        <DataTable
          label="Branches"
          columns={branchColumns(refs)}
          items={branches}
          keyOf={({ name }) => name}
        />
      )}
      {tags.length > 0 && (
        <>
          <h2 class="section">Tags</h2>
          <DataTable label="Tags" columns={TAGS} items={tags} keyOf={({ name }) => name} />
        </>
      )}
    </>
  );
}

function branchColumns({ repo, branches }: RepoRefs): readonly Column<Branch>[] {
  const main = defaultRef(branches);
  return [
    {
      title: 'Name',
      cell: ({ name }) => (
        <a class="file-name" href={filePlace({ repo, ref: name, path: '' })}>
          <Icon name="branch" />
          {name}
        </a>
      ),
    },
    {
      title: 'Head',
      width: '120px',
      cell: ({ head }) =>
        head === null ? (
          <span class="muted">empty</span>
        ) : (
          <a class="mono" href={commitPlace(repo, head)}>
            {shortId(head)}
          </a>
        ),
    },
    {
      title: 'Follows',
      width: '220px',
      from: 'wide',
      cell: ({ trigger, provenance }) =>
        trigger
          ? `branch ${trigger.branch}`
          : provenance.map((from) => `${repoText(from.repo)}@${from.name}`).join(', '),
    },
    {
      title: 'Compare',
      width: '150px',
      from: 'medium',
      cell: ({ name }) =>
        name !== main &&
        main !== undefined && <a href={diffPlace(repo, { old: main, now: name })}>with {main}</a>,
    },
    { title: 'Created', width: '120px', from: 'wide', cell: ({ created }) => <Ago at={created} /> },
  ];
}

const TAGS: readonly Column<Tag>[] = [
  {
    title: 'Name',
    cell: ({ repo, name, description }) => (
      <>
        <a href={filePlace({ repo, ref: name, path: '' })}>{name}</a>
        {description !== '' && <span class="muted beside">{description}</span>}
      </>
    ),
  },
  {
    title: 'Commit',
    width: '120px',
    cell: ({ repo, commit }) => (
      <a class="mono" href={commitPlace(repo, commit)}>
        {shortId(commit)}
      </a>
    ),
  },
  { title: 'Created', width: '120px', from: 'medium', cell: ({ created }) => <Ago at={created} /> },
];

function NewBranch({
  refs,
  onClose,
}: {
  readonly refs: RepoRefs;
  readonly onClose: () => void;
}): JSX.Element {
  const { repo, branches, tags } = refs;
  const [name, setName] = useState('');
  const [head, setHead] = useState('');
  return (
    <FormDialog
      title="New branch"
      action="Make branch"
      isReady={name.trim() !== ''}
      work={() =>
        engine.call('PUT /repos/{project}/{repo}/branches/{branch}', {
          params: { ...repoParams(repo), branch: name },
          body: head === '' ? {} : { head },
        })
      }
      onClose={onClose}
    >
      <label>
        Name
        <input
          autofocus
          required
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label>
        Begins at
        <select value={head} onChange={(event) => setHead(event.currentTarget.value)}>
          <option value="">nothing: it is empty</option>
          {[...branches, ...tags].map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
    </FormDialog>
  );
}
