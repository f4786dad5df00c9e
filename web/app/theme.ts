// Light or dark: what the system says, until somebody chooses here.

import { signal } from '@preact/signals';

const KEPT = 'pfs-theme';

export type Theme = 'system' | 'light' | 'dark';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** What was chosen. */
export const theme = signal<Theme>('system');

/** Takes up what was chosen the last time. */
export function startTheme(): void {
  const kept = localStorage.getItem(KEPT) as Theme | null;
  set(kept !== null && THEMES.includes(kept) ? kept : 'system');
}

/** Chooses the next one. */
export function nextTheme(): void {
  set(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system');
}

function set(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === 'system') {
    localStorage.removeItem(KEPT);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEPT, chosen);
    document.documentElement.dataset.theme = chosen;
  }
}
