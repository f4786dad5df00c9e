// Changes as they happen: what is told, in which order, and where it goes on after whatever may come in between.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { ChangeLog } from '../../../engine/server/change-log.ts';
import {
  type EventFilter,
  eventStream,
  HEARTBEAT_MS,
  STUCK_MS,
  unlessStuck,
} from '../../../engine/server/event-stream.ts';
import { API_PREFIX } from '../../../engine/server/wire.ts';
import { CHANGE_KINDS, type Change } from '../../../engine/server/wire-events.ts';
import { account } from '../../support/accounts.ts';
import { EventReader, type ReadEvent } from '../../support/event-reader.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createRepos, openTestPfs, type Pfs, put } from '../../support/pfs.ts';
import { TestServer, TOKEN } from '../../support/server.ts';

type Test = Parameters<typeof TestServer.start>[0];

const EVERYTHING = { kinds: new Set(CHANGE_KINDS) };

const NOTHING = Object.fromEntries(CHANGE_KINDS.map((kind) => [kind, []]));

async function follow(
  t: Test,
  server: TestServer,
  {
    query = '',
    last,
    token = TOKEN,
  }: { readonly query?: string; readonly last?: string; readonly token?: string } = {},
): Promise<EventReader> {
  const headers = last === undefined ? {} : { 'last-event-id': last };
  const response = await server.open('GET', `${API_PREFIX}/events${query}`, { headers, token });
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['content-type'], 'text/event-stream');
  const reader = new EventReader(response);
  t.after(() => reader.close());
  return reader;
}

function changesOf(events: readonly (ReadEvent | undefined)[]): Change[] {
  return events.map((event) => {
    assert.equal(event?.event, 'change');
    return event?.data as Change;
  });
}

const has = (kind: keyof Change, key: string) => (event: ReadEvent) =>
  ((event.data as Change)[kind] as readonly string[]).includes(key);

async function makeRepo(server: TestServer, name: string, project = 'default'): Promise<void> {
  await server.json('POST', '/repos', { body: { project, name } });
}

it('events tell which repos, branches, commits, pipelines and jobs changed, in the order of the journal', async (t) => {
  const server = await TestServer.start(t);
  const events = await follow(t, server);
  await makeRepo(server, 'data');
  const { text } = await server.put('data', { '/a': 'a' });
  const { id } = JSON.parse(text) as { id: string };
  server.engine.executor.setCode('copy', (run) => run.print('done\n'));
  await server.engine.pipeline({ name: 'copy', input: 'data' });
  await server.engine.settled();
  const made = await server.engine.job('copy');
  const told = changesOf(
    await events.until(({ id: at }) => Number(at) === server.engine.pfs.context.journal.seq),
  );
  assert.deepEqual(told[0]?.repos, ['default/data']);
  const put = told.find(({ commits }) => commits.includes(id));
  assert.deepEqual(put?.branches, ['default/data@master']);
  assert.deepEqual(put?.repos, ['default/data']);
  assert.ok(told.some(({ pipelines }) => pipelines.includes('default/copy')));
  const ofJob = told.filter(({ jobs }) => jobs.includes(`default/copy@${made.id}`));
  assert.ok(ofJob.length >= 2, 'a job begins and ends');
  assert.ok(ofJob.every(({ pipelines }) => pipelines.includes('default/copy')));
  assert.ok(ofJob.at(-1)?.branches.includes('default/copy@master'));
  const numbers = told.map(({ seq }) => seq);
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  );
});

it('tags, projects, secrets and transactions are told too', async (t) => {
  const server = await TestServer.start(t);
  await makeRepo(server, 'r');
  await server.put('r', { '/a': 'a' });
  const events = await follow(t, server);
  await server.json('PUT', '/repos/default/r/tags/v1', { body: { head: 'master' } });
  assert.deepEqual(changesOf([await events.next()])[0]?.tags, ['default/r@v1']);
  await server.json('POST', '/projects', { body: { name: 'team' } });
  assert.deepEqual(changesOf([await events.next()])[0]?.projects, ['team']);
  await server.json('POST', '/secrets', { body: { name: 'key', values: { a: 'YQ==' } } });
  assert.deepEqual(changesOf([await events.next()])[0]?.secrets, ['key']);
  const { id } = await server.json<{ id: string }>('POST', '/transactions');
  assert.deepEqual(changesOf([await events.next()])[0]?.transactions, [id]);
  await server.ask('DELETE', '/repos/default/r?force=true');
  assert.deepEqual(changesOf([await events.next()])[0]?.repos, ['default/r']);
});

