import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { SentBatch } from '../../../engine/hosting/batch-door.ts';
import { batchDoors } from '../../../engine/server/batch-doors.ts';
import { eventually } from '../../support/eventually.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pfs-doors-'));
/** What a batch held, by path; directories are not told. */
type Held = Record<string, string>;

class Door {
  readonly batches: { readonly held: Held; readonly batch: SentBatch }[] = [];
  readonly faults: unknown[] = [];
  readonly refused: unknown[] = [];
  readonly directory: string;
  #door: Awaited<ReturnType<ReturnType<typeof batchDoors>['open']>> | undefined;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  async open(): Promise<void> {
    const doors = batchDoors({ onFault: (error) => this.faults.push(error) });
    this.#door = await doors.open({ directory: this.directory, name: 'sock' }, async (batch) => {
      const directory = join(scratch, `batch-${Door.#count++}`);
      mkdirSync(directory);
      try {
        await batch.fill(directory);
      } catch (error) {
        this.refused.push(error);
        throw error;
      }
      this.batches.push({ held: heldIn(directory), batch });
      return 'the commit';
    });
  }

  async close(): Promise<void> {
    await this.#door?.close();
  }

  static #count = 0;
}

function heldIn(directory: string, below = ''): Held {
  const held: Held = {};
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) {
      Object.assign(held, heldIn(path, `${below}${name}/`));
    } else {
      held[`${below}${name}`] = readFileSync(path, 'utf8');
    }
  }
  return held;
}

