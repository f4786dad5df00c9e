import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { encodeFiles } from '../../../cli/frame-encoder.ts';
import { walk } from '../../../cli/walk.ts';
import { decodeFrames } from '../../../engine/server/frames.ts';
import { chosenSeed } from '../../support/seed.ts';
import { FakeEngine, runCli, sendJson, sendProblem } from './fake-engine.ts';

interface Stored {
  readonly data: Buffer;
  readonly executable: boolean;
}

let engine: FakeEngine;
let folder: string;

before(async () => {
  engine = await FakeEngine.start();
});
after(() => engine.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pfs-upload-'));
  engine.seen.length = 0;
  engine.early = undefined;
  engine.handler = (_, response) => sendJson(response, 200, { id: 'c', branch: 'b' });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('put file', () => {
  it('sends a thousand random files so that every byte and mode arrives', async () => {
    const seed = chosenSeed();
    console.log(`seed: PFS_SEED=${seed}`);
    const random = generator(seed);
    const files = new Map<string, Stored>();
    for (let i = 0; i < 1000; i += 1) {
      const name = `${'dé/'.repeat(random(3))}${['ü', 'a b', 'x', '日本'][random(4)]}${i}`;
      const size = random(40) === 0 ? random(3 * 1024 * 1024) : random(6000);
      const data = Buffer.alloc(size, `${random(1000)}-`);
      const executable = random(5) === 0;
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, data);
      chmodSync(file, executable ? 0o755 : 0o644);
      files.set(`/${name}`, { data, executable });
    }
    for (const [i, size] of [
      0,
      131_071,
      131_072,
      131_073,
      1024 * 1024,
      2 * 1024 * 1024,
    ].entries()) {
      const data = Buffer.alloc(size, 'edge');
      writeFileSync(join(folder, `edge${i}`), data);
      files.set(`/edge${i}`, { data, executable: false });
    }
    const { code, stderr } = await put(['x@b:/', '-r', '-f', folder]);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const arrived = await received();
    assert.equal(arrived.size, files.size);
    for (const [path, { data, executable }] of files) {
      assert.ok(arrived.get(path)?.data.equals(data), `content of ${path}`);
      assert.equal(arrived.get(path)?.executable, executable, `mode of ${path}`);
    }
  });

  it('names what it puts by the rules for targets', async () => {
    mkdirSync(join(folder, 'dir/sub'), { recursive: true });
    for (const name of ['a.csv', 'b.csv', 'dir/one', 'dir/sub/two']) {
      writeFileSync(join(folder, name), name);
    }
    const a = join(folder, 'a.csv');
    const b = join(folder, 'b.csv');
    const dir = join(folder, 'dir');
    const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
      [['x', 'b', '-f', a], ['/a.csv']],
      [['x', 'b', '/', '-f', a], ['/a.csv']],
      [['x', 'b', 'other.csv', '-f', a], ['/other.csv']],
      [['x@b:/raw/', '-f', a], ['/raw/a.csv']],
      [
        ['x@b:/raw', '-f', a, '-f', b],
        ['/raw/a.csv', '/raw/b.csv'],
      ],
      [['x@b', '-f', a, '--full-path'], [a]],
      [
        ['x@b', '-r', '-f', dir],
        ['/dir/one', '/dir/sub/two'],
      ],
      [
        ['x@b', '-r', '-f', `${dir}/`],
        ['/dir/one', '/dir/sub/two'],
      ],
      [
        ['x@b', '-r', '-f', `${dir}/.`],
        ['/one', '/sub/two'],
      ],
      [
        ['x@b:/', '-r', '-f', dir],
        ['/one', '/sub/two'],
      ],
      [
        ['x@b:/p/q', '-r', '-f', dir],
        ['/p/q/one', '/p/q/sub/two'],
      ],
      [
        ['x@b:/p', '-r', '-f', dir, '-f', a],
        ['/p/dir/one', '/p/dir/sub/two', '/p/a.csv'],
      ],
    ];
    for (const [args, paths] of cases) {
      const { stderr } = await put(args);
      assert.equal(stderr, '');
      assert.deepEqual([...(await received()).keys()], paths, args.join(' '));
    }
  });

  it('says in the request what the flags say', async () => {
    const file = join(folder, 'f');
    writeFileSync(file, 'x');
    await put(['x', 'b', '-c', '-a', '-m', 'why', '-o', '-f', file]);
    const [request] = engine.seen;
    assert.equal(request?.path, '/repos/default/x/files/b');
    assert.deepEqual(request?.query, { own: 'true', append: 'true', description: 'why' });
    assert.match(String(request?.headers['idempotency-key']), /^[0-9a-f]{32}$/);
  });

  it('takes standard input under a path, and only then', async () => {
    await put(['x@b:/log'], 'from a pipe');
    assert.equal((await received()).get('/log')?.data.toString(), 'from a pipe');
    await put(['x', 'b', 'log', '-f', '-'], '');
    assert.equal((await received()).get('/log')?.data.length, 0);
    const { code, stderr } = await put(['x@b', '-f', '-'], 'text');
    assert.equal(code, 2);
    assert.match(stderr, /Standard input has no name/);
  });

  it('takes the sources that a list names', async () => {
    const file = join(folder, 'f');
    const list = join(folder, 'list');
    writeFileSync(file, 'x');
    writeFileSync(list, `${file}\n\n`);
    await put(['x@b', '-i', list]);
    assert.deepEqual([...(await received()).keys()], ['/f']);
  });

  it('fetches URLs, and stores nothing of one that fails', async () => {
    const web = await FakeEngine.start();
    web.handler = ({ path }, response) => {
      response.statusCode = path.endsWith('missing.csv') ? 404 : 200;
      response.end('1,2');
    };
    await put(['x@b', '-f', `${web.address}/api/v1/iris.csv?v=1`]);
    assert.equal((await received()).get('/iris.csv')?.data.toString(), '1,2');
    const { code, stderr } = await put(['x@b', '-f', `${web.address}/api/v1/missing.csv`]);
    await web.stop();
    assert.equal(code, 3);
    assert.match(stderr, /answered 404/);
    assert.equal(engine.seen.length, 0);
  });

  const refused: readonly (readonly [string, () => readonly string[], RegExp, number])[] = [
    ['a target that looks like a URL', () => ['x', 'b', 'http://h/f'], /did you mean -f http/, 2],
    [
      'the same in the combined form',
      () => ['x@b:http://h/f', '-f', folder],
      /did you mean -f http/,
      2,
    ],
    ['a directory without -r', () => ['x@b', '-f', folder], /add -r/, 2],
    ['a file that is missing', () => ['x@b', '-f', join(folder, 'none')], /does not exist/, 3],
    ['a repo without a branch', () => ['x', '-f', folder], /x@master/, 2],
    [
      'two files for one path',
      () => ['x@b', '-f', make('p/f'), '-f', make('q/f')],
      /Cannot put both/,
      2,
    ],
    ['other protocols', () => ['x@b', '-f', 'gs://bucket/f'], /only http, https and s3/, 2],
  ];
  for (const [what, args, message, exit] of refused) {
    it(`refuses ${what}`, async () => {
      const { code, stderr } = await put(args());
      assert.match(stderr, message);
      assert.equal(code, exit);
      assert.equal(engine.seen.length, 0);
    });
  }

  it('stops when the engine refuses before the end', async () => {
    engine.early = (response) => {
      sendProblem(response, 'failed_precondition', 'Cannot put into "x@b": commit c is open');
      return true;
    };
    writeFileSync(join(folder, 'big'), Buffer.alloc(64 * 1024 * 1024));
    const { code, stderr } = await put(['x@b', '-f', join(folder, 'big')]);
    assert.equal(stderr, 'Cannot put into "x@b": commit c is open\n');
    assert.equal(code, 4);
  });

  it('is not replayed, and says so, when the engine dies in the middle', async () => {
    let requests = 0;
    engine.early = (_, incoming) => {
      requests += 1;
      incoming.once('data', () => incoming.destroy());
      return true;
    };
    writeFileSync(join(folder, 'big'), Buffer.alloc(16 * 1024 * 1024));
    const { code, stderr } = await put(['x@b', '-f', join(folder, 'big')]);
    assert.match(stderr, /broke the connection .*pfs engine logs/);
    assert.equal(code, 5);
    assert.equal(requests, 1);
  });

  it('leaves the stream without its end when interrupted', async () => {
    const interrupt = new AbortController();
    const cut = new Promise<number>((resolve) => {
      engine.early = (_, incoming) => {
        let got = 0;
        incoming.on('data', (chunk: Buffer) => {
          got += chunk.length;
          interrupt.abort();
        });
        incoming.once('close', () => resolve(got));
        incoming.on('error', () => undefined);
        return true;
      };
    });
    const size = 512 * 1024 * 1024;
    const file = join(folder, 'big');
    writeFileSync(file, '');
    truncateSync(file, size);
    const { code, stderr } = await put(['x@b', '-f', file], undefined, interrupt.signal);
    assert.equal(code, 130);
    assert.equal(stderr, 'Interrupted\n');
    assert.ok((await cut) < size);
  });
});

