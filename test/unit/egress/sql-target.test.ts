// Egress into real databases: PostgreSQL, and SQLite files that another program reads.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import sqlite from 'node-sqlite3-wasm';
import { Postgres } from '../../../engine/egress/postgres.ts';
import {
  type SqlDatabase,
  SqlTarget,
  type SqlTargetOptions,
} from '../../../engine/egress/sql-target.ts';
import { Sqlite } from '../../../engine/egress/sqlite.ts';
import { eventually } from '../../support/eventually.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { NEVER, outgoing } from './rig.ts';

type Rows = readonly Record<string, unknown>[];
type Test = Parameters<typeof scratchDirectory>[0];

/** A database with tables, that can be asked. */
interface Place {
  readonly database: SqlDatabase;
  query(text: string): Promise<Rows>;
}

const TABLES = `
  CREATE TABLE people (id integer PRIMARY KEY, name text NOT NULL, born text, extra text DEFAULT 'none');
  CREATE TABLE "odd ""name" (a integer, b text);
`;

const started = await startPostgres();
const server = 'skip' in started ? undefined : (started as PostgresServer);
after(() => server?.stop());

const places: readonly {
  readonly name: string;
  readonly skip: string | false;
  readonly open: (t: Test) => Promise<Place>;
}[] = [
  {
    name: 'PostgreSQL',
    skip: 'skip' in started ? started.skip : false,
    open: async () => {
      assert.ok(server);
      await server.query(`DROP TABLE IF EXISTS people, "odd ""name"; ${TABLES}`);
      return {
        database: new Postgres(server.url, server.password),
        query: (text) => server.query(text),
      };
    },
  },
  {
    name: 'SQLite',
    skip: false,
    open: async (t) => {
      const file = join(scratchDirectory(t), 'x.db');
      const query = async (text: string) => {
        const database = new Database(file);
        try {
          if (text === TABLES) {
            database.exec(text);
            return [];
          }
          return database.all(text) as Rows;
        } finally {
          database.close();
        }
      };
      await query(TABLES);
      return { database: new Sqlite(file), query };
    },
  },
];

const { Database } = sqlite;
const CSV: SqlTargetOptions = { format: 'CSV', columns: undefined };
const JSON_ROWS: SqlTargetOptions = { format: 'JSON', columns: undefined };

for (const { name, skip, open } of places) {
  describe(`egress into ${name}`, { skip }, () => {
    const people = 'SELECT id, name, born FROM people ORDER BY id';

    it('replaces the rows of a table by those of all files of its directory', async (t) => {
      const { database, query } = await open(t);
      const target = new SqlTarget(database, { ...CSV, columns: ['id', 'name', 'born'] });
      const first = {
        'people/a.csv': '1,Ann,1990\n2,"O\'Hara, Bob",\n',
        'people/deep/b': '3,Ünï 😀,""\n',
      };
      await target.send(outgoing(first), NEVER);
      const expected = [
        { id: 1, name: 'Ann', born: '1990' },
        { id: 2, name: "O'Hara, Bob", born: null },
        { id: 3, name: 'Ünï 😀', born: '' },
      ];
      assert.deepEqual(
        (await query(people)).map((row) => ({ ...row })),
        expected,
      );
      await target.send(outgoing(first), NEVER);
      assert.equal((await query(people)).length, 3, 'again: nothing doubled');
      await target.send(outgoing({ 'people/a.csv': '7,Eve,x\n' }, { before: [first] }), NEVER);
      assert.deepEqual(
        (await query(people)).map(({ id }) => id),
        [7],
      );
      await target.send(outgoing({}, { before: [{ 'people/a.csv': '' }] }), NEVER);
      assert.deepEqual(await query(people), [], 'a table that vanished has no rows');
    });

    it('reads JSON objects, headers, and columns in another order', async (t) => {
      const { database, query } = await open(t);
      const lines = '{"id":1,"name":"A","born":null}\n{"name":"B","id":2,"extra":"e"}\n';
      await new SqlTarget(database, JSON_ROWS).send(outgoing({ 'people/x': lines }), NEVER);
      const all = await query('SELECT id, name, extra FROM people ORDER BY id');
      assert.deepEqual(
        all.map((row) => ({ ...row })),
        [
          { id: 1, name: 'A', extra: 'none' },
          { id: 2, name: 'B', extra: 'e' },
        ],
      );
      const csv = { 'people/x': 'name,id\nC,3\n', 'odd "name/y': '5,x\n' };
      await new SqlTarget(database, CSV).send(outgoing(csv), NEVER);
      assert.deepEqual(
        (await query(people)).map(({ id }) => id),
        [3],
      );
      assert.deepEqual(
        (await query('SELECT a FROM "odd ""name"')).map(({ a }) => a),
        [5],
      );
    });

    it('takes many rows, in batches', async (t) => {
      const { database, query } = await open(t);
      const rows = Array.from({ length: 2345 }, (_, i) => `${i},n${i},b,e`).join('\n');
      await new SqlTarget(database, CSV).send(outgoing({ 'people/x': rows }), NEVER);
      const [sums] = await query('SELECT count(*) AS n, sum(id) AS s FROM people');
      assert.deepEqual([Number(sums?.n), Number(sums?.s)], [2345, (2345 * 2344) / 2]);
    });

    for (const [what, files, says] of [
      [
        'a row that breaks a rule of the table',
        { 'people/x': '1,a,b,c\n1,b,c,d\n' },
        /duplicate|UNIQUE/i,
      ],
      ['a table that is not there', { 'nobody/x': '1\n' }, /no table "nobody"/],
      ['a file in no directory', { x: '1\n' }, /"\/x".*in no directory/],
      ['too few values', { 'people/x': '1,a\n' }, /row 1 has 2 values for 4 columns/],
      ['what is cut off', { 'people/x': '1,a,b,c\n', 'people/y': '' }, /killed/],
    ] as const) {
      it(`changes nothing for ${what}, and says why`, async (t) => {
        const { database, query } = await open(t);
        const target = new SqlTarget(database, CSV);
        await target.send(outgoing({ 'people/x': '9,before,b,c\n' }), NEVER);
        const broken = outgoing(files as Record<string, string>, { breaksAt: 'people/y' });
        await assert.rejects(target.send(broken, NEVER), says);
        assert.deepEqual(
          (await query(people)).map(({ id }) => id),
          [9],
        );
      });
    }
  });
}

