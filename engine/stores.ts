// Opening stores: which class stands for which URL, what wraps it, and what must be known of one before it is used.

import { join } from 'node:path';
import { ByteBudget } from './base/byte-budget.ts';
import { EngineError, isEngineError } from './base/errors.ts';
import { IdMaker } from './base/ids.ts';
import { SystemRandom } from './base/random.ts';
import { SystemClock } from './base/system-clock.ts';
import type { Tracer } from './base/tracer.ts';
import type { Config } from './config.ts';
import { directoriesOf } from './config.ts';
import type { EgressSettings } from './egress/target.ts';
import { pageGraceMs } from './journal/snapshotter.ts';
import { CachingObjectStore } from './object/caching.ts';
import { FilesystemObjectStore } from './object/filesystem.ts';
import { openFormat, refuseForeign } from './object/format.ts';
import { isCacheableKey } from './object/keys.ts';
import { MemoryObjectStore } from './object/memory.ts';
import type { ObjectStore } from './object/object-store.ts';
import { probeStore, refuseUnsafe } from './object/probe.ts';
import { RetryingObjectStore } from './object/retrying.ts';
import { S3ObjectStore } from './object/s3.ts';
import { parseStoreUrl } from './object/store-url.ts';
import type { PfsContext } from './pfs/context.ts';
import { openPfs } from './pfs/open.ts';
import { raiseFormat } from './pfs/raise-format.ts';

/** The clock and the chance of this process. */
export const clock = new SystemClock();
export const random = new SystemRandom();
const ids = new IdMaker(clock, random);

/** Opens the store of the engine, or another one with the same credentials. */
export async function openStore(
  config: Config,
  url: string = config.storeText,
): Promise<ObjectStore> {
  const { credentials } = config;
  const store = url === config.storeText ? config.store : parseStoreUrl(url);
  const wrap = (inner: ObjectStore) => new RetryingObjectStore(inner, { clock, random });
  switch (store.kind) {
    case 'memory':
      return new MemoryObjectStore({ clock });
    case 'filesystem':
      return wrap(await FilesystemObjectStore.open(store.directory, { clock, random }));
    case 's3': {
      if (credentials.accessKey === '' || credentials.secretKey === '') {
        throw new EngineError(
          'invalid',
          `Cannot open ${url}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment`,
        );
      }
      return wrap(new S3ObjectStore({ ...store, ...credentials }));
    }
    default: {
      const unknown: never = store;
      throw new EngineError('internal', `Cannot open store ${JSON.stringify(unknown)}`);
    }
  }
}

/**
 * Puts a local cache before a distant store. Keys are the same in every store, so each has a directory of its own, by
 * the id of its format: a home that is given another bucket, or one that was emptied, must not see the old journal.
 */
async function withCache(
  config: Config,
  store: ObjectStore,
  storeId: string,
): Promise<ObjectStore> {
  return await CachingObjectStore.open(store, {
    directory: join(config.home, 'cache', 'objects', storeId),
    maxBytes: config.cacheBytes,
    minFreeBytes: config.minFreeBytes,
    isCacheable: isCacheableKey,
    clock,
    random,
  });
}

/** Opens a store, an empty one as a new one, once it is known to be ours and to be safe. */
export async function openContext(
  config: Config,
  options: {
    readonly bucket: ObjectStore;
    readonly self: string;
    readonly onProblem: (error: unknown) => void;
    readonly tracer?: Tracer | undefined;
  },
): Promise<PfsContext> {
  const { bucket, self, onProblem, tracer } = options;
  // Before the probe, which writes: a directory or prefix of somebody else's must stay as it is.
  await refuseForeign(bucket);
  refuseUnsafe(
    await probeStore(bucket, { clock, random }).catch((error: unknown) => {
      throw isEngineError(error, 'failed_precondition') ? unwritable(error) : error;
    }),
  );
  const format = await openFormat(bucket, { newId: () => ids.next() });
  const context = await openPfs({
    store: config.store.kind === 's3' ? await withCache(config, bucket, format.id) : bucket,
    clock,
    random,
    ids,
    budget: new ByteBudget(config.bufferBytes),
    engine: self,
    snapshots: { keepMs: pageGraceMs(config.graceMs) },
    onProblem,
    ...(tracer ? { tracer } : {}),
  });
  await raiseFormat(context, format);
  return context;
}

/** Of a store that can be read, and perhaps put right elsewhere, but not be written to. */
function unwritable(cause: EngineError): EngineError {
  const { code, message } = cause;
  return new EngineError(code, message, { cause, details: { ...cause.details, isReadable: true } });
}

/** Returns whether an engine that can't open its store for this reason can still help to put it right. */
export function isRescuable(error: unknown): error is EngineError {
  return (
    isEngineError(error, 'corrupt') || (isEngineError(error) && error.details.isReadable === true)
  );
}

/** What is known of the places outside to which outputs may be sent. */
export function egressSettings(config: Config): EgressSettings {
  const { environment, store, credentials } = config;
  return {
    directories: config.egressDirectories,
    forbidden: Object.values(directoriesOf(config)),
    store,
    credentials,
    endpoint: environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL,
    retryMs: config.egressRetryMs,
  };
}
