// The store itself over HTTP: checking, repairing and mirroring it, and what keeps the engine from working well. These
// routes also serve an engine that could not open its store.

import type { FastifyInstance } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { checkStore } from '../../upkeep/check.ts';
import { examine } from '../../upkeep/doctor.ts';
import { mirrorStore } from '../../upkeep/mirror.ts';
import { repairStore } from '../../upkeep/repair.ts';
import { flag, query, sendLines } from '../http.ts';
import type { StoreParts } from '../parts.ts';
import type { CheckReport, DoctorReport, MirrorReport, RepairReport } from '../wire-store.ts';

/** Adds the routes of the store. */
export function storeRoutes(server: FastifyInstance, parts: StoreParts): void {
  const { bucket, clock, random } = parts;
  /** What is at work now: two repairs, or two mirrors to one place, would be in each other's way. */
  let atWork: string | undefined;

  /** Lets one change at a time go on, and passes on what it tells. */
  async function* alone<T>(what: string, work: AsyncIterable<T>): AsyncGenerator<T> {
    if (atWork !== undefined) {
      throw new EngineError(
        'conflict',
        `Cannot begin a ${what}: a ${atWork} is at work; wait for its end`,
      );
    }
    atWork = what;
    try {
      yield* work;
    } finally {
      atWork = undefined;
    }
  }

  server.get('/store/check', async (request, reply) => {
    const other = query(request, 'store');
    const store = other === undefined ? bucket : await parts.openStore(other);
    const reports: AsyncIterable<CheckReport> = checkStore(store, {
      data: flag(request, 'data'),
      clock,
      random,
    });
    return sendLines(reply, reports);
  });

  server.post('/store/repair', async (request, reply) => {
    const from = query(request, 'from');
    const other = from === undefined ? undefined : await parts.openStore(from);
    const reports: AsyncIterable<RepairReport> = repairStore(bucket, {
      data: flag(request, 'data'),
      clock,
      random,
      ...(other ? { from: other } : {}),
      ...(parts.context ? { live: parts.context } : {}),
    });
    return sendLines(reply, alone('repair', reports));
  });

  server.post('/store/mirror', async (request, reply) => {
    const to = query(request, 'to');
    if (to === undefined) {
      throw new EngineError('invalid', 'Cannot mirror the store: name where to, as in ?to=<url>');
    }
    const target = await parts.openStore(to);
    const reports: AsyncIterable<MirrorReport> = mirrorStore(bucket, target, { clock, random });
    return sendLines(reply, alone('mirror', reports));
  });

  server.get('/store/doctor', async (): Promise<DoctorReport> => {
    const { executorHealth, directories, node } = parts;
    const options = { store: bucket, clock, random, executorHealth, directories, node };
    return { checks: [...(await examine(options)), ...(parts.moreChecks?.() ?? [])] };
  });
}
