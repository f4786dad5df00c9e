// An engine: the only place that names concrete classes and ties them together.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { EngineError, errorText } from './base/errors.ts';
import { type Config, directoriesOf, packageVersion } from './config.ts';
import { openExecutor } from './executors.ts';
import { Hosting } from './hosting/hosting.ts';
import type { Instance } from './instance.ts';
import { Admission } from './jobs/admission.ts';
import { Egress } from './jobs/egress.ts';
import { FileCache } from './jobs/file-cache.ts';
import { GitWatcher } from './jobs/git-watcher.ts';
import { Heartbeat } from './jobs/heartbeat.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { JobLogs } from './jobs/logs.ts';
import { ResultPruning } from './jobs/result-pruning.ts';
import { Scheduler } from './jobs/scheduler.ts';
import { Ticker } from './jobs/ticker.ts';
import { Workbench } from './jobs/workbench.ts';
import { WorkerPool } from './jobs/worker-pool.ts';
import { CachingObjectStore } from './object/caching.ts';
import { MeasuringObjectStore, type StoreOperation } from './object/measuring.ts';
import { CommitQueue } from './pfs/commit-queue.ts';
import { sharedRoom } from './pipeline/resources.ts';
import { KeyRing } from './secrets/key-ring.ts';
import { checkSecrets } from './secrets/secret-checks.ts';
import { Secrets } from './secrets/secrets.ts';
import type { AnsweredRequest } from './server/access-log.ts';
import { batchDoors } from './server/batch-doors.ts';
import { checkListening } from './server/listening.ts';
import { openLocalSocket } from './server/local-socket.ts';
import { Metrics } from './server/metrics.ts';
import type { StoreParts } from './server/parts.ts';
import { makeRescueServer } from './server/rescue.ts';
import { firstOf, tokenCredentials } from './server/s3/credentials.ts';
import { openS3Door } from './server/s3/door.ts';
import { JobBuckets } from './server/s3/job-buckets.ts';
import { MultipartUploads } from './server/s3/multipart.ts';
import { userCredentials } from './server/s3/user-credentials.ts';
import { makeServer } from './server/server.ts';
import { TlsFiles } from './server/tls-files.ts';
import { clock, egressSettings, isRescuable, openContext, openStore, random } from './stores.ts';
import type { Tracing, TracingOptions } from './tracing/tracing.ts';
import { Upkeep } from './upkeep/upkeep.ts';

/** The name of the Unix socket in the home. */
const SOCKET = 'engine.sock';

/** A running engine: what must be ended, in this order. */
export interface RunningEngine {
  readonly server: FastifyInstance;
  close(): Promise<void>;
}

/** Begins to send spans, where a collector is named; else nothing of what does so is even loaded. */
async function tracingOf(
  config: Config,
  parts: Pick<TracingOptions, 'version' | 'engine' | 'onProblem'>,
): Promise<Tracing | undefined> {
  const { spans: protocol } = config;
  return (
    protocol && (await import('./tracing/tracing.ts')).openTracing({ ...parts, protocol, clock })
  );
}

/**
 * Opens the store and everything that works on it, and answers; where the store can't be used as it is, only what helps to put that
 * right is answered.
 */
