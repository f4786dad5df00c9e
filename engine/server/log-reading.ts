// The log lines a client asks for, as they travel.

import type { FastifyRequest } from 'fastify';
import { EngineError } from '../base/errors.ts';
import { type LogSearch, searchLogs } from '../jobs/log-search.ts';
import { repoKeyOf, splitRepoKey } from '../pfs/names.ts';
import { flag, query } from './http.ts';
import type { EngineParts } from './parts.ts';
import { isoTime } from './views.ts';
import type { LogLine } from './wire.ts';

/** Reads what a request wants of the logs; `invalid` where it can't be read. */
export function logSearchOf(request: FastifyRequest, signal: AbortSignal): LogSearch {
  const wanted = (name: string) => query(request, name);
  const tail = wanted('tail');
  if (tail !== undefined && !/^\d{1,9}$/.test(tail)) {
    throw new EngineError('invalid', `Cannot read logs: tail "${tail}" is no number from 0`);
  }
  const [pipeline, job, datum, path, text] = ['pipeline', 'job', 'datum', 'path', 'text'].map(
    wanted,
  );
  if (pipeline === undefined && job === undefined) {
    throw new EngineError('invalid', 'Cannot read logs: name a pipeline or a job');
  }
  const project = wanted('project') ?? 'default';
  return {
    follow: flag(request, 'follow'),
    signal,
    ...timeOf('since', wanted('since')),
    ...timeOf('until', wanted('until')),
    ...(pipeline === undefined ? {} : { pipeline: repoKeyOf(project, pipeline) }),
    ...(job === undefined ? {} : { job }),
    ...(datum === undefined ? {} : { datum }),
    ...(path === undefined ? {} : { path }),
    ...(text === undefined ? {} : { text }),
    ...(tail === undefined ? {} : { tail: Number(tail) }),
  };
}

function timeOf(
  name: 'since' | 'until',
  text: string | undefined,
): { readonly since?: number; readonly until?: number } {
  if (text === undefined) {
    return {};
  }
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new EngineError(
      'invalid',
      `Cannot read logs: ${name} "${text}" is no time; write ISO 8601`,
    );
  }
  return { [name]: time };
}

/** Yields log lines, oldest first, as `searchLogs` does. */
export async function* readLogs(parts: EngineParts, search: LogSearch): AsyncGenerator<LogLine> {
  for await (const { job, record } of searchLogs(parts, search)) {
    const { project, name } = splitRepoKey(job.pipeline);
    yield {
      time: isoTime(record.time),
      project,
      pipeline: name,
      job: job.id,
      datum: record.datum,
      message: record.message,
    };
  }
}
