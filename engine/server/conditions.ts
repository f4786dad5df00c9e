// Conditions of requests for what may have changed (RFC 9110, 13).

/** What tells one version of something from another. */
export interface Validators {
  /** A strong entity tag, without quotes. */
  readonly etag: string;
  /** In milliseconds since the Unix epoch, of whole seconds; undefined where it is not told. */
  readonly modified: number | undefined;
}

/** A request's conditional headers, by lower-case name. */
export type ConditionOf = (
  name: 'if-match' | 'if-none-match' | 'if-modified-since' | 'if-unmodified-since' | 'if-range',
) => string | undefined;

/** Says what comes of the conditions of a GET or HEAD: undefined where it is answered as if there were none (13.2.2). */
export function refusal(
  condition: ConditionOf,
  { etag, modified = Number.NaN }: Validators,
): 'not_modified' | 'failed' | undefined {
  const since = (name: 'if-modified-since' | 'if-unmodified-since') =>
    Date.parse(condition(name) ?? '');
  const match = condition('if-match');
  const none = condition('if-none-match');
  if (match === undefined ? modified > since('if-unmodified-since') : !namesTag(match, etag)) {
    return 'failed';
  }
  if (
    none === undefined
      ? modified <= since('if-modified-since')
      : namesTag(none, etag, { weakly: true })
  ) {
    return 'not_modified';
  }
  return undefined;
}

/** Returns whether a part may be sent: whatever the client has the rest of is still the same (13.1.5). */
export function mayBePart(condition: ConditionOf, { etag, modified }: Validators): boolean {
  const given = condition('if-range');
  if (given === undefined) {
    return true;
  }
  // A date counts only where it is exactly the one that was told: nothing else is a strong validator.
  return given.includes('"') ? given.trim() === `"${etag}"` : Date.parse(given) === modified;
}

/** Returns whether a list of entity tags, or `*`, names this one. A weak tag counts where weak comparison does (8.8.3.2). */
export function namesTag(
  list: string,
  etag: string,
  { weakly = false }: { readonly weakly?: boolean } = {},
): boolean {
  if (list.trim() === '*') {
    return true;
  }
  // Quotes may be missing: not every client of S3 sends them.
  return list.split(',').some((each) => {
    const [, weak = '', tag] = /^\s*(W\/)?"?([^"]*?)"?\s*$/.exec(each) ?? [];
    return tag === etag && (weakly || weak === '');
  });
}
