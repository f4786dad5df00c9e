// How the paths of the API name things: their values by what things are called elsewhere.

import type { RepoName } from '../engine/server/wire.ts';

export interface RepoParams {
  readonly project: string;
  readonly repo: string;
}

export interface RefParams extends RepoParams {
  /** A branch, a tag or a commit. */
  readonly ref: string;
}

export interface PipelineParams {
  readonly project: string;
  readonly pipeline: string;
}

export interface JobParams extends PipelineParams {
  readonly id: string;
}

export function repoParams({ project, name }: RepoName): RepoParams {
  return { project, repo: name };
}

export function refParams({ project, name }: RepoName, ref: string): RefParams {
  return { project, repo: name, ref };
}

export function pipelineParams({ project, name }: RepoName): PipelineParams {
  return { project, pipeline: name };
}

export function jobParams({ project, name }: RepoName, id: string): JobParams {
  return { project, pipeline: name, id };
}
