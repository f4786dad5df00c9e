// The one table of views: at which path each is, and the file that holds it, which is loaded when one goes there.

import type { Route } from './view.ts';

/** All views. The first whose path fits counts. */
export const ROUTES: readonly Route[] = [
  {
    path: '/',
    section: 'graph',
    title: () => 'Graph',
    load: async () => (await import('../pipelines/pipelines-view.tsx')).PipelinesView,
  },
  {
    path: '/pipelines',
    section: 'pipelines',
    title: () => 'Pipelines',
    load: async () => (await import('../pipelines/pipelines-view.tsx')).PipelinesView,
  },
];