it('who could read what is deleted is told, and nobody else', async (t) => {
  const server = await TestServer.start(t);
  const { context } = server.engine.pfs;
  await makeRepo(server, 'data');
  await makeRepo(server, 'other');
  await server.engine.pipeline({
    name: 'hourly',
    input: { cron: { name: 'tick', spec: '@every 1h' } },
  });
  await server.json('POST', '/projects', { body: { name: 'team' } });
  await server.json('POST', '/secrets', { body: { name: 'key', values: { a: 'YQ==' } } });
  const { secret: ann } = await account(context, 'ann', {
    roles: {
      'repo/default/data': 'reader',
      'repo/default/hourly': 'reader',
      'project/team': 'reader',
      'secret/key': 'reader',
    },
  });
  const { secret: bob } = await account(context, 'bob', {
    roles: { 'repo/default/other': 'reader' },
  });
  const { id } = await server.json<{ id: string }>('POST', '/transactions', { token: ann });
  const events = await follow(t, server, { token: ann });
  const hidden = await follow(t, server, { token: bob });
  for (const path of [
    '/repos/default/data',
    '/pipelines/default/hourly',
    '/projects/team',
    '/secrets/key',
    `/transactions/${id}`,
    '/repos/default/other',
  ]) {
    const { status, text } = await server.ask('DELETE', path);
    assert.ok(status < 300, text);
  }
  const told = await events.until(has('transactions', id));
  const all = (kind: Exclude<keyof Change, 'seq'>) =>
    new Set(changesOf(told).flatMap((change) => change[kind]));
  assert.deepEqual(
    all('repos'),
    new Set([
      'default/data',
      'default/hourly',
      'default/hourly.meta',
      'default/hourly.spec',
      'default/hourly_tick',
    ]),
  );
  assert.deepEqual(all('pipelines'), new Set(['default/hourly']));
  assert.deepEqual(all('projects'), new Set(['team']));
  assert.deepEqual(all('secrets'), new Set(['key']));
  const [first] = changesOf([await hidden.next()]);
  assert.deepEqual(first, { ...NOTHING, seq: first?.seq, repos: ['default/other'] });
});

it('where it is not known any more who could read what is deleted, that is told as lost changes are', async (t) => {
  const pfs = await opened(t);
  await createRepos(pfs, 'a', 'b');
  const position = pfs.context.journal.seq;
  await deleteRepo(pfs.context, { key: 'default/a', force: false }, { actor: 'local' });
  await createRepos(pfs, 'c');
  const log = new ChangeLog(pfs.context.journal);
  await log.reach(position);
  for (const [sees, first] of [
    [() => true, /^event: change\n.*\n.*"default\/a"/],
    [(_kind: string, key: string) => key !== 'default/a', /^event: reset\n/],
  ] as const) {
    const stream = read(t, log, { position, sees });
    await stream.next();
    assert.match(await stream.next(), first);
    assert.match(await stream.next(), /^event: change\n.*\n.*"default\/c"/);
  }
});

it('events go on after the last that was seen, by Last-Event-ID or after', async (t) => {
  const server = await TestServer.start(t);
  const first = await follow(t, server);
  await makeRepo(server, 'a');
  const [seen] = await first.until(has('repos', 'default/a'));
  first.close();
  await makeRepo(server, 'b');
  await makeRepo(server, 'c');
  for (const again of [
    await follow(t, server, { query: `?after=${seen?.id}` }),
    // The header is newer than the address that a browser comes again to.
    await follow(t, server, { query: '?after=0', last: seen?.id ?? '' }),
  ]) {
    const told = changesOf([await again.next(), await again.next()]);
    assert.deepEqual(
      told.map(({ repos }) => repos),
      [['default/b'], ['default/c']],
    );
  }
});

