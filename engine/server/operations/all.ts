// All operations of the API. Nothing of the API is asked for that does not stand here.

import { AUTH_OPERATIONS } from './auth.ts';
import { COMMIT_OPERATIONS } from './commits.ts';
import { DEFAULTS_OPERATIONS } from './defaults.ts';
import { ENGINE_OPERATIONS } from './engine.ts';
import { EVENT_OPERATIONS } from './events.ts';
import { FILE_OPERATIONS } from './files.ts';
import { JOB_OPERATIONS } from './jobs.ts';
import { PIPELINE_OPERATIONS } from './pipelines.ts';
import { PROJECT_OPERATIONS } from './projects.ts';
import { PROVENANCE_OPERATIONS } from './provenance.ts';
import { REPO_OPERATIONS } from './repos.ts';
import { SECRET_OPERATIONS } from './secrets.ts';
import { STORE_OPERATIONS } from './store.ts';
import { TAG_OPERATIONS } from './tags.ts';
import { TRANSACTION_OPERATIONS } from './transactions.ts';
import { UPKEEP_OPERATIONS } from './upkeep.ts';
import { WORKBENCH_OPERATIONS } from './workbench.ts';

/** By method and path, below the prefix of the API. */
export const OPERATIONS = {
  ...ENGINE_OPERATIONS,
  ...EVENT_OPERATIONS,
  ...PROJECT_OPERATIONS,
  ...REPO_OPERATIONS,
  ...TAG_OPERATIONS,
  ...COMMIT_OPERATIONS,
  ...FILE_OPERATIONS,
  ...PIPELINE_OPERATIONS,
  ...DEFAULTS_OPERATIONS,
  ...JOB_OPERATIONS,
  ...PROVENANCE_OPERATIONS,
  ...TRANSACTION_OPERATIONS,
  ...SECRET_OPERATIONS,
  ...AUTH_OPERATIONS,
  ...UPKEEP_OPERATIONS,
  ...STORE_OPERATIONS,
  ...WORKBENCH_OPERATIONS,
};

export type Operations = typeof OPERATIONS;
