// Makes the store of format 1 that every later version must read, with one of everything in it:
//   node --import tsx test/format/make-store.ts   →   test/data/format-1.tar.gz and test/data/format-1.json
// It is kept as it was made; run this again only to start the data of another format.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { GEAR } from '../../engine/content/gear.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { newFormat } from '../../engine/object/format.ts';
import { putBranch } from '../../engine/pfs/branches.ts';
import { startCommit } from '../../engine/pfs/commits.ts';
import { mergeBranch } from '../../engine/pfs/merge.ts';
import { deleteRepo } from '../../engine/pfs/repos.ts';
import { putTag } from '../../engine/pfs/tags.ts';
import { Compactor } from '../../engine/upkeep/compactor.ts';
import { Pace } from '../../engine/upkeep/pace.ts';
import { TestEngine } from '../support/engine.ts';
import { ACTOR, put } from '../support/pfs.ts';

const DATA = 'default/data';
const MIN_CHUNK_BYTES = 2 * 1024 * 1024;

/** A file of two chunks that compresses to nothing: a cut is found where 32 bytes are right. */
function twoChunks(): Buffer {
  const window = Buffer.alloc(32);
  for (let tries = 0; ; tries++) {
    window.writeUInt32BE(tries, 28);
    let hash = 0;
    for (const byte of window) {
      hash = ((hash << 1) + (GEAR[byte] ?? 0)) | 0;
    }
    if ((hash & (0xffff_fe00 | 0)) === 0) {
      return Buffer.concat([Buffer.alloc(MIN_CHUNK_BYTES), window, Buffer.alloc(1000, 'tail')]);
    }
  }
}

async function fill(directory: string, after: (() => Promise<void> | void)[]): Promise<void> {
  const clock = new SystemClock();
  const store = await FilesystemObjectStore.open(directory, { clock, random: new SeededRandom(1) });
  await store.put('format', newFormat('0193f1f1f1f170008000000000000001'));
  const engine = await TestEngine.start(
    { after: (done: () => Promise<void> | void) => void after.push(done) } as never,
    { store },
  );
  const { pfs } = engine;
  const { context } = pfs;
  await engine.repos('data', 'gone');
  await put(
    pfs,
    'data@master',
    {
      'a.txt': 'one',
      'dir/ünïcödé – name.txt': 'names are UTF-8',
      'dir/sub/deep': 'three levels down',
      tool: '#!/bin/sh\n',
      large: twoChunks(),
      'looks-like-git-lfs': 'version https://git-lfs.github.com/spec/v1\n',
    },
    { executable: ['tool'] },
  );
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`many/file-${i}`, `${i}`]),
  );
  await put(pfs, 'data@master', many);
  for (let i = 0; i < 6; i++) {
    await put(pfs, 'data@master', {
      [`many/file-${i * 7}`]: `changed ${i}`,
      'a.txt': `version ${i}`,
    });
  }
  engine.executor.setCode('count', async (run) => {
    await run.print('counting\n');
    for (const [path, text] of Object.entries(run.input('data'))) {
      run.write(path, String(text.length));
    }
  });
  await engine.pipeline({ name: 'count', input: 'data', glob: '/dir' });
  await engine.settled();
  await put(pfs, 'gone@master', { x: 'y' });
  await context.journal.snapshot();
  await putBranch(context, { repo: DATA, branch: 'dev', head: 'master^^' }, ACTOR);
  await put(pfs, 'data@dev', { 'dir/new': 'from dev' });
  const merge = {
    repo: DATA,
    into: 'master',
    from: 'dev',
    fastForward: true,
    description: 'merged',
  };
  await mergeBranch(context, merge, ACTOR);
  await engine.settled();
  const tag = { repo: DATA, name: 'v1.0', head: 'master^', description: '', force: false };
  await putTag(context, tag, ACTOR);
  const onProblem = (error: unknown) => {
    throw error;
  };
  await new Compactor(context, { onProblem }).compact({ minPacks: 2, pace: new Pace({ clock }) });
  await context.journal.snapshot();
  await deleteRepo(context, { key: 'default/gone', force: false }, ACTOR);
  await startCommit(context, { repo: DATA, branch: 'dev', description: 'left open' }, ACTOR);
  await put(pfs, 'data@dev', { 'dir/unfinished': 'not yet' });
}

const here = fileURLToPath(new URL('.', import.meta.url));
const target = join(here, '../data/format-1');
const directory = mkdtempSync(join(tmpdir(), 'pfs-format-'));
const after: (() => Promise<void> | void)[] = [];
await fill(directory, after);
for (const done of after.reverse()) {
  await done();
}
rmSync(join(directory, '.tmp'), { recursive: true, force: true });
const found = execFileSync(process.execPath, [join(here, 'reader.mjs'), directory], {
  maxBuffer: 1e8,
});
writeFileSync(`${target}.json`, found);
execFileSync('tar', [
  '--create',
  '--gzip',
  '--file',
  `${target}.tar.gz`,
  '--directory',
  directory,
  '.',
]);
rmSync(directory, { recursive: true });
