// Projects: namespaces of repos and pipelines. Using one makes it; making one gives it a description, and lets it be empty.

import { EngineError } from '../base/errors.ts';
import type { ProjectRecord, RepoKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { type Change, makeChange } from './change.ts';
import type { PfsContext, Request } from './context.ts';
import { checkName, DEFAULT_PROJECT, splitRepoKey } from './names.ts';

/** A project as it is now, made or only used. */
export interface Project {
  readonly name: string;
  readonly description: string;
  /** Null for the default project of an empty store. */
  readonly created: number | null;
  /** Repos that no pipeline writes. */
  readonly repos: readonly RepoKey[];
  /** Keys of pipelines. */
  readonly pipelines: readonly RepoKey[];
}

/** Returns all projects in the order of their names; the default one is always there. */
export function listProjects(state: State): Project[] {
  const names = new Set([DEFAULT_PROJECT, ...state.projects.keys()]);
  for (const repo of state.repos.values()) {
    names.add(splitRepoKey(repo.key).project);
  }
  return [...names].sort().map((name) => projectOf(state, name));
}

/** Returns a project; `not_found` where it was not made and nothing is in it. */
export function resolveProject(context: PfsContext, name: string): Project {
  checkName('project', name);
  const { state } = context.journal;
  const project = projectOf(state, name);
  if (name !== DEFAULT_PROJECT && !state.projects.has(name) && project.created === null) {
    throw new EngineError(
      'not_found',
      `Cannot find project "${name}": nothing is in it and nobody made it; pfs list-project shows those that there are`,
    );
  }
  return project;
}

export interface ProjectDescription {
  readonly name: string;
  readonly description: string;
}

/** Makes a project; `already_exists` where it was made, or has something in it, before. */
export function createProject(
  context: PfsContext,
  project: ProjectDescription,
  request: Request,
): Promise<ProjectRecord> {
  return makeChange(context, request, (change) => createProjectIn(change, project));
}

/** As {@link createProject}, within a change. */
export function createProjectIn(change: Change, project: ProjectDescription): ProjectRecord {
  const { name, description } = project;
  checkName('project', name);
  const { state, time } = change;
  if (name === DEFAULT_PROJECT || state.projects.has(name)) {
    throw exists(name);
  }
  if (projectOf(state, name).created !== null) {
    throw exists(name);
  }
  const record: ProjectRecord = { name, description, created: time };
  change.add({ kind: 'project.put', project: record });
  return record;
}

/** Changes the description of a project, also of one that is only used. */
export function describeProject(
  context: PfsContext,
  project: ProjectDescription,
  request: Request,
): Promise<ProjectRecord> {
  return makeChange(context, request, (change) => {
    const { name, description } = project;
    const { created } = resolveProject(context, name);
    const record: ProjectRecord = { name, description, created: created ?? change.time };
    change.add({ kind: 'project.put', project: record });
    return record;
  });
}

function projectOf(state: State, name: string): Project {
  const record = state.projects.get(name);
  const repos = [...state.repos.prefix(`${name}/`)].map(([, repo]) => repo);
  const first = Math.min(...repos.map((repo) => repo.created));
  return {
    name,
    description: record?.description ?? '',
    created: record?.created ?? (repos.length > 0 ? first : null),
    repos: repos.flatMap(({ key, kind }) =>
      kind === 'user' && !state.pipelines.has(key) ? [key] : [],
    ),
    pipelines: [...state.pipelines.prefix(`${name}/`)].map(([key]) => key),
  };
}

function exists(name: string): EngineError {
  return new EngineError(
    'already_exists',
    `Cannot create project "${name}": it already exists; pfs update-project changes its description`,
  );
}
