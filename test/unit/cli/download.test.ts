import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  encodeFrameEnd,
  encodeFrameHeader,
  FRAME_EXECUTABLE,
  FRAME_FILE,
  FRAME_PIECE,
} from '../../../engine/server/frames.ts';
import { FakeEngine, type Ran, runCli, sendJson, sendProblem } from './fake-engine.ts';

let engine: FakeEngine;
let folder: string;

before(async () => {
  engine = await FakeEngine.start();
});
after(() => engine.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pfs-download-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('get file -r', () => {
  it('writes files below the folder, with their bits, and leaves nothing else', async () => {
    serve([
      frame(FRAME_FILE, '/a', 'one'),
      frame(FRAME_EXECUTABLE, 'dir/run', '#!'),
      frame(FRAME_PIECE, '/dir/big', 'x'.repeat(100_000)),
      frame(FRAME_FILE, '/dir/big', 'y'),
      encodeFrameEnd(4),
    ]);
    const { code, stderr } = await get();
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.equal(readFileSync(join(folder, 'out/a'), 'utf8'), 'one');
    assert.equal(readFileSync(join(folder, 'out/dir/big'), 'utf8'), `${'x'.repeat(100_000)}y`);
    assert.equal(statSync(join(folder, 'out/dir/run')).mode & 0o100, 0o100);
    assert.equal(statSync(join(folder, 'out/a')).mode & 0o111, 0);
    assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['a', 'dir']);
  });

  it('merges into folders that are there and replaces files', async () => {
    mkdirSync(join(folder, 'out/dir'), { recursive: true });
    writeFileSync(join(folder, 'out/dir/old'), 'stays');
    writeFileSync(join(folder, 'out/dir/new'), 'replaced');
    serve([frame(FRAME_FILE, 'dir/new', 'fresh'), encodeFrameEnd(1)]);
    await get();
    assert.equal(readFileSync(join(folder, 'out/dir/new'), 'utf8'), 'fresh');
    assert.equal(readFileSync(join(folder, 'out/dir/old'), 'utf8'), 'stays');
  });

  for (const path of [
    '../escaped',
    '/a/../../escaped',
    'a/./b',
    '//escaped',
    'a//b',
    'a\0b',
    '..',
    '',
  ]) {
    it(`refuses the path ${JSON.stringify(path)} and writes nothing`, async () => {
      serve([frame(FRAME_FILE, 'fine', 'x'), frame(FRAME_FILE, path, 'x'), encodeFrameEnd(2)]);
      const { code, stderr } = await get();
      assert.equal(code, 1);
      assert.match(stderr, /leads out of the folder/);
      assert.equal(existsSync(join(folder, 'out')), false);
      assert.equal(existsSync(join(folder, 'escaped')), false);
    });
  }

  it('does not write through a symbolic link that stands in the way', async () => {
    mkdirSync(join(folder, 'out'));
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync('../elsewhere', join(folder, 'out/dir'));
    serve([frame(FRAME_FILE, 'first', 'x'), frame(FRAME_FILE, 'dir/f', 'x'), encodeFrameEnd(2)]);
    const { code, stderr } = await get();
    assert.equal(code, 4);
    assert.match(stderr, /a symbolic link stands there/);
    assert.deepEqual(readdirSync(join(folder, 'elsewhere')), []);
    assert.deepEqual(readdirSync(join(folder, 'out')), ['dir']);
  });

  it('writes thousands of files by threads, small, empty and large ones', async () => {
    const sizes = Array.from({ length: 3000 }, (_, i) =>
      i % 700 === 3 ? 1_500_000 : (i * 37) % 4096,
    );
    const content = (i: number): string => String.fromCharCode(97 + (i % 26)).repeat(sizes[i] ?? 0);
    serve([
      ...sizes.map((_, i) => frame(i % 5 ? FRAME_FILE : FRAME_EXECUTABLE, nameOf(i), content(i))),
      encodeFrameEnd(sizes.length),
    ]);
    const { code, stderr } = await get();
    assert.equal(stderr, '');
    assert.equal(code, 0);
    for (const i of sizes.keys()) {
      const file = join(folder, 'out', nameOf(i));
      assert.equal(readFileSync(file, 'utf8'), content(i), nameOf(i));
      assert.equal(statSync(file).mode & 0o100, i % 5 ? 0 : 0o100);
    }
    assert.equal(readdirSync(join(folder, 'out'), { recursive: true }).length, 3000 + 30);
  });

  for (const again of [0, 2000, 3999]) {
    it(`writes nothing where a thread finds the place of file ${again} taken`, async () => {
      const names = Array.from({ length: 4000 }, (_, i) => nameOf(i));
      const frames = [...names, nameOf(again)].map((name) =>
        frame(FRAME_FILE, name, 'x'.repeat(999)),
      );
      serve([...frames, encodeFrameEnd(frames.length)]);
      const { code, stderr } = await get();
      assert.equal(code, 1);
      assert.match(stderr, /Cannot write "d\d+\/\d+": another file has the same name here/);
      assert.ok(stderr.includes(nameOf(again)), stderr);
      assert.equal(existsSync(join(folder, 'out')), false);
    });
  }

  it('writes nothing when the stream breaks off', async () => {
    serve([frame(FRAME_FILE, 'a', 'x')]);
    const { code, stderr } = await get();
    assert.equal(code, 5);
    assert.match(stderr, /nothing was written/);
    assert.equal(existsSync(join(folder, 'out')), false);
  });

  it('writes nothing when the engine dies in the middle', async () => {
    engine.handler = (_, response) => {
      response.write(frame(FRAME_FILE, 'a', 'x'), () => response.destroy());
    };
    const { code, stderr } = await get();
    assert.equal(code, 5);
    assert.match(stderr, /broke the connection while it sent data/);
    assert.equal(existsSync(join(folder, 'out')), false);
  });

  it('writes nothing when interrupted', async () => {
    const interrupt = new AbortController();
    engine.handler = (_, response) => {
      response.write(frame(FRAME_FILE, 'a', 'x'));
      const watch = (): void => {
        if (existsSync(join(folder, 'out'))) {
          interrupt.abort();
        } else {
          setImmediate(watch);
        }
      };
      watch();
    };
    const { code } = await get(interrupt.signal);
    assert.equal(code, 130);
    assert.equal(existsSync(join(folder, 'out')), false);
  });
});

