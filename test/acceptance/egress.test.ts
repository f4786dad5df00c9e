import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Client } from 'minio';
import sqlite from 'node-sqlite3-wasm';
import pg from 'pg';
import type { Job } from '../../engine/server/wire.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { images, PipelineHome } from './pipeline-home.ts';

const s3 = images.skip === undefined ? await startS3Server() : { skip: images.skip };
const postgres = images.skip === undefined ? await startPostgres() : { skip: images.skip };

describe('egress, from the command line', { skip: images.skip ?? false }, () => {
  const server = s3 as S3Server;
  const database = postgres as PostgresServer;
  const home = new PipelineHome({
    ...('skip' in s3
      ? {}
      : {
          AWS_ACCESS_KEY_ID: s3.accessKey,
          AWS_SECRET_ACCESS_KEY: s3.secretKey,
          AWS_ENDPOINT_URL: s3.endpoint,
        }),
  });
  const allowed = home.path('allowed');
  mkdirSync(allowed);
  Object.assign(home.environment, { PFS_EGRESS_DIRECTORIES: allowed });
  after(async () => {
    await home.close();
    await ('skip' in s3 ? undefined : server.stop());
    await ('skip' in postgres ? undefined : database.stop());
  });

  /** Kills the engine; the next command starts another one. */
  const kill = (): void => {
    const [pid = ''] = readFileSync(home.path('home/engine.pid'), 'utf8').split(' ');
    process.kill(Number(pid), 'SIGKILL');
  };

  const untilState = async (pipeline: string, state: string): Promise<Job> => {
    for (;;) {
      const job = await home.inspect<Job>('inspect-job', pipeline);
      if (job.state === state) {
        return job;
      }
      assert.equal(job.finished, null, job.reason);
    }
  };

  it('to S3 leaves exactly the files of the output commit, and what others put', {
    skip: 'skip' in s3 ? s3.skip : false,
  }, async () => {
    const bucket = await server.createBucket();
    const url = new URL(server.endpoint);
    const client = new Client({
      endPoint: url.hostname,
      port: Number(url.port),
      useSSL: false,
      accessKey: server.accessKey,
      secretKey: server.secretKey,
    });
    const there = async () => {
      const keys: string[] = [];
      for await (const { name } of client.listObjectsV2(bucket, '', true)) {
        keys.push(String(name));
      }
      return keys;
    };
    await client.putObject(bucket, 'out/of-others', 'stays');
    await home.repo('words', { a: '1', b: '2' });
    const sh = 'mkdir -p /pfs/out/deep && cp $words /pfs/out/deep';
    const spec = { name: 'to-s3', input: 'words', sh, egress: { URL: `s3://${bucket}/out` } };
    await home.create(spec);
    const job = await home.done('to-s3');
    assert.equal(job.state, 'success', job.reason);
    assert.deepEqual(await there(), ['out/deep/a', 'out/deep/b', 'out/of-others']);
    await home.pfs('delete-file', 'words@master:/a');
    await home.put('words', { c: '3' });
    assert.equal((await home.done('to-s3')).state, 'success');
    assert.deepEqual(await there(), ['out/deep/b', 'out/deep/c', 'out/of-others']);
    await client.removeObject(bucket, 'out/deep/b');
    await home.put('words', { d: '4' });
    assert.equal((await home.done('to-s3')).state, 'success');
    assert.deepEqual(await there(), ['out/deep/b', 'out/deep/c', 'out/deep/d', 'out/of-others']);
    assert.match(
      await home.pfs('logs', '-p', 'to-s3'),
      new RegExp(`sent the output to s3://${bucket}/out`),
    );
  });

  it('that fails fails the job with the reason, and makes up for it the next time', {
    skip: 'skip' in s3 ? s3.skip : false,
  }, async () => {
    const nowhere = { object_storage: { url: 's3://no-such-bucket-here/out' } };
    const spec = { name: 'fails', input: 'words', sh: 'cp $words /pfs/out' };
    await home.create({ ...spec, egress: nowhere });
    const job = await home.done('fails');
    assert.equal(job.state, 'failure');
    assert.match(job.reason, /egress failed: .*no-such-bucket-here/);
    const bucket = await server.createBucket();
    await home.update({ ...spec, egress: { object_storage: { url: `s3://${bucket}` } } });
    const second = await home.done('fails');
    assert.equal(second.state, 'success', second.reason);
    assert.equal(second.datums.processed, 0, 'what was computed is not computed again');
  });

  it('to a directory goes where the engine allows it, and nowhere else', async () => {
    await home.repo('pages', { 'index.html': 'hello', 'old.html': 'bye' });
    const spec = { name: 'site', input: 'pages', sh: 'cp $pages /pfs/out' };
    await home.create({ ...spec, egress: { url: `file://${home.path('elsewhere')}` } });
    const refused = await home.done('site');
    assert.equal(refused.state, 'failure');
    assert.match(
      refused.reason,
      /not below a directory that the engine allows.*PFS_EGRESS_DIRECTORIES/,
    );
    const place = join(allowed, 'www');
    await home.update({ ...spec, egress: { url: `file://${place}` } });
    assert.equal((await home.done('site')).state, 'success');
    writeFileSync(join(place, 'robots.txt'), 'of somebody else');
    await home.pfs('delete-file', 'pages@master:/old.html');
    await home.put('pages', { 'index.html': 'hello again' });
    assert.equal((await home.done('site')).state, 'success');
    assert.deepEqual(readdirSync(place).sort(), ['index.html', 'robots.txt']);
    assert.equal(readFileSync(join(place, 'index.html'), 'utf8'), 'hello again');
  });

  it('to PostgreSQL replaces rows as a part of the job, is tried again, and survives a kill -9', {
    skip: 'skip' in postgres ? postgres.skip : false,
  }, async () => {
    await database.query('CREATE TABLE iris (name text, petals integer)');
    await home.run(['create-secret', 'db', '--from-file', 'password=-'], {
      input: database.password,
    });
    await home.repo('flowers', { 'one.csv': 'rose,5\n' });
    await home.create({
      name: 'load',
      input: 'flowers',
      sh: 'mkdir -p /pfs/out/iris && cp $flowers /pfs/out/iris',
      egress: {
        sql_database: {
          url: database.url,
          file_format: { type: 'CSV' },
          secret: { name: 'db', key: 'password' },
        },
      },
    });
    const rows = async () =>
      (await database.query('SELECT name, petals FROM iris ORDER BY 1')).map(
        ({ name, petals }) => `${name} ${petals}`,
      );
    const job = await home.done('load');
    assert.equal(job.state, 'success', job.reason);
    assert.deepEqual(await rows(), ['rose 5']);

    const url = new URL(database.url);
    url.password = database.password;
    const blocker = new pg.Client({ connectionString: url.href });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE iris IN SHARE MODE');
    await home.put('flowers', { 'two.csv': 'iris,6\n' });
    await untilState('load', 'egressing');
    kill();
    await blocker.query('ROLLBACK');
    await blocker.end();
    const second = await home.done('load');
    assert.equal(second.state, 'success', second.reason);
    assert.deepEqual([second.restarts, await rows()], [1, ['iris 6', 'rose 5']]);

    await database.kill();
    await home.pfs('delete-file', 'flowers@master:/one.csv');
    await untilState('load', 'egressing');
    for (;;) {
      if (/trying again in/.test(await home.pfs('logs', '-p', 'load'))) {
        break;
      }
    }
    await database.start();
    assert.equal((await home.done('load')).state, 'success');
    assert.deepEqual(await rows(), ['iris 6']);
    const told = (await home.pfs('logs', '-p', 'load')) + (await home.pfs('log', '--raw'));
    assert.ok(!told.includes(database.password));
  });

  it('to SQLite loads JSON, and says which row is wrong', async () => {
    const file = join(allowed, 'flowers.db');
    const open = new sqlite.Database(file);
    open.exec('CREATE TABLE flowers (name TEXT PRIMARY KEY, petals INTEGER)');
    open.close();
    await home.repo('json', { a: '{"name":"rose","petals":5}\n{"name":"iris"}\n' });
    const sql_database = { url: `sqlite://${file}`, file_format: { type: 'JSON' } };
    await home.create({
      name: 'lite',
      input: 'json',
      sh: 'mkdir -p /pfs/out/flowers && cp $json /pfs/out/flowers',
      egress: { sql_database },
    });
    const job = await home.done('lite');
    assert.equal(job.state, 'success', job.reason);
    await home.put('json', { b: '{"name":"lily","colour":"white"}\n' });
    const failed = await home.done('lite');
    assert.match(failed.reason, /"\/flowers\/b" into table "flowers".*row 1 has a column "colour"/);
    const database = new sqlite.Database(file);
    const rows = database.all('SELECT name, petals FROM flowers ORDER BY 1');
    database.close();
    assert.deepEqual(
      rows.map(({ name, petals }) => `${name} ${petals}`),
      ['iris null', 'rose 5'],
    );
  });
});