export async function startEngine(
  config: Config,
  options: { readonly instance: Instance; readonly logger: Logger; readonly shutDown: () => void },
): Promise<RunningEngine> {
  const { instance, logger } = options;
  const version = packageVersion();
  const started = clock.now();
  const run = random.bytes(8).toString('hex');
  const self = `${instance.id}${run}`;
  const onProblem = (error: unknown) => logger.warn({ err: error }, errorText(error));

  const ending = new AbortController();
  const metrics = new Metrics({ ofProcess: true });
  const tracing = await tracingOf(config, { version, engine: self, onProblem });
  const tracer = tracing?.tracer;
  const onOperation = (operation: StoreOperation) => {
    metrics.onStoreOperation(operation);
    tracer?.onStoreOperation(operation);
  };
  const bucket = new MeasuringObjectStore(await openStore(config), { clock, onOperation });
  const executor = await openExecutor(config, { instanceId: instance.id, engineId: run });
  const parts: StoreParts = {
    bucket,
    clock,
    random,
    directories: directoriesOf(config),
    node: process.version,
    openStore: (url) => openStore(config, url),
    executorHealth: () => executor.probe(),
  };
  const tls = config.tls && new TlsFiles(config.tls, { onProblem });
  const listening = { hasTls: tls !== undefined, isInsecure: config.insecureListen };
  const serverOptions = {
    certificate: tls?.certificate,
    token: instance.token,
    allowedHosts: config.allowedHosts,
    trustedProxies: config.trustedProxies,
    pageDirectory: fileURLToPath(new URL('../web', import.meta.url)),
    onFault: (error: unknown, request?: string) =>
      logger.error({ err: error, ...(request ? { request } : {}) }, errorText(error)),
    ending: ending.signal,
    lastWordsMs: config.lastWordsMs,
    newId: () => random.bytes(16).toString('hex'),
    ...(logger.isLevelEnabled('debug')
      ? { onAnswered: (answered: AnsweredRequest) => logger.debug(answered, 'answered') }
      : {}),
    ...(tracer ? { tracer } : {}),
  };
  const socketOf = async (server: FastifyInstance) =>
    tls ? undefined : openLocalSocket(server, join(config.home, SOCKET), onProblem);
  const announce = (at: {
    readonly address: string;
    readonly socket?: string;
    readonly s3?: string;
  }) =>
    instance.announce({
      pid: process.pid,
      ...at,
      ...(config.tls ? { certificate: config.tls.cert } : {}),
      store: bucket.url,
      version,
      started: new Date(started).toISOString(),
    });
  const opening = openContext(config, { bucket, self, onProblem, tracer });
  const context = await opening.catch((error: unknown) => {
    if (!isRescuable(error)) {
      throw error;
    }
    return error;
  });
  if (context instanceof EngineError) {
    const reason = context;
    logger.error(`${reason.message}; only what helps to put that right is answered`);
    const { shutDown } = options;
    const { kind: executorKind } = executor;
    checkListening([config.listen], { ...listening, hasUsers: true });
    const rescue = { store: parts, reason, version, id: run, executorKind, started, shutDown };
    const server = makeRescueServer(rescue, serverOptions);
    const address = await server.listen(config.listen);
    const socket = await socketOf(server);
    announce({ address, ...(socket ? { socket: SOCKET } : {}) });
    // Nothing else is under way.
    return {
      server,
      async close() {
        await Promise.all([server.close(), socket?.close()]);
        await tracing?.close();
      },
    };
  }
  const { store } = context;
  const hasUsers = context.journal.state.users.size > 0;
  checkListening([config.listen, config.s3Listen], { ...listening, hasUsers });
  const stopFollowing = context.journal.follow();

  const admission = new Admission({
    clock,
    capacity: async () => sharedRoom(config.room, await executor.capacity()),
  });
  const keys = new KeyRing({ file: join(config.home, 'secret-keys.json'), clock, random });
  const secrets = new Secrets(context, { keys, random });
  const cache = new FileCache(join(config.home, 'cache', 'files'), {
    maxBytes: config.cacheBytes,
    minFreeBytes: config.minFreeBytes,
  });
  const queue = new CommitQueue(context);
  const { onFault } = serverOptions;
  const ofDoors = { context, queue, clock, onFault, tracer, onServer: metrics.countBytesOf };
  const s3Parts = (name: string) => ({
    ...ofDoors,
    uploads: new MultipartUploads(join(config.home, 'scratch', name), { clock, ids: context.ids }),
  });
  emptied(join(config.home, 'scratch', 'job-uploads'));
  const { s3JobsHost: host } = config;
  const buckets = new JobBuckets({
    ...s3Parts('job-uploads'),
    random,
    host: async () => (host === undefined ? await executor.engineHost() : { listen: host, host }),
  });
  const pool = new WorkerPool({
    buckets,
    context,
    executor,
    secrets,
    admission,
    clock,
    cache,
    scratch: join(config.home, 'scratch', 'workers'),
    minFreeBytes: config.minFreeBytes,
    idleMs: config.workerIdleMs,
    onProblem,
  });
  const workbench = new Workbench({
    context,
    pool,
    scratch: join(config.home, 'scratch', 'bench'),
  });
  const logs = new JobLogs(store, { clock });
  const egress = new Egress({ context, secrets, clock, settings: egressSettings(config) });
  const runner = new JobRunner({ context, pool, logs, egress, owner: self });
  const heartbeat = new Heartbeat({
    store,
    clock,
    self,
    staleMs: config.claimStaleMs,
    onProblem,
    onDeath: () => {
      scheduler.poke();
      hosting.poke();
    },
  });
  const scheduler: Scheduler = new Scheduler({
    context,
    clock,
    runner,
    self,
    isAlive: (owner) => heartbeat.isAlive(owner),
    onProblem,
  });
  const pruning = new ResultPruning(context);
  const hosting: Hosting = new Hosting({
    context,
    executor,
    cache,
    clock,
    logs,
    secrets,
    admission,
    batchDoors: batchDoors({ onFault }),
    scratch: join(config.home, 'scratch', 'hosting'),
    minFreeBytes: config.minFreeBytes,
    self,
    isAlive: (owner) => heartbeat.isAlive(owner),
    onProblem,
  });
  const upkeep = new Upkeep(context, {
    self,
    isAlive: (owner) => heartbeat.isAlive(owner),
    graceMs: config.graceMs,
    collectEveryMs: config.collectEveryMs,
    compacts: config.compacts,
    pruneResults: (pipeline, what) => pruning.prune(pipeline, what),
    onProblem,
    onReport: (report) => logger.info({ report }, 'collected what nothing reaches'),
  });
  const ticker = new Ticker({ context, clock, onProblem });
  const scratch = emptied(join(config.home, 'scratch', 'incoming'));
  const { gitPollMs: pollMs } = config;
  const gits = new GitWatcher({ context, secrets, clock, scratch, pollMs, onProblem });
  const server = makeServer(
    {
      context,
      upkeep,
      queue,
      pool,
      workbench,
      hosting,
      logs,
      secrets,
      metrics,
      caches: {
        files: cache.counts,
        packs: context.packs.cache.counts,
        ...(store instanceof CachingObjectStore ? { objects: store.counts } : {}),
      },
      gits,
      version,
      id: run,
      storeUrl: store.url,
      scratch,
      executorKind: executor.kind,
      started,
      executorHealth: () => executor.probe(),
      runningJobs: () => scheduler.running,
      shutDown: options.shutDown,
      store: { ...parts, context, moreChecks: () => checkSecrets(secrets) },
    },
    serverOptions,
  );
  heartbeat.start();
  // Docker may be absent, or come later: repos work without it, and jobs say what is missing.
  const swept = executor
    .sweep()
    .catch(onProblem)
    .then(() => pool.sweep())
    .then(() => workbench.sweep())
    .catch(onProblem)
    .then(() => hosting.sweep())
    .catch(onProblem);
  const address = await server.listen(config.listen);
  ticker.start();
  gits.start();
  void swept.then(() => {
    scheduler.start();
    hosting.start();
  });
  upkeep.start();
  const s3 =
    config.s3Listen &&
    (await openS3Door(
      {
        ...s3Parts('uploads'),
        certificate: tls?.certificate,
        credentials: firstOf(
          tokenCredentials(instance.token),
          userCredentials(context, secrets.sealer),
        ),
      },
      config.s3Listen,
    ));
  const servers = [server.server, ...(s3 ? [s3.server] : [])];
  const stopRenewing = tls?.follow(servers as unknown as Parameters<TlsFiles['follow']>[0]);
  const socket = await socketOf(server);
  announce({
    address,
    ...(socket ? { socket: SOCKET } : {}),
    ...(s3 ? { s3: s3.address } : {}),
  });
  logger.info({ address, store: store.url, engine: self }, 'the engine is ready');

  return {
    server,
    async close() {
      stopRenewing?.();
      ending.abort();
      await swept;
      await Promise.all([ticker.stop(), gits.stop()]);
      await Promise.all([scheduler.stop(), hosting.stop(), upkeep.stop()]);
      await Promise.all([pool.close(), logs.close()]);
      await executor.close();
      await Promise.all([server.close(), socket?.close(), s3?.close(), buckets.close()]);
      stopFollowing();
      await heartbeat.stop();
      await context.journal.close();
      await tracing?.close();
    },
  };
}

/** Makes a folder anew: what a killed engine left in it is of no use. */
function emptied(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
