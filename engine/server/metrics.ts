// What the engine tells Prometheus (GET /metrics): counted as it happens where nothing else remembers it, read off the
// state where it is asked for.

import type { Server } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Operation } from '../journal/operations.ts';
import type { JobRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { StoreOperation } from '../object/measuring.ts';
import type { PfsContext } from '../pfs/context.ts';
import { routeOf } from './access-log.ts';
import type { EngineParts } from './parts.ts';
import { Traffic } from './traffic.ts';

/** From half a millisecond to half a minute. */
const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const DATUM_STATES = ['processed', 'skipped', 'failed', 'recovered'] as const;

/** The figures of one engine. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #open: Gauge;
  readonly #traffic: Traffic;
  readonly #lag: Histogram;
  readonly #store: Histogram<'operation' | 'outcome'>;
  readonly #bytes: Counter<'operation'>;
  readonly #transactions: Counter;
  readonly #entries: Counter;
  readonly #jobs: Counter<'state'>;
  readonly #datums: Counter<'state'>;

  /** `ofProcess`: tells of the process too, its memory, CPU and event loop. */
  constructor(options: { readonly ofProcess: boolean }) {
    const registers = [this.#registry];
    if (options.ofProcess) {
      collectDefaultMetrics({ register: this.#registry, prefix: 'pfs_' });
    }
    this.#requests = new Histogram({
      name: 'pfs_http_request_seconds',
      help: 'How long requests took, by route and status; streams count until their end',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.#open = new Gauge({
      name: 'pfs_http_requests_open',
      help: 'Requests under way, streams included',
      registers,
    });
    this.#traffic = new Traffic(
      new Counter({
        name: 'pfs_http_bytes_total',
        help: 'Bytes of requests (in) and answers (out) over HTTP, headers included',
        labelNames: ['direction'],
        registers,
      }),
    );
    this.#lag = new Histogram({
      name: 'pfs_journal_lag_seconds',
      help: 'How long after they were written, by the clocks of both, this engine knew the entries of others',
      buckets: SECONDS,
      registers,
    });
    this.#store = new Histogram({
      name: 'pfs_store_operation_seconds',
      help: 'How long requests to the store took, retries included, by their outcome',
      labelNames: ['operation', 'outcome'],
      buckets: SECONDS,
      registers,
    });
    this.#bytes = new Counter({
      name: 'pfs_store_bytes_total',
      help: 'Bytes read from the store (get) and written to it (put)',
      labelNames: ['operation'],
      registers,
    });
    this.#entries = new Counter({
      name: 'pfs_journal_entries_total',
      help: 'Journal entries since the start, of all engines; each holds one or more transactions',
      registers,
    });
    this.#transactions = new Counter({
      name: 'pfs_journal_transactions_total',
      help: 'Transactions since the start, of all engines',
      registers,
    });
    this.#jobs = new Counter({
      name: 'pfs_jobs_finished_total',
      help: 'Jobs that ended since the start, by how they ended',
      labelNames: ['state'],
      registers,
    });
    this.#datums = new Counter({
      name: 'pfs_datums_total',
      help: 'Datums of the jobs that ended since the start',
      labelNames: ['state'],
      registers,
    });
  }

  /** Counts a request to the store. */
  readonly onStoreOperation = ({ kind, outcome, seconds, bytes }: StoreOperation): void => {
    this.#store.observe({ operation: kind, outcome }, seconds);
    if (bytes > 0) {
      this.#bytes.inc({ operation: kind }, bytes);
    }
  };

  /** Counts the bytes of a server's connections. */
  readonly countBytesOf = (server: Server): void => this.#traffic.followAll(server);

  /** Begins to count requests of a server, and answers `/metrics` there. */
  serve(server: FastifyInstance, parts: EngineParts): void {
    // A request that an earlier hook refuses comes to the second alone.
    const counted = new WeakSet<FastifyRequest>();
    this.countBytesOf(server.server);
    server.addHook('onRequest', async (request) => {
      counted.add(request);
      this.#open.inc();
      // Where a name stands for several addresses, only the connections of the first are told of.
      this.#traffic.follow(request.raw.socket);
    });
    server.addHook('onResponse', async (request, reply) => {
      if (counted.delete(request)) {
        this.#open.dec();
      }
      // The pattern of the route: names of repos would be endless.
      const route = routeOf(request);
      const labels = { method: request.method, route, status: String(reply.statusCode) };
      this.#requests.observe(labels, reply.elapsedTime / 1000);
    });
    this.#follow(parts.context);
    this.#readState(parts);
    server.get('/metrics', async (_request, reply) => {
      reply.type(this.#registry.contentType);
      this.#traffic.count();
      return await this.#registry.metrics();
    });
  }

  #follow({ journal, clock }: PfsContext): void {
    journal.subscribe(({ transactions, engine, time }) => {
      if (engine !== journal.engine) {
        this.#lag.observe(Math.max(0, clock.now() - time) / 1000);
      }
      this.#entries.inc();
      this.#transactions.inc(transactions.length);
      for (const { operations } of transactions) {
        for (const operation of operations as readonly Operation[]) {
          if (operation.kind === 'job.finished') {
            this.#jobs.inc({ state: operation.state });
            for (const state of DATUM_STATES) {
              this.#datums.inc({ state }, operation.datums?.[state] ?? 0);
            }
          }
        }
      }
    });
  }

  #readState({ context, pool, runningJobs, caches }: EngineParts): void {
    const { journal } = context;
    new Counter({
      name: 'pfs_cache_reads_total',
      help: 'Looks into caches: of files for datums, of blocks of packs in memory, of objects of a distant store; and whether it was there',
      labelNames: ['cache', 'outcome'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [cache, { hits, misses }] of Object.entries(caches)) {
          this.inc({ cache, outcome: 'hit' }, hits);
          this.inc({ cache, outcome: 'miss' }, misses);
        }
      },
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read());
        },
      });
    const byState = (name: string, help: string, count: (state: State) => Map<string, number>) =>
      new Gauge({
        name,
        help,
        labelNames: ['state'],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const [state, number] of count(journal.state)) {
            this.set({ state }, number);
          }
        },
      });
    gauge('pfs_journal_sequence', 'The newest journal entry that is known', () => journal.seq);
    gauge('pfs_ready', 'Whether the engine can work with its store', () =>
      journal.failure === undefined ? 1 : 0,
    );
    gauge('pfs_repos', 'Repos of users and outputs of pipelines', () => {
      const repos = [...journal.state.repos.values()];
      return repos.filter(({ kind }) => kind === 'user').length;
    });
    gauge('pfs_packs', 'Live packs in the store', () => journal.state.packs.size);
    gauge('pfs_packs_bytes', 'Bytes in live packs', () =>
      [...journal.state.packs.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    );
    gauge('pfs_jobs_running', 'Jobs that this engine runs', runningJobs);
    const members = () =>
      [...journal.state.pipelines.values()].flatMap(({ key }) => pool.workers(key));
    gauge('pfs_workers', 'Workers that this engine keeps', () => members().length);
    gauge(
      'pfs_workers_busy',
      'Workers that process a datum',
      () => members().filter(({ activity }) => activity !== undefined).length,
    );
    gauge(
      'pfs_workers_waiting',
      'Workers that wait for room on the machine',
      () => members().filter(({ place }) => place !== undefined).length,
    );
    byState('pfs_jobs', 'Jobs that have not ended, by state', ({ jobs }) => {
      const open = [...jobs.values()].filter(({ finished }) => finished === null);
      return countBy(open.map(({ state }) => state));
    });
    gauge('pfs_queue_jobs', 'Jobs that wait for their turn', () => {
      const jobs = [...journal.state.jobs.values()];
      return jobs.filter(({ state }) => state === 'created').length;
    });
    gauge(
      'pfs_queue_datums',
      'Datums of jobs under way that are not done, those that are being processed included',
      () => {
        const open = [...journal.state.jobs.values()].filter(({ finished }) => finished === null);
        return open.reduce((sum, { datums }) => sum + leftOf(datums), 0);
      },
    );
    byState('pfs_pipelines', 'Pipelines by state', ({ pipelines }) =>
      countBy([...pipelines.values()].map(({ stopped }) => (stopped ? 'stopped' : 'running'))),
    );
  }
}

function leftOf({ total, ...done }: JobRecord['datums']): number {
  const { processed, skipped, failed, recovered } = done;
  return Math.max(0, total - processed - skipped - failed - recovered);
}

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}
