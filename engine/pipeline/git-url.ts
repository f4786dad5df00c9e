// Addresses of repositories on Git servers, as inputs have them.

import { parseDuration } from '../base/duration.ts';

const URL_FORM = /^https?:\/\/[^/?#\s]+\/[^?#\s]+$/i;

/** Returns the name of a repository by its address: the last part, without `.git`; only what names of repos have. */
export function nameOfUrl(url: string): string {
  const last = url.replace(/\/+$/, '').split('/').at(-1) ?? '';
  return last.replace(/\.git$/i, '').replaceAll(/[^a-zA-Z0-9_-]/g, '-');
}

/** Returns why a Git input can't follow this address; undefined where it can. */
export function gitUrlProblem(url: string): string | undefined {
  if (/^[a-z]+:\/\/[^/?#]*@/i.test(url)) {
    return 'holds credentials, which everybody can read here; put them into a secret, and name that in secret';
  }
  return URL_FORM.test(url)
    ? undefined
    : `"${url}" is no address of a repository over HTTP; write https://host/path.git`;
}

/** Returns why a branch of a Git server can't have this name; undefined where it can. */
export function gitBranchProblem(name: string): string | undefined {
  // As git check-ref-format has it, in short.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  const isBad = /[\s~^:?*[\\\0-\x1f\x7f]|\.\.|@\{|\/\/|^[-/.]|[/.]$|\.lock$/.test(name);
  return isBad ? `"${name}" is no name of a branch` : undefined;
}

/** Returns why a server can't be looked at so often; undefined where it can. */
export function pollProblem(text: string): string | undefined {
  const ms = parseDuration(text) ?? 0;
  return text === 'never' || ms >= 1000
    ? undefined
    : `"${text}" is no duration of at least a second; write one such as "30s" or "10m", or "never"`;
}
