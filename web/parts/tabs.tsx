// Parts of a view that have addresses of their own, side by side.

import type { JSX } from 'preact';

export interface Tab {
  readonly name: string;
  readonly title: string;
  readonly href: string;
  /** A number beside the title. */
  readonly count?: number | undefined;
}

/** Links to the parts of a view; `now` names the one that is shown. */
export function Tabs({
  label,
  tabs,
  now,
}: {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly now: string;
}): JSX.Element {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ name, title, href, count }) => (
        <a key={name} href={href} aria-current={name === now ? 'page' : undefined}>
          {title}
          {count !== undefined && <span class="count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}
