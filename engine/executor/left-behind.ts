// What engines leave behind when they die: containers, by their labels, and directories, by the run that made them.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, errorText, systemCode } from '../base/errors.ts';
import { type ContainerOwner, ENGINE_LABEL, INSTANCE_LABEL } from './container-options.ts';
import type { DockerConnection } from './docker-connection.ts';
import { dockerError } from './docker-errors.ts';
import { removeContainer } from './worker-container.ts';

/** Removes the containers of earlier runs of this instance, and waits until they are gone. */
export async function removeOldContainers(
  connection: DockerConnection,
  owner: ContainerOwner,
): Promise<void> {
  const { docker, endpoint } = connection;
  try {
    const found = await docker.listContainers({
      all: true,
      filters: { label: [`${INSTANCE_LABEL}=${owner.instanceId}`] },
    });
    const left = found.filter(({ Labels }) => Labels[ENGINE_LABEL] !== owner.engineId);
    await Promise.all(left.map(({ Id }) => removeContainer(docker.getContainer(Id))));
  } catch (error) {
    throw dockerError(error, 'remove containers of an earlier run', { endpoint });
  }
}

/** Removes everything in `directory` but `keep`. */
export async function removeOldDirectories(directory: string, keep: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      return;
    }
    throw cannotRemove(directory, error);
  }
  for (const name of names.filter((one) => one !== keep)) {
    try {
      await rm(join(directory, name), { recursive: true, force: true });
    } catch (error) {
      throw cannotRemove(join(directory, name), error);
    }
  }
}

function cannotRemove(directory: string, cause: unknown): EngineError {
  return new EngineError(
    'unavailable',
    `Cannot remove what an earlier run left in "${directory}": ${errorText(cause)}; check the disk`,
    { cause },
  );
}
