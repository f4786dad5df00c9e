// Projects over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { deleteProject } from '../../jobs/delete-project.ts';
import {
  createProject,
  describeProject,
  listProjects,
  type Project as ProjectState,
  resolveProject,
} from '../../pfs/projects.ts';
import { answering, flag, pageOf, param, text } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime } from '../views.ts';
import type { Project } from '../wire-versions.ts';

/** Adds the routes of projects. */
export function projectRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const answered = answering(context);
  const nameOf = (request: FastifyRequest) => param(request, 'project');

  server.get('/projects', (request) =>
    pageOf(request, listProjects(context.journal.state), {
      keyOf: (project) => project.name,
      view,
    }),
  );

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
    created: created === null ? null : isoTime(created),
    repos: repos.length,
    pipelines: pipelines.length,
  };
}
