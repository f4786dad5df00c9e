// The operations of projects.

import { page } from '../wire-schema.ts';
import { CreateProject, Project } from '../wire-versions.ts';
import { flag, operations, PAGED, query } from './operation.ts';
import { Describe } from './repos.ts';

export const PROJECT_OPERATIONS = operations({
  'GET /projects': {
    id: 'listProjects',
    tag: 'projects',
    summary: 'Lists the projects that were made or are used.',
    query: query(PAGED),
    answer: page(Project),
    example: { query: { limit: 10 } },
  },
  'POST /projects': {
    id: 'createProject',
    tag: 'projects',
    summary: 'Makes a project.',
    body: CreateProject,
    answer: Project,
    example: { body: { name: 'lab', description: 'What is tried out' } },
  },
  'GET /projects/{project}': {
    id: 'getProject',
    tag: 'projects',
    summary: 'Returns a project.',
    answer: Project,
    example: {},
  },
  'PATCH /projects/{project}': {
    id: 'describeProject',
    tag: 'projects',
    summary: 'Describes a project anew.',
    body: Describe,
    answer: Project,
    example: { body: { description: 'What we all use' } },
  },
  'DELETE /projects/{project}': {
    id: 'deleteProject',
    tag: 'projects',
    summary: 'Deletes a project.',
    query: query({ force: flag('With all that is in it.') }),
    status: 204,
    example: { params: { project: 'lab' }, query: { force: true } },
  },
});
