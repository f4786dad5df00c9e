// A server whose store has all that the examples of the API speak of, and the values that only it knows: ids.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { EXAMPLE_PARAMS } from '../../engine/server/operations/example-values.ts';
import { encodeMessage } from '../../engine/server/session-messages.ts';
import type { Commit, Datum, Job, Page } from '../../engine/server/wire.ts';
import { ASKED } from '../../engine/server/wire-workbench.ts';
import { GitServer } from './git-server.ts';
import { scratchDirectory } from './scratch.ts';
import { TestServer, TOKEN } from './server.ts';

type Test = Parameters<typeof TestServer.start>[0];

const TEXT = { 'content-type': 'text/plain' };

/** What stands in examples for what only a store that is there has. */
export type Values = Map<unknown, string>;

export interface ApiWorld {
  readonly server: TestServer;
  readonly values: Values;
}

/** Starts one, on a filesystem store. */
export async function startApiWorld(t: Test): Promise<ApiWorld> {
  // Removed after the engine has ended, not before: hooks run in the order they are added.
  const folder = mkdtempSync(join(tmpdir(), 'pfs-test-'));
  const store = await FilesystemObjectStore.open(folder, {
    clock: new SystemClock(),
    random: new SystemRandom(),
  });
  const gits = await GitServer.start();
  t.after(() => gits.close());
  const url = gits.create('site');
  gits.push('site', { a: '1' }, 'first');
  const server = await TestServer.start(t, { store });
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { executor } = server.engine;
  executor.setCode('slow', (run) => run.hang());
  executor.setCode('failing', () => 1);
  executor.setCode('edges', async (run) => {
    await run.print('looking\n');
    for (const [path, text] of Object.entries(run.input('images'))) {
      run.write(path, text);
    }
  });

  for (const name of ['images', 'broken', 'spare', 'lost']) {
    await server.json('POST', '/repos', { body: { project: 'default', name } });
  }
  await server.ask('DELETE', '/repos/default/lost');
  const first = await put(server, { 'a.csv': '1,2\n', 'b.csv': '3\n' });
  const second = await put(server, { 'a.csv': '1,2,3\n' });
  for (const branch of ['staging', 'lost']) {
    await server.json('PUT', `/repos/default/images/branches/${branch}`, {
      body: { head: 'master' },
    });
  }
  await server.ask('DELETE', '/repos/default/images/branches/lost');
  await server.json('PUT', '/repos/default/images/tags/v1', { body: { head: 'master' } });
  await server.json('POST', '/repos/default/images/commits', { body: { branch: 'open' } });
  const values = { password: Buffer.from('x').toString('base64') };
  await server.json('POST', '/secrets', { body: { name: 'db', values } });
  for (const name of ['edges', 'slow', 'idle', 'resting']) {
    await pipeline(server, name, { pfs: { repo: 'images', glob: '/*' } });
  }
  await put(server, { a: '1' }, 'broken');
  await pipeline(server, 'failing', { pfs: { repo: 'broken', glob: '/*' } });
  await server.json('POST', '/pipelines/default/resting/stop');
  await pipeline(server, 'nightly', { cron: { name: 'tick', spec: '@yearly' } });
  await pipeline(server, 'from-git', { git: { url } });
  await server.json('POST', '/auth/users', { body: { name: 'ann' } });
  const token = await server.json<{ id: string }>('POST', '/auth/tokens', {
    body: { user: 'ann' },
  });
  const job = await ended(server, 'edges');
  const { items: datums } = await server.json<Page<Datum>>(
    'GET',
    `/pipelines/default/edges/jobs/${job.id}/datums`,
  );
  const hooks = await server.json<{ hook: string }[]>('GET', '/pipelines/default/from-git/gits');
  return {
    server,
    values: new Map<unknown, string>([
      [EXAMPLE_PARAMS.id, job.id],
      [EXAMPLE_PARAMS.datum, datums[0]?.id ?? ''],
      ['the first commit', first.id],
      ['a token', TOKEN],
      ['the token of ann', token.id],
      ['the newest commit', second.id],
      ['the job of slow', (await ended(server, 'slow', 'running')).id],
      ['the job of failing', (await ended(server, 'failing', 'failure')).id],
      ['the hook of from-git', hooks[0]?.hook.split('/').at(-1) ?? ''],
      ['file:///backup', pathToFileURL(`${scratchDirectory(t)}/copy`).href],
      [
        'the exported keys',
        (await server.json<{ text: string }>('POST', '/secret-keys/export')).text,
      ],
    ]),
  };
}

/** Makes what an example uses up: an open transaction, a commit that was deleted. */
export async function arrange({ server, values }: ApiWorld): Promise<void> {
  const { id } = await server.json<{ id: string }>('POST', '/transactions');
  values.set('the open transaction', id);
  const lost = await put(server, { 'lost.csv': id }, 'images@side');
  await server.json('DELETE', `/commit-sets/${lost.id}`);
  values.set('the lost commit', lost.id);
  values.set('the spare commit', (await put(server, { a: id }, 'images@aside')).id);
  const body = 'autoscaling: true';
  await server.json('PUT', '/defaults/projects/default', { headers: TEXT, body });
}

/** Encodes the request of a session, whose user types nothing. */
export function sessionOf(request: unknown): Buffer {
  return Buffer.concat([
    encodeMessage(ASKED.request, request as object),
    encodeMessage(ASKED.inputEnd),
  ]);
}

async function put(
  server: TestServer,
  files: Readonly<Record<string, string>>,
  to = 'images',
): Promise<Commit> {
  const { text } = await server.put(to, files);
  return JSON.parse(text) as Commit;
}

async function pipeline(server: TestServer, name: string, input: object): Promise<void> {
  const spec = { pipeline: { name }, input, transform: { image: 'busybox', cmd: ['run'] } };
  await server.json('POST', '/pipelines', { headers: TEXT, body: JSON.stringify(spec) });
}

/** Returns the newest job of a pipeline, once it is in a state. */
async function ended(server: TestServer, name: string, state = 'success'): Promise<Job> {
  const { jobs } = server.engine.pfs.context.journal.state;
  const key = `default/${name}`;
  const { id } = await server.engine.until(() =>
    [...jobs.values()].findLast((job) => job.pipeline === key && job.state === state),
  );
  return await server.json<Job>('GET', `/pipelines/${key}/jobs/${id}`);
}
