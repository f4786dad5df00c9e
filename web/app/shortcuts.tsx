// The keys of the page. Each does what can also be done by clicking.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { go } from './router.ts';
import { nextTheme } from './theme.ts';

const AFTER_G_MS = 1200;

/** Places to go to after `g`. */
const PLACES: Readonly<Record<string, { readonly path: string; readonly says: string }>> = {
  g: { path: '/', says: 'Go to the graph' },
  p: { path: '/pipelines', says: 'Go to pipelines' },
  j: { path: '/jobs', says: 'Go to jobs' },
  r: { path: '/repos', says: 'Go to repos' },
};

const OTHERS: readonly (readonly [keys: readonly string[], says: string])[] = [
  [['/'], 'Search in this view'],
  [['↑', '↓'], 'Move from row to row in a table'],
  [['n'], 'New pipeline'],
  [['t'], 'Theme: system, light, dark'],
  [['+', '−', '0'], 'Graph: zoom in, zoom out, fit'],
  [['←', '↑', '↓', '→'], 'Graph: move about'],
  [['?'], 'These keys'],
];

/** Listens to the keys, and shows them when asked; `open` counts how often that was by clicking. */
export function Shortcuts({ asked }: { readonly asked: number }): JSX.Element | null {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (asked > 0) {
      setShown(true);
    }
  }, [asked]);
  useEffect(() => {
    let lastG = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
        return;
      }
      const target = PLACES[event.key];
      if (target && event.timeStamp - lastG < AFTER_G_MS) {
        lastG = Number.NEGATIVE_INFINITY;
        go(target.path);
        return;
      }
      lastG = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY;
      const acts: Readonly<Record<string, () => void>> = {
        '?': () => setShown(true),
        '/': () => document.querySelector<HTMLElement>('main input[type=search]')?.focus(),
        n: () => go('/new-pipeline'),
        t: nextTheme,
      };
      const act = acts[event.key];
      if (act) {
        event.preventDefault();
        act();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  if (!isShown) {
    return null;
  }
  const rows = [
    ...Object.entries(PLACES).map(([key, { says }]) => [['g', key], says] as const),
    ...OTHERS,
  ];
  return (
    <Dialog title="Keys" onClose={() => setShown(false)}>
      <dl class="keys">
        {rows.map(([keys, says]) => (
          <div key={says}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches('input, textarea, select') ||
      target.isContentEditable ||
      target.closest('dialog') !== null)
  );
}
