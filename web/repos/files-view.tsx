// What stands at a path of a commit: a directory or a file.

import type { JSX } from 'preact';
import { refParams } from '../../client/params.ts';
import type { RepoName } from '../../engine/server/wire.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Await, Empty } from '../parts/notice.tsx';
import { DirectoryView } from './directory-view.tsx';
import { FileView } from './file-view.tsx';
import { type FilePlace, repoOf, repoText, trimPath } from './places.ts';
import { defaultRef, isOfRepo, RepoFrame, type RepoRefs } from './repo-frame.tsx';
import { UploadPanel } from './upload-panel.tsx';

/** The files of the branch that a repo shows where none is named. */
export function RepoView({ params }: ViewProps): JSX.Element {
  const name = repoOf(params);
  return (
    <RepoFrame name={name} tab="files">
      {(refs) => {
        const ref = defaultRef(refs.branches);
        return ref === undefined ? (
          <NoFiles refs={refs} />
        ) : (
          <AtPath refs={refs} at={{ repo: name, ref, path: '' }} />
        );
      }}
    </RepoFrame>
  );
}

/** The files at a path of a branch, tag or commit. */
export function FilesView({ params }: ViewProps): JSX.Element {
  const at = placeOf(params);
  return (
    <RepoFrame name={at.repo} tab="files" at={at.ref}>
      {(refs) => <AtPath refs={refs} at={at} />}
    </RepoFrame>
  );
}

/** Reads the place that the path of a view names. */
export function placeOf(params: ViewProps['params']): FilePlace {
  return { repo: repoOf(params), ref: params.ref ?? '', path: trimPath(params['*'] ?? '') };
}

function AtPath({ refs, at }: { readonly refs: RepoRefs; readonly at: FilePlace }): JSX.Element {
  const { repo, ref, path } = at;
  const found = useLive(
    `file ${repoText(repo)}@${ref}:${path}`,
    async (signal) =>
      path === ''
        ? null
        : await engine.call('GET /repos/{project}/{repo}/files/{ref}/inspect', {
            params: refParams(repo, ref),
            query: { path: `/${path}` },
            signal,
          }),
    isOfRepo(repo),
  );
  return (
    <Await of={found}>
      {(file) =>
        file === null || file.type === 'dir' ? (
          <DirectoryView refs={refs} at={at} />
        ) : (
          <FileView refs={refs} at={at} file={file} />
        )
      }
    </Await>
  );
}

function NoFiles({ refs }: { readonly refs: RepoRefs }): JSX.Element {
  const { repo } = refs;
  return (
    <>
      {!repo.output && <UploadPanel at={{ repo, ref: 'master', path: '' }} isOpen />}
      <Empty title="No commits yet" commands={commandsFor(repo, repo.output)}>
        <p>
          {repo.output
            ? 'The pipeline that makes this repo has not finished a job yet.'
            : 'Drop files or folders onto this page to put them into the branch master as one commit, or put them from a terminal:'}
        </p>
      </Empty>
    </>
  );
}

function commandsFor(repo: RepoName, isOutput: boolean) {
  return isOutput
    ? [{ says: 'See what its jobs do', command: `pfs list-job -p ${repoText(repo)}` }]
    : [
        { says: 'Put a file', command: `pfs put-file ${repoText(repo)}@master -f data.csv` },
        { says: 'Put a folder', command: `pfs put-file -r ${repoText(repo)}@master -f folder` },
      ];
}