describe('encodeFiles()', () => {
  for (const size of [1000, 5 * 1024 * 1024]) {
    for (const change of ['grows', 'shrinks'] as const) {
      it(`fails when a file of ${size} bytes ${change} while it is read`, async () => {
        const file = join(folder, 'f');
        writeFileSync(file, Buffer.alloc(size));
        const alter = (): void => {
          if (change === 'grows') {
            appendFileSync(file, 'more');
          } else {
            truncateSync(file, size - 1);
          }
        };
        await assert.rejects(
          async () => {
            // A small file is altered between its being stated and its being read.
            const spied = size < 10_000 ? [spy(file, alter)] : [{ path: '/f', from: file }];
            for await (const _ of encodeFiles(spied)) {
              alter();
            }
          },
          { code: 'io', message: /changed while it was read/ },
        );
      });
    }
  }
});

describe('walk()', () => {
  const names = (): readonly string[] => [...walk(folder)].map(([, below]) => below);

  it('yields in the order of bytes', () => {
    for (const name of ['b', 'a.x', 'a/1', 'Z', 'é', '\uff5e', '😀']) {
      make(name);
    }
    assert.deepEqual(names(), ['/Z', '/a/1', '/a.x', '/b', '/é', '/\uff5e', '/😀']);
  });

  it('follows links to files and folders', () => {
    make('real/f');
    symlinkSync('real', join(folder, 'folder'));
    symlinkSync('real/f', join(folder, 'link'));
    assert.deepEqual(names(), ['/folder/f', '/link', '/real/f']);
  });

  it('names a link that dangles, one that leads up, and one that leads to itself', () => {
    for (const target of ['nowhere', '.', 'bad']) {
      symlinkSync(target, join(folder, 'bad'));
      assert.throws(names, (error: Error) => error.message.includes(join(folder, 'bad')), target);
      rmSync(join(folder, 'bad'));
    }
  });

  it('refuses pipes and sockets, and does not hang on them', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    assert.throws(names, /pipe": it is a named pipe/);
    rmSync(join(folder, 'pipe'));
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(folder, 'sock'), done));
    assert.throws(names, /sock": it is a socket/);
    await new Promise((done) => server.close(done));
  });
});

