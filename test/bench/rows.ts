// Every row of the bench, in the order in which they are shown.

import type { Row } from './row.ts';
import { flatPut, manyClients, manyCommits, smallPut } from './rows/commits.ts';
import { commitOutput, datumFloor, manyDatums } from './rows/datums.ts';
import { gitClone } from './rows/git.ts';
import { growth } from './rows/growth.ts';
import { idlePipelines, manyJobs, oneNewDatum, shellJobs } from './rows/jobs.ts';
import { ingestLarge, insertion, restoreLarge } from './rows/large-file.ts';
import { manyFiles } from './rows/many-files.ts';
import { millionDatums } from './rows/million-datums.ts';
import { openStore } from './rows/open-store.ts';
import {
  s3IngestLarge,
  s3IngestSmall,
  s3Requests,
  s3RestoreLarge,
  s3RestoreSmall,
} from './rows/s3.ts';
import { s3DoorRead } from './rows/s3-door.ts';
import { ingestSmall, restoreSmall } from './rows/small-files.ts';
import { listRepo } from './rows/start-up.ts';

export const ROWS: readonly Row[] = [
  ingestSmall,
  restoreSmall,
  ingestLarge,
  restoreLarge,
  insertion,
  smallPut,
  flatPut,
  manyCommits,
  manyClients,
  manyFiles,
  growth,
  openStore,
  listRepo,
  commitOutput,
  manyDatums,
  datumFloor,
  shellJobs,
  oneNewDatum,
  millionDatums,
  manyJobs,
  idlePipelines,
  gitClone,
  s3DoorRead,
  s3IngestSmall,
  s3RestoreSmall,
  s3IngestLarge,
  s3RestoreLarge,
  s3Requests,
];
