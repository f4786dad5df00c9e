// The commit that a branch has open: what is put goes into it until somebody finishes it.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { refParams } from '../../client/params.ts';
import type { Commit, RepoName } from '../../engine/server/wire.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Note } from '../parts/notice.tsx';
import { shortId } from '../parts/numbers.ts';
import { Ago } from '../parts/time.tsx';
import { FormDialog } from './form-dialog.tsx';
import { commitPlace, repoText } from './places.ts';
import { isOfRepo, type RepoRefs } from './repo-frame.tsx';

/** Says so where the head of the branch is open. */
export function OpenCommit({
  refs,
  branch,
}: {
  readonly refs: RepoRefs;
  readonly branch: string;
}): JSX.Element | null {
  const { repo } = refs;
  const head = refs.branches.find(({ name }) => name === branch)?.head ?? null;
  const { value: commit } = useLive(
    `head ${repoText(repo)}@${head}`,
    async (signal) =>
      head === null
        ? null
        : await engine.call('GET /repos/{project}/{repo}/commits/{ref}', {
            params: refParams(repo, head),
            signal,
          }),
    isOfRepo(repo),
  );
  if (commit?.state !== 'open') {
    return null;
  }
  return (
    <Note tone="warn">
      <a href={commitPlace(repo, commit.id)}>Commit {shortId(commit.id)}</a> has been open since{' '}
      <Ago at={commit.started} />
      {commit.origin === 'user' ? (
        <>
          : what is put into {branch} goes into it, and pipelines see it once it is finished.{' '}
          <FinishCommit repo={repo} commit={commit} />
        </>
      ) : (
        ': its job is still running.'
      )}
    </Note>
  );
}

/** A button that finishes an open commit, with a message. */
export function FinishCommit({
  repo,
  commit,
}: {
  readonly repo: RepoName;
  readonly commit: Commit;
}): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const [description, setDescription] = useState(commit.description);
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        Finish it
      </button>
      {isAsking && (
        <FormDialog
          title="Finish the commit"
          action="Finish"
          work={() =>
            engine.call('POST /repos/{project}/{repo}/commits/{ref}/finish', {
              params: refParams(repo, commit.id),
              body: { description },
            })
          }
          onClose={() => setAsking(false)}
        >
          <label>
            Message
            <input
              autofocus
              value={description}
              onInput={(event) => setDescription(event.currentTarget.value)}
            />
          </label>
        </FormDialog>
      )}
    </>
  );
}
