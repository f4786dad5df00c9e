import assert from 'node:assert/strict';
import { it } from 'node:test';
import { endJob } from '../../../engine/jobs/job-end.ts';
import { LentSession } from '../../../engine/jobs/session-writer.ts';
import type { JobRecord } from '../../../engine/journal/records.ts';
import type { PfsContext } from '../../../engine/pfs/context.ts';
import type { WriteSession } from '../../../engine/pfs/write-session.ts';
import { ACTOR, openTestPfs } from '../../support/pfs.ts';

/** A context that knows which of its sessions nobody has ended yet. */
function watched(context: PfsContext): { context: PfsContext; open: Set<WriteSession> } {
  const open = new Set<WriteSession>();
  const newSession = () => {
    const session = context.newSession();
    const { finish, discard } = session;
    open.add(session);
    session.finish = () => {
      open.delete(session);
      return finish.call(session);
    };
    session.discard = () => {
      open.delete(session);
      discard.call(session);
    };
    return session;
  };
  return { context: { ...context, newSession }, open };
}

it('leaves no session behind, however its work ends', async (t) => {
  const { context } = await openTestPfs({ t });
  const { context: seen, open } = watched(context);
  const lent = new LentSession(seen);
  await lent.lend(async (writer) => writer.writeFile(Buffer.from('one')));
  const { packs } = await lent.flush(async () => undefined);
  assert.equal(packs.added.length, 1);
  assert.equal(open.size, 0);

  await assert.rejects(
    lent.flush(() => Promise.reject(new Error('no'))),
    /no/,
  );
  await lent.discard();
  assert.equal(open.size, 0);
});

it('leaves no session behind when a job can not be ended', async (t) => {
  const { context } = await openTestPfs({ t });
  const { context: seen, open } = watched(context);
  const job = {
    pipeline: 'default/p',
    pipelineId: '1'.repeat(32),
    id: '2'.repeat(32),
    state: 'created',
    finished: null,
    owner: null,
    results: null,
  } as JobRecord;
  const operation = { kind: 'job.created' as const, job };
  await context.journal.transact(() => ({ operations: [operation], result: null }), ACTOR);
  const failing: PfsContext = {
    ...seen,
    clock: {
      now: () => {
        throw new Error('no clock');
      },
    } as unknown as PfsContext['clock'],
  };
  const end = { state: 'killed' as const, reason: '' };
  await assert.rejects(
    endJob(failing, { pipeline: job.pipeline, job: job.id, end }, 'test'),
    /no c/,
  );
  assert.equal(open.size, 0);
});
