// One commit: what it is, what it was made from, and which files it changed.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { refParams, repoParams } from '../../client/params.ts';
import type { Commit, RepoName } from '../../engine/server/wire.ts';
import { pathOf } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Facts } from '../parts/head.tsx';
import { Await, Note } from '../parts/notice.tsx';
import { countText, shortId, sizeText } from '../parts/numbers.ts';
import { State } from '../parts/state.tsx';
import { Ago, exactTime, Span } from '../parts/time.tsx';
import { Changes } from './changes.tsx';
import { CommitName, titleOf } from './commits-view.tsx';
import { FormDialog } from './form-dialog.tsx';
import { FinishCommit } from './open-commit.tsx';
import { commitPlace, diffPlace, filePlace, provenancePlace, repoOf } from './places.ts';
import { isOfRepo, RepoFrame, type RepoRefs } from './repo-frame.tsx';

export function CommitView({ params }: ViewProps): JSX.Element {
  const name = repoOf(params);
  const ref = params.commit ?? '';
  const commit = useLive(
    `commit ${name.project}/${name.name}@${ref}`,
    (signal) =>
      engine.call('GET /repos/{project}/{repo}/commits/{ref}', {
        params: refParams(name, ref),
        signal,
      }),
    isOfRepo(name),
  );
  return (
    <RepoFrame name={name} tab="commits" at={ref}>
      {(refs) => <Await of={commit}>{(loaded) => <One refs={refs} commit={loaded} />}</Await>}
    </RepoFrame>
  );
}

function One({ refs, commit }: { readonly refs: RepoRefs; readonly commit: Commit }): JSX.Element {
  const { repo, id, state, origin } = commit;
  const isOpen = state === 'open';
  const canFinish = isOpen && origin === 'user';
  const canMove = !isOpen && !refs.repo.output;
  return (
    <>
      <div class="title-line">
        <h2>{titleOf(commit)}</h2>
        <State state={state} />
      </div>
      <div class="bar">
        <a class="button" href={filePlace({ repo, ref: id, path: '' })}>
          Browse files
        </a>
        <a class="button" href={provenancePlace({ repo, ref: id, path: '' })}>
          Provenance
        </a>
        {!isOpen && (
          <a class="button" href={diffPlace(repo, { old: commit.parent ?? undefined, now: id })}>
            Compare
          </a>
        )}
        {canFinish && <FinishCommit repo={repo} commit={commit} />}
        {canMove && <MoveBranch refs={refs} commit={commit} />}
        {!isOpen && <NewTag repo={repo} commit={commit} />}
      </div>
      {commit.error !== null && <Note tone="bad">{commit.error}</Note>}
      <CommitFacts commit={commit} />
      <h2 class="section">Changed files</h2>
      {canFinish || !isOpen ? (
        <Changes repo={repo} now={id} />
      ) : (
        <p class="muted">They are shown once the job that makes this commit has ended.</p>
      )}
    </>
  );
}

function CommitFacts({ commit }: { readonly commit: Commit }): JSX.Element {
  const { repo, id, branch, parent, merged, started, finished, pipeline, job, provenance } = commit;
  return (
    <Facts
      facts={[
        [
          'Commit',
          <>
            <span class="mono">{id}</span> <CopyButton text={id} what="the id" />
          </>,
        ],
        ['Branch', <a href={filePlace({ repo, ref: branch, path: '' })}>{branch}</a>],
        parent !== null && ['Parent', <a href={commitPlace(repo, parent)}>{shortId(parent)}</a>],
        merged !== null && ['Merged', <a href={commitPlace(repo, merged)}>{shortId(merged)}</a>],
        ['Origin', commit.origin === 'user' ? 'put by a user' : 'made by the engine'],
        [
          'Started',
          <span title={exactTime(started)}>
            <Ago at={started} />
          </span>,
        ],
        finished !== null && ['Took', <Span from={started} to={finished} />],
        commit.state !== 'open' && [
          'Size',
          `${sizeText(commit.size)} in ${countText(commit.files, 'file')}`,
        ],
        pipeline && [
          'Pipeline',
          <a href={pathOf('pipelines', pipeline.project, pipeline.name)}>
            {pipeline.name}, version {pipeline.version}
          </a>,
        ],
        pipeline && [
          'Job',
          <a href={pathOf('jobs', pipeline.project, pipeline.name, id)}>
            {job ? job.state : shortId(id)}
          </a>,
        ],
        commit.image && ['Image', <span class="mono">{commit.image.reference}</span>],
        ['Commit set', <a href={`/?set=${id}`}>{shortId(id)} in the graph</a>],
        provenance.length > 0 && [
          'Made from',
          <ul class="links">
            {provenance.map(({ repo: from, name, commit: of }) => (
              <li key={`${from.project}/${from.name}@${of}`}>
                <CommitName repo={from} branch={name} id={of} />
              </li>
            ))}
          </ul>,
        ],
        commit.git.commit !== null && [
          'Git commit',
          <span class="mono">{commit.git.commit.slice(0, 12)}</span>,
        ],
      ]}
    />
  );
}

/** Moves a branch to this commit, as one goes back to an earlier release. */
function MoveBranch({ refs, commit }: { readonly refs: RepoRefs; readonly commit: Commit }) {
  const [isAsking, setAsking] = useState(false);
  const [branch, setBranch] = useState(commit.branch);
  const others = refs.branches.filter(({ head }) => head !== commit.id);
  const { repo } = commit;
  const chosen = others.some(({ name }) => name === branch) ? branch : (others[0]?.name ?? '');
  if (others.length === 0) {
    return null;
  }
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        Move a branch here…
      </button>
      {isAsking && (
        <FormDialog
          title={`Move a branch to ${shortId(commit.id)}`}
          action={`Move ${chosen}`}
          work={() =>
            engine.call('PUT /repos/{project}/{repo}/branches/{branch}', {
              params: { ...repoParams(repo), branch: chosen },
              body: { head: commit.id },
            })
          }
          onClose={() => setAsking(false)}
        >
          <label>
            Branch
            <select value={chosen} onChange={(event) => setBranch(event.currentTarget.value)}>
              {others.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <p>
            The branch then shows the files of this commit, and pipelines that read it run on them.
            No commit is lost: those after it stay, and the branch can be moved to them again.
          </p>
        </FormDialog>
      )}
    </>
  );
}

function NewTag({ repo, commit }: { readonly repo: RepoName; readonly commit: Commit }) {
  const [isAsking, setAsking] = useState(false);
  const [name, setName] = useState('');
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        Tag…
      </button>
      {isAsking && (
        <FormDialog
          title={`Tag ${shortId(commit.id)}`}
          action="Make tag"
          isReady={name.trim() !== ''}
          work={() =>
            engine.call('PUT /repos/{project}/{repo}/tags/{tag}', {
              params: { ...repoParams(repo), tag: name },
              body: { head: commit.id },
            })
          }
          onClose={() => setAsking(false)}
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
        </FormDialog>
      )}
    </>
  );
}