it('events go on over a restart, and tell of what other engines wrote', async (t) => {
  const store = new MemoryObjectStore();
  const before = await TestServer.start(t, { store });
  await makeRepo(before, 'a');
  const position = before.engine.pfs.context.journal.seq;
  await makeRepo(before, 'b');
  await before.close();
  const after = await TestServer.start(t, { store, self: 'engine-b' });
  const [one, two] = [
    await follow(t, after, { last: String(position) }),
    await follow(t, after, { last: String(position) }),
  ];
  for (const events of [one, two]) {
    assert.deepEqual(changesOf([await events.next()])[0]?.repos, ['default/b']);
  }
  const other = await openTestPfs({ store });
  t.after(() => other.context.journal.close());
  await createRepos(other, 'c');
  await after.engine.pfs.context.journal.sync();
  assert.deepEqual(changesOf([await one.next()])[0]?.repos, ['default/c']);
});

it('a position ahead of the store, as of another store, is reset', async (t) => {
  const server = await TestServer.start(t);
  await makeRepo(server, 'a');
  const { seq } = server.engine.pfs.context.journal;
  const events = await follow(t, server, { query: '?after=999999' });
  assert.deepEqual(await events.next(), { event: 'reset', data: { seq }, id: String(seq) });
  await makeRepo(server, 'b');
  assert.deepEqual(changesOf([await events.next()])[0]?.repos, ['default/b']);
});

it('a client hears only of the kinds and the project that it asks for', async (t) => {
  const server = await TestServer.start(t);
  const commits = await follow(t, server, { query: '?kinds=commits,branches&project=team' });
  await makeRepo(server, 'other');
  await server.put('other', { '/a': 'a' });
  await makeRepo(server, 'r', 'team');
  const { id } = await server.json<{ id: string }>('POST', '/repos/team/r/commits', {
    body: { branch: 'master' },
  });
  const [told] = changesOf([await commits.next()]);
  assert.deepEqual(told?.commits, [id]);
  assert.deepEqual(told?.branches, ['team/r@master']);
  assert.deepEqual(told?.repos, []);
});

it('what cannot be read as a position or a kind is refused', async (t) => {
  const server = await TestServer.start(t);
  const refusals = {
    '?after=x': /^Cannot read the request: "after" must be a whole number from 0/,
    '?after=-1': /^Cannot read the request: "after" must be/,
    '?after=1e3': /^Cannot /,
    '?kinds=': /^Cannot tell of changes of "": there is no such kind/,
    '?kinds=repos,nothing': /^Cannot tell of changes of "nothing": there is no such kind/,
  };
  for (const [query, message] of Object.entries(refusals)) {
    const problem = await server.problem('GET', `/events${query}`);
    assert.equal(problem.status, 400, query);
    assert.match(problem.detail, message);
  }
  const resumed = { headers: { 'last-event-id': 'x' } };
  const { detail } = await server.problem('GET', '/events', resumed);
  assert.match(detail, /^Cannot tell of changes after "x": a position is the id of an event/);
  const refused = await server.ask('GET', '/events', { token: null });
  assert.equal(refused.status, 401);
});

async function opened(t: Test, store = new MemoryObjectStore()): Promise<Pfs> {
  const pfs = await openTestPfs({ store });
  t.after(() => pfs.context.journal.close());
  return pfs;
}

function read(
  t: Test,
  log: ChangeLog,
  options: {
    readonly position: number;
    readonly clock?: ManualClock;
    readonly kinds?: 'jobs';
    readonly sees?: NonNullable<EventFilter['sees']>;
  },
): { next(): Promise<string> } {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const { clock = new ManualClock(), position, kinds, sees } = options;
  const filter = {
    ...(kinds ? { kinds: new Set([kinds]) } : EVERYTHING),
    ...(sees ? { sees } : {}),
  };
  const stream = eventStream(log, { position, filter, clock, signal: stop.signal });
  return { next: async () => String((await stream.next()).value) };
}

