// The head of a view: where one is, its title, and what can be done here.

import type { ComponentChildren, JSX } from 'preact';

export interface Crumb {
  readonly text: string;
  readonly href: string;
}

/** Draws the head. The title is the only first-rank heading of a view. */
export function Head({
  crumbs = [],
  title,
  beside,
  children,
}: {
  readonly crumbs?: readonly Crumb[];
  readonly title: string;
  /** Beside the title: a state. */
  readonly beside?: ComponentChildren;
  /** Buttons. */
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <header class="head">
      <div class="head-text">
        {crumbs.length > 0 && (
          <nav class="crumbs" aria-label="Breadcrumb">
            {crumbs.map(({ text, href }) => (
              <a key={href} href={href}>
                {text}
              </a>
            ))}
          </nav>
        )}
        <div class="head-line">
          <h1 tabIndex={-1}>{title}</h1>
          {beside}
        </div>
      </div>
      {children && <div class="head-actions">{children}</div>}
    </header>
  );
}

/** Pairs of what something is called and what it is. */
export function Facts({
  facts,
}: {
  readonly facts: readonly (readonly [string, ComponentChildren] | false | null | undefined)[];
}): JSX.Element {
  return (
    <dl class="facts">
      {facts.map(
        (fact) =>
          fact && (
            <div key={fact[0]}>
              <dt>{fact[0]}</dt>
              <dd>{fact[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
