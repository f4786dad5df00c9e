// Where a file or commit came from, back to its sources, or what was made from it: as a tree, each row of which leads there.

import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Lineage } from '../../engine/server/wire-lineage.ts';
import { pathOf, place } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Await, Empty } from '../parts/notice.tsx';
import { countText, shortId } from '../parts/numbers.ts';
import { Tabs } from '../parts/tabs.tsx';
import { Ago } from '../parts/time.tsx';
import { Tree } from '../parts/tree.tsx';
import { CommitName } from '../repos/commits-view.tsx';
import { placeOf } from '../repos/files-view.tsx';
import {
  commitPlace,
  type FilePlace,
  filePlace,
  nameOf,
  provenancePlace,
  repoPlace,
  repoText,
  shownPlace,
} from '../repos/places.ts';
import { endsOf, type LineageRow, lineageRows } from './lineage-rows.ts';

type Direction = 'up' | 'down';

export function ProvenanceView({ params }: ViewProps): JSX.Element {
  const at = placeOf(params);
  const direction: Direction = place.value.query.get('direction') === 'down' ? 'down' : 'up';
  const { repo, ref, path } = at;
  const lineage = useLive(`provenance ${repoText(repo)}@${ref}:${path} ${direction}`, (signal) =>
    engine.call('GET /provenance', {
      query: {
        repo: `${repo.project}/${repo.name}`,
        ref,
        path: path === '' ? undefined : `/${path}`,
        direction,
      },
      signal,
    }),
  );
  const crumbs = [
    { text: 'Repos', href: '/repos' },
    { text: repoText(repo), href: repoPlace(repo) },
    { text: ref.length > 20 ? shortId(ref) : ref, href: filePlace({ ...at, path: '' }) },
    ...(path === '' ? [] : [{ text: path, href: filePlace(at) }]),
  ];
  const what =
    path === '' ? `${repoText(repo)}@${ref.length > 20 ? shortId(ref) : ref}` : nameOf(path);
  return (
    <>
      <Head crumbs={crumbs} title={`Provenance of ${what}`} />
      <Tabs
        label="Direction"
        now={direction}
        tabs={[
          { name: 'up', title: 'Where it came from', href: provenancePlace(at) },
          { name: 'down', title: 'What was made from it', href: provenancePlace(at, 'down') },
        ]}
      />
      <Await of={lineage}>
        {(root) => <LineageTree root={root} at={at} direction={direction} />}
      </Await>
    </>
  );
}

function LineageTree({
  root,
  at,
  direction,
}: {
  readonly root: Lineage;
  readonly at: FilePlace;
  readonly direction: Direction;
}): JSX.Element {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => lineageRows(root, toggled), [root, toggled]);
  const ends = useMemo(() => endsOf(root), [root]);
  if (root.next.length === 0 && root.datums.length === 0) {
    return <Nothing root={root} at={at} direction={direction} />;
  }
  const toggle = ({ id }: LineageRow) => {
    const next = new Set(toggled);
    if (!next.delete(id)) {
      next.add(id);
    }
    setToggled(next);
  };
  return (
    <>
      {ends.length > 0 && (
        <p class="ends">
          <strong>
            {direction === 'up'
              ? countText(ends.length, 'source')
              : `${countText(ends.length, 'commit')} at the end`}
          </strong>
          {ends.slice(0, 6).map(({ repo, name, commit }) => (
            <CommitName key={commit + repoText(repo)} repo={repo} branch={name} id={commit} />
          ))}
          {ends.length > 6 && <span class="muted">and {ends.length - 6} more</span>}
        </p>
      )}
      <div class="lineage">
        <Tree label="Provenance" rows={rows} onToggle={toggle}>
          {(row) => <Row row={row} />}
        </Tree>
      </div>
    </>
  );
}

function Row({ row }: { readonly row: LineageRow }): JSX.Element {
  const { kind, node, datum, input } = row;
  const { commit } = node;
  if (kind === 'datum' && datum) {
    return (
      <span class="lineage-row">
        <span class="muted">datum</span>
        <a
          class="mono"
          href={pathOf(
            'jobs',
            commit.repo.project,
            commit.repo.name,
            datum.job,
            'datums',
            datum.id,
          )}
        >
          {datum.id.slice(0, 12)}
        </a>
        <span class="muted">
          read {countText(datum.inputs.length, 'input')}, version {datum.version}
        </span>
      </span>
    );
  }
  if (kind === 'input' && input) {
    return (
      <span class="lineage-row">
        <span class="muted">{input.name}</span>
        <a href={shownPlace(input.repo, input.commit, input.path)}>
          {repoText(input.repo)}
          <span class="mono">:{input.path}</span>
        </a>
      </span>
    );
  }
  if (kind === 'more') {
    return <span class="lineage-row muted">and {countText(node.omitted, 'more datum')}</span>;
  }
  return <CommitRow node={node} />;
}

function CommitRow({ node }: { readonly node: Lineage }): JSX.Element {
  const { commit, paths, repeated } = node;
  const { repo, id, branch, pipeline, description, origin, state } = commit;
  const [path] = paths;
  return (
    <span class="lineage-row">
      <Icon name={pipeline ? 'pipeline' : 'repo'} />
      <a href={commitPlace(repo, id)}>
        <strong>{repoText(repo)}</strong>@{branch} <span class="mono">{shortId(id)}</span>
      </a>
      {path !== undefined && (
        <a class="mono" href={shownPlace(repo, id, path)}>
          {path}
        </a>
      )}
      {paths.length > 1 && <span class="muted">and {paths.length - 1} more</span>}
      <span class="muted">
        {pipeline
          ? `made by ${pipeline.name}, version ${pipeline.version}`
          : origin === 'user'
            ? 'put by a user'
            : 'made by the engine'}
        {state === 'open' ? ', open' : state === 'error' ? ', failed' : ''}
        {description !== '' && `, “${description}”`}
        {repeated && ', as above'}
      </span>
      <span class="muted lineage-time">
        <Ago at={commit.started} />
      </span>
    </span>
  );
}

function Nothing({
  root,
  at,
  direction,
}: {
  readonly root: Lineage;
  readonly at: FilePlace;
  readonly direction: Direction;
}): JSX.Element {
  const { repo, branch, origin } = root.commit;
  if (direction === 'up') {
    return (
      <Empty title={origin === 'user' ? 'It is a source' : 'It was made from nothing'}>
        <p>
          {origin === 'user'
            ? 'Somebody put it: nothing else went into it.'
            : 'The engine made it without reading any data.'}{' '}
          <a href={filePlace(at)}>Look at it</a>, or at{' '}
          <a href={provenancePlace(at, 'down')}>what was made from it</a>.
        </p>
      </Empty>
    );
  }
  return (
    <Empty
      title="Nothing was made from it"
      commands={[
        { says: 'A pipeline over it would', command: 'pfs create-pipeline -f pipeline.json' },
      ]}
    >
      <p>
        No pipeline that reads {repoText(repo)}@{branch} has made anything of it.
      </p>
    </Empty>
  );
}