describe('get file', () => {
  const one = (): void => {
    engine.handler = ({ path }, response) => {
      if (path.endsWith('/inspect')) {
        sendJson(response, 200, { path: '/f', type: 'file', size: 5, executable: true });
      } else {
        response.end('bytes');
      }
    };
  };

  it('prints to standard output', async () => {
    one();
    assert.equal((await run(['x@b:/f'])).stdout, 'bytes');
  });

  it('writes one file whole, executable where it was', async () => {
    one();
    const file = join(folder, 'g');
    assert.equal((await run(['x@b:/f', '-o', file])).stderr, '');
    assert.equal(readFileSync(file, 'utf8'), 'bytes');
    assert.equal(statSync(file).mode & 0o100, 0o100);
    assert.deepEqual(readdirSync(folder), ['g']);
  });

  it('writes into a folder under the own name', async () => {
    one();
    await run(['x@b:/f', '-o', folder]);
    assert.deepEqual(readdirSync(folder), ['f']);
  });

  it('keeps the old file when the engine dies in the middle', async () => {
    const file = join(folder, 'g');
    writeFileSync(file, 'old');
    engine.handler = ({ path }, response) => {
      if (path.endsWith('/inspect')) {
        sendJson(response, 200, { path: '/f', type: 'file', size: 5, executable: false });
      } else {
        response.write('half', () => response.destroy());
      }
    };
    assert.equal((await run(['x@b:/f', '-o', file])).code, 5);
    assert.equal(readFileSync(file, 'utf8'), 'old');
    assert.deepEqual(readdirSync(folder), ['g']);
  });

  it('passes on that a file does not exist', async () => {
    engine.handler = (_, response) =>
      sendProblem(response, 'not_found', 'Cannot find file "/f": it is not in x@b');
    const { code, stderr } = await run(['x@b:/f']);
    assert.equal(code, 3);
    assert.equal(stderr, 'Cannot find file "/f": it is not in x@b\n');
  });
});

describe('export repo', () => {
  it('writes the files and the folders that Git needs', async () => {
    serve([frame(FRAME_FILE, 'HEAD', 'ref: refs/heads/master\n'), encodeFrameEnd(1)]);
    const target = join(folder, 'x.git');
    const { code } = await runCli(['export-repo', 'x', target], { address: engine.address });
    assert.equal(code, 0);
    assert.deepEqual(readdirSync(target).sort(), ['HEAD', 'objects', 'refs']);
  });

  it('refuses a folder that holds something', async () => {
    writeFileSync(join(folder, 'f'), '');
    const { code } = await runCli(['export-repo', 'x', folder], { address: engine.address });
    assert.equal(code, 4);
  });
});

async function get(signal?: AbortSignal): Promise<Ran> {
  return runCli(['get-file', '-r', 'x@b:/', '-o', join(folder, 'out')], {
    address: engine.address,
    ...(signal ? { signal } : {}),
  });
}

async function run(args: readonly string[]): Promise<Ran> {
  return runCli(['get-file', ...args], { address: engine.address });
}

function nameOf(i: number): string {
  return `d${Math.floor(i / 100)}/${i}`;
}

function frame(kind: number, path: string, data: string): Buffer {
  return Buffer.concat([encodeFrameHeader(kind, path, Buffer.byteLength(data)), Buffer.from(data)]);
}

function serve(frames: readonly Buffer[]): void {
  engine.handler = (_, response) => response.end(Buffer.concat(frames));
}
