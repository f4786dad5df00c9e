// One branch or tag that a push makes, moves or deletes, as it is asked for, and what must not be asked for.

import { isEngineError } from '../base/errors.ts';
import { checkBranchName } from './names.ts';
import { checkTagName } from './tags.ts';

/** One branch or tag that is to be made, moved or deleted. */
export interface RefUpdate {
  /** As Git names it: `refs/heads/…` or `refs/tags/…`. */
  readonly ref: string;
  /** The Git commit it is known to show; null: it is not there. */
  readonly old: string | null;
  /** The Git commit it shall show; null: it goes. */
  readonly next: string | null;
}

/** Returns why an update can't be made as it is written; undefined where it can. */
export function problemWith({ ref, next }: RefUpdate): string | undefined {
  const [, kind = '', name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  if (kind === '') {
    return 'only branches and tags are kept';
  }
  try {
    if (next !== null) {
      (kind === 'heads' ? checkBranchName : checkTagName)(name);
    }
    return undefined;
  } catch (error) {
    if (isEngineError(error)) {
      return error.message;
    }
    throw error;
  }
}
