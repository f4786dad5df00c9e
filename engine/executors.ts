// Opening executors: which class stands for which setting, and what must be known of one before it is used.

import { join } from 'node:path';
import { EngineError } from './base/errors.ts';
import { type Config, directoriesOf } from './config.ts';
import { DockerExecutor } from './executor/docker.ts';
import type { Executor } from './executor/executor.ts';
import { ProcessExecutor } from './executor/process.ts';
import { clock, random } from './stores.ts';

/**
 * Opens what runs user code. Who asks for processes gets them, or hears at once why not: unlike Docker, a kernel does not
 * come later.
 */
export async function openExecutor(
  config: Config,
  ids: { readonly instanceId: string; readonly engineId: string },
): Promise<Executor> {
  const parts = {
    clock,
    random,
    ...ids,
    environment: config.environment,
    scratchDirectory: join(config.home, 'scratch', config.executor),
  };
  if (config.executor === 'docker') {
    return new DockerExecutor(parts);
  }
  const hidden = Object.values(directoriesOf(config));
  const executor = new ProcessExecutor({ ...parts, hidden });
  const { ok, notes } = await executor.probe();
  if (!ok) {
    throw new EngineError('failed_precondition', notes.join('; '));
  }
  return executor;
}
