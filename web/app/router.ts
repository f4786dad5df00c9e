// Where in the page one is: real paths, so that every view can be linked to. Plain links are enough to go somewhere; the
// browser never loads the page anew.

import { signal } from '@preact/signals';

/** A place: path and query. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Where one is. */
export const place = signal<Place>(read());

/** Goes to a path of the page. `replace` leaves no way back to where one was: for filters and the like. */
export function go(to: string, options: { readonly replace?: boolean } = {}): void {
  const before = place.value.path;
  if (options.replace) {
    history.replaceState(null, '', to);
  } else {
    history.pushState(null, '', to);
  }
  place.value = read();
  if (place.value.path !== before) {
    window.scrollTo(0, 0);
  }
}

/** Sets parameters of the query, and takes away those that are empty, without a step in the history. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') {
      query.delete(name);
    } else {
      query.set(name, value);
    }
  }
  go(withQuery(location.pathname, query), { replace: true });
}

/** Returns a path with a query, where there is any. */
export function withQuery(
  path: string,
  query: URLSearchParams | Readonly<Record<string, string | undefined>>,
): string {
  const given =
    query instanceof URLSearchParams
      ? query
      : new URLSearchParams(
          Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1])),
        );
  const text = given.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Returns the project that the address narrows lists to; undefined: all. */
export function projectOf(): string | undefined {
  return place.value.query.get('project') ?? undefined;
}

/** Returns a path of encoded segments. */
export function pathOf(...segments: readonly string[]): string {
  return `/${segments.map(encodeURIComponent).join('/')}`;
}

/**
 * Returns the parameters of a path that fits a pattern such as `/jobs/:project/:id`, decoded; `*` at the end takes the rest
 * of the path. Undefined where it does not fit.
 */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const segments = (text: string) => text.replace(/\/$/, '').split('/').slice(1);
  const [wanted, given] = [segments(pattern), segments(path)];
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    if (segment === '*') {
      params['*'] = given.slice(index).map(decode).join('/');
      return params;
    }
    const value = given[index];
    if (value === undefined || (!segment.startsWith(':') && segment !== value)) {
      return undefined;
    }
    if (segment.startsWith(':')) {
      params[segment.slice(1)] = decode(value);
    }
  }
  return given.length > wanted.length ? undefined : params;
}

/** Follows the browser's own steps, and takes over the links of the page. */
export function startRouter(): void {
  window.addEventListener('popstate', () => {
    place.value = read();
  });
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest?.('a');
    if (link && isOurs(link, event)) {
      event.preventDefault();
      go(link.pathname + link.search + link.hash);
    }
  });
}

function isOurs(link: HTMLAnchorElement, event: MouseEvent): boolean {
  return (
    event.button === 0 &&
    !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.defaultPrevented) &&
    link.origin === location.origin &&
    link.target === '' &&
    !link.hasAttribute('download') &&
    !/^\/(?:api|docs)\//.test(link.pathname) &&
    !link.getAttribute('href')?.startsWith('#')
  );
}

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