async function tar(
  ...entries: readonly (readonly [
    header: Parameters<ReturnType<typeof pack>['entry']>[0],
    text?: string,
  ])[]
): Promise<Buffer> {
  const archive = pack();
  for (const [header, text = ''] of entries) {
    archive.entry(header, text);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function send(
  door: Door,
  asked: { method: string; path: string; body?: Buffer | string; headers?: Record<string, string> },
): Promise<{ status: number; said: Record<string, unknown> }> {
  const { method, path, body = '', headers = {} } = asked;
  return new Promise((resolve, reject) => {
    const socketPath = join(door.directory, 'sock');
    const sent = request({ socketPath, method, path, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, said: JSON.parse(text) }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('the door for batches', { timeout: 60_000 }, () => {
  const door = new Door(join(scratch, 'door'));
  after(async () => {
    await door.close();
    rmSync(scratch, { recursive: true });
  });

  it('takes files and tars, plain and gzipped, with marker and key', async () => {
    await door.open();
    const archive = await tar([{ name: 'a' }, 'one'], [{ name: './deep/b' }, 'two']);
    const sent = [
      { method: 'PUT', path: '/v1/files/deep/a%20file%3F?marker=7', body: 'x' },
      {
        method: 'PUT',
        path: '/v1/files/z.gz',
        body: 'x',
        headers: { 'content-type': 'application/gzip' },
      },
      {
        method: 'PUT',
        path: '/v1/files/z',
        body: gzipSync('x'),
        headers: { 'content-encoding': 'gzip' },
      },
      {
        method: 'POST',
        path: '/v1/batches',
        body: archive,
        headers: { 'idempotency-key': 'mine' },
      },
      {
        method: 'POST',
        path: '/v1/batches',
        body: gzipSync(archive),
        headers: { 'content-type': 'application/gzip' },
      },
      {
        method: 'POST',
        path: '/v1/batches?marker=',
        body: gzipSync(archive),
        headers: { 'content-encoding': 'gzip' },
      },
    ];
    for (const one of sent) {
      assert.deepEqual(await send(door, one), { status: 200, said: { commit: 'the commit' } });
    }
    const both = { a: 'one', 'deep/b': 'two' };
    const told = door.batches.map(({ held, batch: { marker, key } }) => [held, marker, key]);
    assert.deepEqual(told, [
      [{ 'deep/a file?': 'x' }, '7', undefined],
      [{ 'z.gz': 'x' }, undefined, undefined],
      [{ z: 'x' }, undefined, undefined],
      [both, undefined, 'mine'],
      [both, undefined, undefined],
      [both, '', undefined],
    ]);
  });

  it("refuses what it can't take with the reason, however long, before it goes on", async () => {
    const before = door.batches.length;
    const long = Buffer.alloc(20 * 1024 * 1024, 'x');
    const whole = await tar([{ name: 'a' }, 'x'.repeat(5000)]);
    const endless = Buffer.from(await tar([{ name: 'a' }, 'x']));
    // A size of more bytes than numbers have; and the sum of the header is to be right.
    endless.fill(0xff, 124, 136);
    endless[124] = 0x81;
    endless.write('        ', 148);
    const sum = endless.subarray(0, 512).reduce((all, byte) => all + byte, 0);
    endless.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const put = (path: string, body: Buffer | string = 'x') => ({ method: 'PUT', path, body });
    const post = (body: Buffer | string, headers = {}) => ({
      method: 'POST',
      path: '/v1/batches',
      body,
      headers,
    });
    const refusals = [
      [put('/v1/files/'), 400, /is empty/],
      [put('/v1/files/', long), 400, /is empty/],
      [put('/v1/files/../up'), 400, /"\.\."/],
      [put('/v1/files/a%2f..%2f..%2fup'), 400, /"\.\."/],
      [put('/v1/files/%ff'), 400, /not UTF-8/],
      [put(`/v1/files/${'long/'.repeat(1000)}`), 400, /longer than/],
      [put('/v1/files/a?mark=1'), 400, /no parameter "mark"/],
      [
        put(`/v1/files/${`${'d'.repeat(250)}/`.repeat(16)}${'e'.repeat(70)}`),
        400,
        /a path is too long/,
      ],
      [{ ...put('/v1/files/a'), headers: { 'idempotency-key': '' } }, 400, /Key is empty/],
      [{ ...put('/v1/files/a'), headers: { 'content-encoding': 'br' } }, 400, /encoded as "br"/],
      [{ ...put('/v1/files/a'), headers: { 'content-encoding': 'gzip' } }, 400, /no whole gzip/],
      [post('x'.repeat(2000)), 400, /send a tar, gzipped or not/],
      [post(long), 400, /send a tar, gzipped or not/],
      [post(whole.subarray(0, 3000)), 400, /send a tar, gzipped or not/],
      [post(whole.subarray(0, whole.length - 1024)), 400, /the archive has no end/],
      [post(endless), 400, /its size is no number/],
      [post(await tar([{ name: 'a', type: 'link', linkname: 'b' }])), 400, /a link leads nowhere/],
      [post(gzipSync(whole)), 400, /send a tar, gzipped or not/],
      [post(whole, { 'content-type': 'application/gzip' }), 400, /no whole gzip/],
      [post(await tar([{ name: '../up' }, 'x'])), 400, /leads out/],
      [post(await tar([{ name: 'pipe', type: 'fifo' }])), 400, /a pipe/],
      [post(await tar([{ name: 'a' }, 'x'], [{ name: 'a' }, 'y'])), 400, /stand at one path/],
      [
        post(await tar([{ name: 'a', type: 'symlink', linkname: '/tmp' }], [{ name: 'a/b' }, 'x'])),
        400,
        /stand at one path/,
      ],
      [{ method: 'GET', path: '/v1/batches' }, 404, /send a file with PUT/],
      [{ method: 'POST', path: '/v1/files/a' }, 404, /send a file with PUT/],
    ] as const;
    for (const [asked, status, reason] of refusals) {
      const answer = await send(door, asked);
      assert.equal(
        answer.status,
        status,
        `${asked.path.slice(0, 40)}: ${JSON.stringify(answer.said)}`,
      );
      assert.match(String(answer.said.detail), reason);
      assert.equal(answer.said.code, status === 404 ? 'not_found' : 'invalid');
    }
    assert.equal(door.batches.length, before, 'none was taken');
    assert.deepEqual(door.faults, []);
  });

  it('lets nobody have more than one request under way on a connection', async () => {
    const own = new Door(join(scratch, 'own'));
    await own.open();
    const socket = connect(join(own.directory, 'sock'));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.resume();
    const one = 'PUT /v1/files/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx';
    socket.write(one.repeat(1000));
    await closed;
    await own.close();
    assert.ok(own.batches.length <= 1, `${own.batches.length} were taken`);
  });

  it('takes nothing of a body that breaks off', async () => {
    const [before, refused] = [door.batches.length, door.refused.length];
    const socketPath = join(door.directory, 'sock');
    for (const path of ['/v1/files/half', '/v1/batches']) {
      const method = path === '/v1/batches' ? 'POST' : 'PUT';
      const headers = { 'content-length': '100000' };
      const cut = request({ socketPath, method, path, headers, agent: false });
      cut.on('error', () => undefined);
      cut.write(Buffer.alloc(1024), () => cut.destroy());
    }
    await eventually('both are given up', () => door.refused.length === refused + 2);
    assert.equal(door.batches.length, before);
    assert.deepEqual(door.faults, []);
  });

  it('gives up a body that has arrived, and is read only when the door has closed', async () => {
    const late = new Door(join(scratch, 'late'));
    const doors = batchDoors({ onFault: (error) => late.faults.push(error) });
    for (const path of ['/v1/files/a', '/v1/batches']) {
      let begin = (): void => undefined;
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      let goOn = (): void => undefined;
      const closed = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      let filled: Promise<void> | undefined;
      const opened = await doors.open({ directory: late.directory, name: 'sock' }, (batch) => {
        begin();
        filled = closed.then(() => batch.fill(join(scratch, 'late')));
        return filled.then(() => 'never');
      });
      const method = path === '/v1/batches' ? 'POST' : 'PUT';
      const sent = send(late, { method, path, body: 'x'.repeat(1000) });
      await begun;
      await Promise.all([opened.close(), assert.rejects(sent)]);
      goOn();
      await assert.rejects(filled ?? Promise.resolve(), { code: 'cancelled' });
    }
    assert.deepEqual(late.faults, []);
  });

  it('stands in a directory of any depth, open to any user, and cuts off who sends when it closes', async () => {
    const deep = new Door(join(scratch, 'd'.repeat(120)));
    await deep.open();
    const path = join(deep.directory, 'sock');
    assert.equal(statSync(path).mode & 0o777, 0o777);
    // Clients can't say such a long path either.
    const near = process.cwd();
    process.chdir(deep.directory);
    const slow = request({ socketPath: 'sock', method: 'PUT', path: '/v1/files/a', agent: false });
    process.chdir(near);
    const ended = new Promise((resolve) => slow.on('error', resolve));
    slow.write('x');
    await eventually('it is connected', () => slow.socket?.connecting === false);
    await deep.close();
    await ended;
    assert.deepEqual(readdirSync(deep.directory), []);
    assert.deepEqual(deep.batches, []);
  });
});