async function put(
  args: readonly string[],
  stdin?: string,
  signal?: AbortSignal,
): ReturnType<typeof runCli> {
  return runCli(['put-file', ...args], {
    address: engine.address,
    ...(stdin === undefined ? {} : { stdin }),
    ...(signal ? { signal } : {}),
  });
}

function make(name: string): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, name);
  return file;
}

/** The files of the last request. */
async function received(): Promise<Map<string, Stored>> {
  const body = engine.seen.splice(0).at(-1)?.body ?? Buffer.alloc(0);
  async function* source(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < body.length; at += 65_536) {
      yield body.subarray(at, at + 65_536);
    }
  }
  const parts = new Map<string, { pieces: Buffer[]; executable: boolean }>();
  for await (const batch of decodeFrames(source())) {
    for (const part of batch) {
      const file = parts.get(part.path) ?? { pieces: [], executable: part.executable };
      file.pieces.push(Buffer.from(part.data));
      parts.set(part.path, file);
    }
  }
  return new Map(
    [...parts].map(([path, { pieces, executable }]) => [
      path,
      { data: Buffer.concat(pieces), executable },
    ]),
  );
}

/** A file whose content is altered once its size is known: reading its path for the frame comes after that. */
function spy(from: string, alter: () => void): { readonly path: string; readonly from: string } {
  let asked = 0;
  return {
    from,
    get path() {
      asked += 1;
      if (asked === 1) {
        alter();
      }
      return '/f';
    },
  };
}

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}