it('who reads slowly is reset, and goes on; nothing is kept for it', async (t) => {
  const pfs = await opened(t);
  const log = new ChangeLog(pfs.context.journal, { changes: 5 });
  const stream = read(t, log, { position: log.seq });
  await stream.next();
  await createRepos(pfs, 'a');
  assert.match(await stream.next(), /^event: change\n/);
  await createRepos(pfs, ...Array.from({ length: 20 }, (_, index) => `many${index}`));
  assert.equal(await stream.next(), `event: reset\nid: ${log.seq}\ndata: {"seq":${log.seq}}\n\n`);
  await createRepos(pfs, 'z');
  assert.match(await stream.next(), /^event: change\nid: \d+\ndata: .*"default\/z"/);
});

it('an entry that changes more than may be kept is told as lost changes are', async (t) => {
  const pfs = await opened(t);
  const log = new ChangeLog(pfs.context.journal, { keys: 3 });
  const stream = read(t, log, { position: log.seq });
  await stream.next();
  await createRepos(pfs, 'r');
  await stream.next();
  await put(pfs, 'r', { '/a': 'a' });
  await put(pfs, 'r', { '/a': 'b' });
  assert.match(await stream.next(), /^event: reset\n/);
});

it('those who could read what an entry deletes count as what it changed does', async (t) => {
  const pfs = await opened(t);
  await createRepos(pfs, 'unseen', 'seen');
  for (let user = 0; user < 10; user++) {
    await account(pfs.context, `user${user}`, { roles: { 'repo/default/seen': 'reader' } });
  }
  const log = new ChangeLog(pfs.context.journal, { keys: 9 });
  const stream = read(t, log, { position: log.seq });
  await stream.next();
  for (const [name, told] of [
    ['unseen', /^event: change\n/],
    ['seen', /^event: reset\n/],
  ] as const) {
    await deleteRepo(pfs.context, { key: `default/${name}`, force: false }, { actor: 'local' });
    assert.match(await stream.next(), told);
  }
});

it('a position from long before the start of the engine is reset, a newer one is read from the store', async (t) => {
  const pfs = await opened(t);
  await createRepos(pfs, 'a', 'b', 'c', 'd');
  const log = new ChangeLog(pfs.context.journal, { before: 2 });
  for (const [back, first] of [
    [2, /^event: change\n.*\n.*"default\/c"/],
    [3, /^event: reset\n/],
  ] as const) {
    const position = log.seq - back;
    await log.reach(position);
    const stream = read(t, log, { position });
    await stream.next();
    assert.match(await stream.next(), first);
  }
});

it('a quiet stream is kept alive, and its position moves on past what is not wanted', async (t) => {
  const pfs = await opened(t);
  const clock = new ManualClock();
  const log = new ChangeLog(pfs.context.journal);
  const stream = read(t, log, { position: log.seq, clock, kinds: 'jobs' });
  assert.equal(await stream.next(), `retry: 1000\nid: ${log.seq}\n\n`);
  const next = stream.next();
  await createRepos(pfs, 'a', 'b');
  await clock.pass(HEARTBEAT_MS);
  await clock.pass(HEARTBEAT_MS);
  assert.equal(await next, `: alive\nid: ${log.seq}\n\n`);
});

it('who takes nothing for a minute is let go of, and nobody else', async () => {
  const clock = new ManualClock();
  let given = 0;
  async function* two(): AsyncGenerator<string> {
    yield 'one';
    yield 'two';
  }
  const stream = unlessStuck(two(), {
    clock,
    giveUp: () => {
      given += 1;
    },
  });
  await stream.next();
  await clock.pass(STUCK_MS - 1);
  await stream.next();
  await clock.pass(STUCK_MS - 1);
  assert.equal(given, 0);
  await clock.pass(1);
  assert.equal(given, 1);
  await stream.return(undefined);
  assert.equal(clock.sleeping, 0);
});
