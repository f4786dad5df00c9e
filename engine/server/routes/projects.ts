// Projects over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { roleOn } from '../../auth/rights.ts';
import { deleteProject } from '../../jobs/delete-project.ts';
import { projectScope } from '../../journal/records.ts';
import {
  createProject,
  describeProject,
  listProjects,
  type Project as ProjectState,
  resolveProject,
} from '../../pfs/projects.ts';
import { answering, flag, pageOf, param, text } from '../http.ts';
import { askerOf, readableBy } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { isoOrNull } from '../views.ts';
import type { Project } from '../wire-versions.ts';

/** Adds the routes of projects. */
export function projectRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const answered = answering(context);
  const nameOf = (request: FastifyRequest) => param(request, 'project');

  server.get('/projects', (request) =>
    pageOf(request, visibleProjects(request), { keyOf: (project) => project.name, view }),
  );

  /** Those on which one has a role, or in which one may read something. */
  function visibleProjects(request: FastifyRequest): ProjectState[] {
    const { state } = context.journal;
    const asker = askerOf(request);
    const mayRead = readableBy(request, state);
    return listProjects(state).filter(
      ({ name, repos, pipelines }) =>
        roleOn(state, asker, projectScope(name)) !== undefined ||
        [...repos, ...pipelines].some(mayRead),
    );
  }

  server.post('/projects', async (request) => {
    const name = text(request, 'name') ?? '';
    const project = { name, description: text(request, 'description') ?? '' };
    await answered(request, (asked) => createProject(context, project, asked));
    return view(resolveProject(context, name));
  });

  server.get('/projects/:project', (request) => view(resolveProject(context, nameOf(request))));

  server.patch('/projects/:project', async (request) => {
    const name = nameOf(request);
    const project = { name, description: text(request, 'description') ?? '' };
    await answered(request, (asked) => describeProject(context, project, asked));
    return view(resolveProject(context, name));
  });

  server.delete('/projects/:project', async (request, reply) => {
    const project = { name: nameOf(request), force: flag(request, 'force') };
    await answered(request, (asked) => deleteProject(context, project, asked));
    return reply.code(204).send();
  });
}

function view(project: ProjectState): Project {
  const { name, description, created, repos, pipelines } = project;
  return {
    name,
    description,
    created: isoOrNull(created),
    repos: repos.length,
    pipelines: pipelines.length,
  };
}