describe('PostgreSQL', { skip: 'skip' in started ? started.skip : false }, () => {
  it('that is away may come back; a wrong password does not heal, and is in no message', async () => {
    assert.ok(server);
    const wrong = new Postgres(server.url, 'not-the-password');
    await assert.rejects(
      wrong.transaction(() => Promise.resolve(), NEVER),
      (error: Error) => {
        assert.equal((error as { code?: string }).code, 'failed_precondition');
        assert.match(error.message, /password authentication failed/);
        assert.ok(!error.message.includes('not-the-password'));
        return true;
      },
    );
    await server.kill();
    const right = new Postgres(server.url, server.password);
    await assert.rejects(
      right.transaction(() => Promise.resolve(), NEVER),
      { code: 'unavailable' },
    );
    await server.start();
    await right.transaction(() => Promise.resolve(), NEVER);
  });

  it('two that replace the rows of one table at once do so one after the other', async () => {
    assert.ok(server);
    await server.query('DROP TABLE IF EXISTS kept; CREATE TABLE kept (a int)');
    const send = (value: string, between: () => Promise<unknown>) =>
      new Postgres(server.url, server.password).transaction(async (session) => {
        await session.deleteAll('kept');
        await between();
        await session.insert('kept', { columns: ['a'], rows: [[value]] });
      }, NEVER);
    let second: Promise<void> | undefined;
    const isWaiting = async () =>
      (await server.query('SELECT 1 FROM pg_locks WHERE NOT granted')).length > 0;
    await send('1', async () => {
      let isOver = false;
      second = send('2', async () => undefined).finally(() => {
        isOver = true;
      });
      await eventually('the second waits or is over', async () => isOver || (await isWaiting()));
    });
    await second;
    assert.deepEqual(
      (await server.query('SELECT a FROM kept')).map(({ a }) => a),
      [2],
    );
  });

  it('that dies in the middle has changed nothing', async () => {
    assert.ok(server);
    await server.query(
      'DROP TABLE IF EXISTS kept; CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)',
    );
    const right = new Postgres(server.url, server.password);
    const dying = right.transaction(async (session) => {
      await session.deleteAll('kept');
      await server.kill();
      await session.deleteAll('kept');
    }, NEVER);
    await assert.rejects(dying, { code: 'unavailable' });
    await server.start();
    assert.equal((await server.query('SELECT * FROM kept')).length, 1);
  });
});

describe('SQLite', () => {
  it('whose lock a process left that was killed is not locked for ever; one of somebody else is', async (t) => {
    const file = join(scratchDirectory(t), 'x.db');
    const made = new Database(file);
    made.exec('CREATE TABLE a (b)');
    made.close();
    const hasOwn = await import('node:sqlite' as string).then(
      () => true,
      () => false,
    );
    if (hasOwn) {
      t.skip('node:sqlite locks files as everybody does');
      return;
    }
    mkdirSync(`${file}.lock`);
    const write = (waitMs = 0) =>
      new Sqlite(file, { waitMs }).transaction((session) => session.deleteAll('a'), NEVER);
    await assert.rejects(write(), { code: 'unavailable', message: /another program .* locked/ });
    const waiting = write(60_000);
    await setImmediate();
    rmdirSync(`${file}.lock`);
    await waiting;
    mkdirSync(`${file}.lock`);
    const dead = { host: (await import('node:os')).hostname(), pid: 2 ** 22 - 1, start: '12345' };
    writeFileSync(`${file}.pfs-owner`, JSON.stringify(dead));
    await write();
    assert.ok(!existsSync(`${file}.lock`) && !existsSync(`${file}.pfs-owner`));
    mkdirSync(`${file}.lock`);
    await assert.rejects(write(), { code: 'unavailable' });
    rmdirSync(`${file}.lock`);
  });

  it('that is not there is not made', async (t) => {
    const file = join(scratchDirectory(t), 'none.db');
    await assert.rejects(
      new Sqlite(file).transaction(() => Promise.resolve(), NEVER),
      {
        code: 'failed_precondition',
        message: /create it, with its tables/,
      },
    );
    assert.ok(!existsSync(file));
  });
});
