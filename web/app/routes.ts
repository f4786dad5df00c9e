// The one table of views: at which path each is, and the file that holds it, which is loaded when one goes there.

import type { Route } from './view.ts';

/** All views. The first whose path fits counts. */
export const ROUTES: readonly Route[] = [
  {
    path: '/',
    section: 'graph',
    title: () => 'Graph',
    load: async () => (await import('../graph/graph-view.tsx')).GraphView,
  },
  {
    path: '/pipelines',
    section: 'pipelines',
    title: () => 'Pipelines',
    load: async () => (await import('../pipelines/pipelines-view.tsx')).PipelinesView,
  },
  {
    path: '/new-pipeline',
    section: 'pipelines',
    title: () => 'New pipeline',
    load: async () => (await import('../pipelines/edit-view.tsx')).NewPipelineView,
  },
  {
    path: '/pipelines/:project/:pipeline/edit',
    section: 'pipelines',
    title: ({ pipeline }) => `Edit ${pipeline}`,
    load: async () => (await import('../pipelines/edit-view.tsx')).EditPipelineView,
  },
  {
    path: '/pipelines/:project/:pipeline',
    section: 'pipelines',
    title: ({ pipeline }) => `${pipeline}`,
    load: async () => (await import('../pipelines/pipeline-view.tsx')).PipelineView,
  },
  {
    path: '/pipelines/:project/:pipeline/:tab',
    section: 'pipelines',
    title: ({ pipeline, tab }) => `${pipeline}, ${tab}`,
    load: async () => (await import('../pipelines/pipeline-view.tsx')).PipelineView,
  },
  {
    path: '/jobs',
    section: 'jobs',
    title: () => 'Jobs',
    load: async () => (await import('../jobs/jobs-view.tsx')).JobsView,
  },
  {
    path: '/jobs/:project/:pipeline/:id',
    section: 'jobs',
    title: ({ pipeline }) => `Job of ${pipeline}`,
    load: async () => (await import('../jobs/job-view.tsx')).JobView,
  },
  {
    path: '/jobs/:project/:pipeline/:id/:tab',
    section: 'jobs',
    title: ({ pipeline, tab }) => `Job of ${pipeline}, ${tab}`,
    load: async () => (await import('../jobs/job-view.tsx')).JobView,
  },
  {
    path: '/jobs/:project/:pipeline/:id/datums/:datum',
    section: 'jobs',
    title: ({ pipeline }) => `Datum of ${pipeline}`,
    load: async () => (await import('../jobs/datum-view.tsx')).DatumView,
  },
  {
    path: '/repos',
    section: 'repos',
    title: () => 'Repos',
    load: async () => (await import('../repos/repos-view.tsx')).ReposView,
  },
  {
    path: '/repos/:project/:repo',
    section: 'repos',
    title: ({ repo }) => `${repo}`,
    load: async () => (await import('../repos/files-view.tsx')).RepoView,
  },
  {
    path: '/repos/:project/:repo/files/:ref/*',
    section: 'repos',
    title: ({ repo, ref, '*': path }) => `${path || '/'} · ${repo}@${ref}`,
    load: async () => (await import('../repos/files-view.tsx')).FilesView,
  },
  {
    path: '/repos/:project/:repo/history/:ref/*',
    section: 'repos',
    title: ({ repo, ref, '*': path }) => `History of ${path || '/'} · ${repo}@${ref}`,
    load: async () => (await import('../repos/history-view.tsx')).HistoryView,
  },
  {
    path: '/repos/:project/:repo/commits',
    section: 'repos',
    title: ({ repo }) => `Commits · ${repo}`,
    load: async () => (await import('../repos/commits-view.tsx')).CommitsView,
  },
  {
    path: '/repos/:project/:repo/commits/:commit',
    section: 'repos',
    title: ({ repo, commit }) => `Commit ${commit} · ${repo}`,
    load: async () => (await import('../repos/commit-view.tsx')).CommitView,
  },
  {
    path: '/repos/:project/:repo/branches',
    section: 'repos',
    title: ({ repo }) => `Branches · ${repo}`,
    load: async () => (await import('../repos/branches-view.tsx')).BranchesView,
  },
  {
    path: '/repos/:project/:repo/diff',
    section: 'repos',
    title: ({ repo }) => `Comparison · ${repo}`,
    load: async () => (await import('../repos/diff-view.tsx')).DiffView,
  },
  {
    path: '/provenance/:project/:repo/:ref/*',
    section: 'repos',
    title: ({ repo, '*': path }) => `Provenance of ${path || repo}`,
    load: async () => (await import('../provenance/provenance-view.tsx')).ProvenanceView,
  },
];
