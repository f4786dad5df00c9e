// A repo with a history: files of every kind, a branch that was merged, a commit that changed text and a picture, a tag, and a
// pipeline that read one file.

import type { TestContext } from 'node:test';
import type { Branch, Commit, Page } from '../../../engine/server/wire.ts';
import type { TestServer } from '../../support/server.ts';
import { FOLDER, picture } from './contents.ts';
import { servePage } from './visit.ts';

export const DEEP_FILE = 'deep/er/file with spaces & ümlaut?.txt';

export interface RichRepo {
  readonly server: TestServer;
  /** The first commit, the one that corrected the log and the picture, and the newest. */
  readonly first: string;
  readonly correction: string;
  readonly newest: string;
}

/** Serves the page with the repo `data`, and `copy` that the pipeline makes of it. */
export async function serveRichRepo(t: TestContext): Promise<RichRepo> {
  const server = await servePage(t);
  server.engine.executor.setCode('copy', async (run) => {
    for (const [path, text] of Object.entries(run.input('data'))) {
      run.write(path, text);
    }
  });
  const repos = '/repos/default/data';
  const description = 'What the north station sends';
  await server.json('POST', '/repos', { body: { project: 'default', name: 'data', description } });
  const first = await put(server, 'data', FOLDER, 'First measurements');
  const spec = {
    pipeline: { name: 'copy' },
    transform: { image: 'busybox', cmd: ['run'] },
    input: { pfs: { repo: 'data', glob: '/deep/er/*' } },
  };
  const headers = { 'content-type': 'text/plain' };
  const body = JSON.stringify(spec);
  await server.json('POST', '/pipelines?file=copy.json', { headers, body });
  await server.json<Branch>('PUT', `${repos}/branches/side`, { body: { head: 'master' } });
  await put(server, 'data', { 'notes/1.txt': 'one\n' }, 'A note');
  await put(server, 'data@side', { 'side/1.txt': 'one\n' }, 'Side work');
  const merge = { source: 'side', description: 'Bring the side in' };
  await server.json('POST', `${repos}/branches/master/merge`, { body: merge });
  const lines = String(FOLDER['log.txt']).split('\n');
  lines[10] = 'line 10 of the new log';
  lines.splice(40, 3);
  lines.splice(100, 0, 'a line that is new');
  const corrected = { 'log.txt': lines.join('\n'), 'picture.png': picture([20, 120, 220]) };
  const correction = await put(server, 'data', corrected, 'Correct the log and the picture');
  const gone = { body: { paths: ['/empty'] } };
  await server.json('POST', `${repos}/files/master/delete?description=Tidy`, gone);
  await server.json('PUT', `${repos}/tags/v1`, { body: { head: first } });
  await server.engine.settled();
  const { items } = await server.json<Page<Commit>>(
    'GET',
    `${repos}/commits?branch=master&limit=1`,
  );
  return { server, first, correction, newest: items[0]?.id ?? '' };
}

/** Puts files as one commit with a message, and returns its id. */
export async function put(
  server: TestServer,
  to: string,
  files: Readonly<Record<string, string | Buffer>>,
  description: string,
): Promise<string> {
  const query = `?description=${encodeURIComponent(description)}`;
  const { text } = await server.put(to, files, { query });
  return (JSON.parse(text) as Commit).id;
}
