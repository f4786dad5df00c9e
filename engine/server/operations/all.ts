// All operations of the API. Nothing of the API is asked for that does not stand here.

import { ENGINE_OPERATIONS } from './engine.ts';
import { REPO_OPERATIONS } from './repos.ts';

/** By method and path, below the prefix of the API. */
export const OPERATIONS = {
  ...ENGINE_OPERATIONS,
  ...REPO_OPERATIONS,
};

export type Operations = typeof OPERATIONS;
