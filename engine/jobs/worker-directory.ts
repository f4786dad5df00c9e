// The end of a worker's own directory, whatever user code left in it and as which user.

import { mkdirSync, rmdirSync } from 'node:fs';
import { EngineError, errorText } from '../base/errors.ts';
import type { Executor } from '../executor/executor.ts';
import { emptyDirectory, isAccessDenied } from './host-directory.ts';

/**
 * Removes the directory of a worker that is gone; one that isn't there is fine. What only another user may remove is
 * taken over with the executor's help. Rejects with `failed_precondition` or `unavailable`, and the directory can then be
 * removed later.
 */
export async function removeWorkerDirectory(
  directory: string,
  executor: Pick<Executor, 'reclaim'>,
): Promise<void> {
  try {
    mkdirSync(directory, { recursive: true });
    try {
      await emptyDirectory(directory);
    } catch (error) {
      if (!isAccessDenied(error)) {
        throw error;
      }
      await executor.reclaim(directory);
      await emptyDirectory(directory);
    }
    rmdirSync(directory);
  } catch (error) {
    throw leftError(error, directory);
  }
}

function leftError(error: unknown, directory: string): EngineError {
  const denied = isAccessDenied(error);
  const why = denied ? 'user code left files of another user in it' : errorText(error);
  return new EngineError(
    denied ? 'failed_precondition' : 'unavailable',
    `Cannot remove directory "${directory}": ${why}${denied ? '; remove it as root' : ''}`,
    { cause: error },
  );
}
