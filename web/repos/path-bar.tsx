// The way to a file or directory, each part of which leads there, and a field that goes to a path or finds files by a glob.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { go, withQuery } from '../app/router.ts';
import { type FilePlace, filePlace, trimPath } from './places.ts';

/** The parts of a path as links; the last one is where one is. */
export function PathLinks({ at }: { readonly at: FilePlace }): JSX.Element {
  const names = at.path === '' ? [] : at.path.split('/');
  return (
    <nav class="path-links" aria-label="Path">
      <a
        href={filePlace({ ...at, path: '' })}
        aria-current={names.length === 0 ? 'page' : undefined}
      >
        /
      </a>
      {names.map((name, index) => {
        const path = names.slice(0, index + 1).join('/');
        const isLast = index === names.length - 1;
        return (
          <span key={path}>
            <a href={filePlace({ ...at, path })} aria-current={isLast ? 'page' : undefined}>
              {name}
            </a>
            {!isLast && <span class="muted"> / </span>}
          </span>
        );
      })}
    </nav>
  );
}

/** Goes to a path, or shows what a glob matches: of a name alone, all files that contain it. */
export function GoTo({ at, glob }: { readonly at: FilePlace; readonly glob: string }): JSX.Element {
  const [text, setText] = useState(glob);
  useEffect(() => setText(glob), [glob, at.path]);
  const onSubmit = (event: Event) => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted === '') {
      go(filePlace(at));
    } else if (isGlob(wanted) || !wanted.includes('/')) {
      go(withQuery(filePlace(at), { glob: wanted }));
    } else {
      const path = wanted.startsWith('/') ? wanted : `${at.path}/${wanted}`;
      go(filePlace({ ...at, path: trimPath(path) }));
    }
  };
  return (
    <search class="go-to">
      <form onSubmit={onSubmit}>
        <input
          type="search"
          aria-label="Find files, or go to a path"
          placeholder="Find by name, path or glob"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
    </search>
  );
}

/** Returns the glob that a search below a directory means. */
export function globFor({ path }: FilePlace, text: string): string {
  if (text.startsWith('/')) {
    return text;
  }
  const top = path === '' ? '' : `/${escapeGlob(path)}`;
  return isGlob(text) ? `${top}/${text}` : `${top}/**${escapeGlob(text)}*`;
}

function isGlob(text: string): boolean {
  return /[*?[{(]/.test(text);
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]{}()!+@]/g, '\\$&');
}
