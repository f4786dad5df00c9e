// From records to what travels: only this and the files beside it whose names begin with `view-` know both.

import { pipelineActor } from '../auth/asker.ts';
import type { JobDatum } from '../jobs/datum-list.ts';
import type { ResultInput } from '../jobs/datum-result.ts';
import type { Lineage as LineageRecord } from '../jobs/lineage.ts';
import type { PlannedDatum as PreviewedDatum } from '../jobs/preview.ts';
import {
  type BranchRecord,
  branchKey,
  type CommitRecord,
  commitKey,
  type ImageRecord,
  type JobRecord,
  jobKey,
  type ProvenanceLink,
  type RepoRecord,
  type TagRecord,
  type TriggerRecord,
} from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type FileInfo, isDirectory, isLink, shownPath } from '../pfs/files.ts';
import { splitRepoKey } from '../pfs/names.ts';
import type { Branch, Commit, CommitLink, Datum, File, Image, Job, Repo } from './wire.ts';
import type { Lineage } from './wire-lineage.ts';
import type { PlannedDatum } from './wire-previews.ts';
import type { Trigger } from './wire-triggers.ts';
import type { Tag } from './wire-versions.ts';

/** ISO 8601 in UTC. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** ISO 8601 in UTC, of a time that may not have come yet. */
export function isoOrNull(time: number | null): string | null {
  return time === null ? null : isoTime(time);
}

export function viewRepo(context: PfsContext, repo: RepoRecord): Repo {
  const { state } = context.journal;
  const branches = [...state.branches.keysBy('repo', repo.key)].flatMap(
    (key) => state.branches.get(key) ?? [],
  );
  const head = state.branches.get(branchKey(repo.key, 'master'))?.head;
  return {
    ...splitRepoKey(repo.key),
    type: repo.kind,
    description: repo.description,
    created: isoTime(repo.created),
    size: head ? (state.commits.get(`${repo.key}@${head}`)?.size ?? 0) : 0,
    branches: branches.map((branch) => branch.name),
    output: state.pipelines.has(repo.key),
    keep: repo.keep ?? null,
  };
}

export function viewBranch(branch: BranchRecord): Branch {
  return {
    repo: splitRepoKey(branch.repo),
    name: branch.name,
    head: branch.head,
    provenance: branch.provenance
      .filter((source) => !source.repo.endsWith('.spec'))
      .map((source) => ({ repo: splitRepoKey(source.repo), name: source.branch })),
    created: isoTime(branch.created),
    trigger: viewTrigger(branch.trigger),
  };
}

function viewTrigger(trigger: TriggerRecord | undefined): Trigger | null {
  if (trigger === undefined) {
    return null;
  }
  const { ticked: _, ...shown } = trigger;
  return shown;
}

export function viewTag(tag: TagRecord): Tag {
  const { name, commit, description } = tag;
  return {
    repo: splitRepoKey(tag.repo),
    name,
    commit,
    description,
    created: isoTime(tag.created),
  };
}

export function viewCommit(context: PfsContext, commit: CommitRecord): Commit {
  const { state } = context.journal;
  const job = state.jobs.get(jobKey(commit.repo, commit.id));
  const type = commit.repo.endsWith('.spec')
    ? 'spec'
    : commit.repo.endsWith('.meta')
      ? 'meta'
      : 'user';
  return {
    repo: splitRepoKey(commit.repo),
    type,
    id: commit.id,
    branch: commit.branch,
    parent: commit.parent,
    merged: commit.merged ?? null,
    origin: commit.origin,
    by: commit.by ?? (commit.pipeline ? pipelineActor(commit.pipeline.name) : null),
    description: commit.description,
    state: commit.finished === null ? 'open' : commit.error === null ? 'finished' : 'error',
    error: commit.error,
    started: isoTime(commit.started),
    finished: isoOrNull(commit.finished),
    size: commit.size,
    files: commit.files,
    provenance: commit.provenance.filter((link) => !link.repo.endsWith('.spec')).map(viewLink),
    pipeline:
      commit.pipeline && type === 'user'
        ? { ...splitRepoKey(commit.pipeline.name), version: commit.pipeline.version }
        : null,
    image: viewImage(commit.image),
    git: { commit: commit.git, tree: commit.finished === null ? null : commit.tree },
    job: job ? { state: job.state, datums: job.datums } : null,
  };
}

function viewLink(link: ProvenanceLink): CommitLink {
  return { repo: splitRepoKey(link.repo), name: link.branch, commit: link.commit };
}

