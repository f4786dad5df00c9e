// A part of a view that scrolls sideways.

import type { ComponentChildren, JSX } from 'preact';

/** Draws it; `label` names it to those who do not see it. */
export function Scroller({
  label,
  class: name,
  children,
}: {
  readonly label: string;
  readonly class: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it no key could scroll.
    <section class={name} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
