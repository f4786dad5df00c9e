// What tests of transactions need: short words for requests, and an engine whose pipeline reads two repos.

import {
  addRequest,
  finishTransaction,
  startTransaction,
} from '../../../engine/jobs/transactions.ts';
import type { ChangeRequest } from '../../../engine/journal/requests.ts';
import { TestEngine } from '../../support/engine.ts';
import { ACTOR, type Pfs } from '../../support/pfs.ts';

export const both = {
  cross: [{ pfs: { repo: 'a', glob: '/' } }, { pfs: { repo: 'b', glob: '/' } }],
};
export const spec = (name: string, input: object, more: object = {}) =>
  JSON.stringify({
    pipeline: { name },
    input,
    transform: { image: 'busybox', cmd: ['run'] },
    ...more,
  });
export const pipeline = (text: string, update = false): ChangeRequest => ({
  kind: 'pipeline.put',
  text,
  fileName: 'spec.json',
  project: 'default',
  update,
  reprocess: false,
});
export const repo = (name: string): ChangeRequest => ({
  kind: 'repo.create',
  repo: `default/${name}`,
  description: '',
});
export const start = (name: string, branch = 'master'): ChangeRequest => ({
  kind: 'commit.start',
  repo: `default/${name}`,
  branch,
  description: '',
});
export const finish = (name: string, ref = 'master'): ChangeRequest => ({
  kind: 'commit.finish',
  repo: `default/${name}`,
  ref,
});

export async function begin(pfs: Pfs, ...requests: readonly ChangeRequest[]): Promise<string> {
  const { id } = await startTransaction(pfs.context, ACTOR);
  for (const request of requests) {
    await add(pfs, id, request);
  }
  return id;
}
export const add = (pfs: Pfs, transaction: string, request: ChangeRequest) =>
  addRequest(pfs.context, { transaction, request }, ACTOR);
export const end = (pfs: Pfs, id: string) => finishTransaction(pfs.context, id, ACTOR);
export const open = (pfs: Pfs) => [...pfs.context.journal.state.transactions.keys()];

export async function crossed(t: Parameters<typeof TestEngine.start>[0]): Promise<TestEngine> {
  const engine = await TestEngine.start(t);
  await engine.repos('a', 'b');
  engine.executor.setCode('sum', (run) => {
    run.write('sum', JSON.stringify([run.input('a'), run.input('b')]));
  });
  await engine.pipeline({ name: 'sum', input: both });
  await engine.settled();
  return engine;
}