export function viewImage(image: ImageRecord | null): Image | null {
  return image && { reference: image.reference, digest: image.digest };
}

export function viewFile(file: FileInfo): File {
  return {
    path: shownPath(file),
    type: isDirectory(file) ? 'dir' : isLink(file) ? 'link' : 'file',
    size: file.size,
    files: file.files,
    executable: file.mode === '100755',
    id: file.id,
  };
}

/** Returns why a job is as it is; of one that has not ended, what keeps its pipeline from running it. */
export function reasonOf(context: PfsContext, job: JobRecord): string {
  const pipeline = context.journal.state.pipelines.get(job.pipeline);
  const isHeldUp =
    job.finished === null && pipeline?.state === 'crashing' && !isServed(context, job);
  return job.reason || (isHeldUp ? pipeline.reason : '');
}

/** Returns whether a job is that of a service, and goes on only because its inputs are served. */
export function isServed({ journal }: PfsContext, job: JobRecord): boolean {
  const { pipelines, commits } = journal.state;
  const isOpen = commits.get(commitKey(job.pipeline, job.id))?.finished === null;
  return job.finished === null && !isOpen && Boolean(pipelines.get(job.pipeline)?.spec.service);
}

/**
 * `output` is the job's output commit, where it is known: it has the provenance. `waitsFor` is what its workers wait for,
 * where none of them is at work because of that.
 */
export function viewJob(
  context: PfsContext,
  job: JobRecord,
  { output, waitsFor = '' }: { output?: CommitRecord | undefined; waitsFor?: string } = {},
): Job {
  const { project, name } = splitRepoKey(job.pipeline);
  return {
    project,
    pipeline: name,
    id: job.id,
    version: job.version,
    state: job.state,
    reason: reasonOf(context, job) || waitsFor,
    waits: waitsFor !== '',
    created: isoTime(job.created),
    started: isoOrNull(job.started),
    finished: isoOrNull(job.finished),
    restarts: job.restarts,
    retries: job.retries ?? null,
    datums: job.datums,
    stats: job.stats,
    image: viewImage(job.image),
    provenance: (output?.provenance ?? [])
      .filter((link) => !link.repo.endsWith('.spec'))
      .map(viewLink),
    outputBranch: output?.branch ?? '',
  };
}

export function viewInput(input: ResultInput): Datum['inputs'][number] {
  const { name, project, repo, branch, commit, path, size } = input;
  return { name, repo: { project, name: repo }, branch, commit, path, size };
}

export function viewDatum(job: Pick<JobRecord, 'id'>, one: JobDatum): Datum {
  const { datum, state, result, inputs } = one;
  const failed = state === 'failed' || state === 'recovered';
  return {
    id: datum.id,
    hash: datum.hash,
    job: job.id,
    state,
    producedBy: result?.job ?? null,
    inputs: inputs.map(viewInput),
    reason: failed ? (result?.reason ?? '') : '',
    exitCode: result?.exitCode ?? null,
    tries: result?.tries ?? 0,
    started: result ? isoTime(result.started) : null,
    stats: result?.stats ?? null,
    version: result?.version ?? null,
    image: viewImage(result?.image ?? null),
    ...(result?.secrets ? { secrets: result.secrets } : {}),
  };
}

export function viewPlannedDatum(pipeline: string, planned: PreviewedDatum): PlannedDatum {
  const { datum, inputs, isDone } = planned;
  return {
    pipeline,
    id: datum.id,
    state: isDone ? 'skipped' : 'waiting',
    inputs: inputs.map(viewInput),
  };
}

export function viewLineage(context: PfsContext, node: LineageRecord): Lineage {
  return {
    commit: viewCommit(context, node.commit),
    path: node.paths?.length === 1 ? `/${node.paths[0]}` : null,
    paths: (node.paths ?? []).map((path) => `/${path}`),
    datums: node.datums.map((datum) => ({
      id: datum.id,
      job: datum.job,
      version: datum.version,
      image: viewImage(datum.image),
      ...(datum.secrets ? { secrets: datum.secrets } : {}),
      inputs: datum.inputs.map(({ name, project, repo, commit, path }) => ({
        name,
        repo: { project, name: repo },
        commit,
        path,
      })),
    })),
    omitted: node.omitted,
    repeated: node.isRepeated,
    next: node.next.map((next) => viewLineage(context, next)),
  };
}
