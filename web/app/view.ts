// What a view is, to the table of routes and to those who write one.

import type { ComponentType } from 'preact';

/** What a view is given: the parts of its path, decoded. */
export interface ViewProps {
  readonly params: Readonly<Record<string, string>>;
}

/** A view. */
export interface Route {
  /** As `match` of the router reads it; the first that fits counts. */
  readonly path: string;
  /** The entry of the navigation that it belongs to. */
  readonly section: Section;
  /** What the browser's tab says. */
  readonly title: (params: ViewProps['params']) => string;
  readonly load: () => Promise<ComponentType<ViewProps>>;
}

export type Section = 'graph' | 'pipelines' | 'jobs' | 'repos';
