// What the engine is told by its environment. The only place of the engine that reads it.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, normalize } from 'node:path';
import { EngineError } from './base/errors.ts';
import type { SpanProtocol } from './base/tracer.ts';
import { parseStoreUrl, type StoreUrl } from './object/store-url.ts';

const GiB = 1024 ** 3;
const HOUR = 60 * 60 * 1000;

/** Settings of one engine. Sizes are in bytes, times in milliseconds. */
export interface Config {
  /** The user's folder for what is not in the bucket: address, token, log, caches, the default store. */
  readonly home: string;
  readonly store: StoreUrl;
  readonly storeText: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Where the door for S3 listens; undefined: nowhere. */
  readonly s3Listen: { readonly host: string; readonly port: number } | undefined;
  /** The address at which commands of pipelines reach the engine; undefined: it is found out. */
  readonly s3JobsHost: string | undefined;
  /** The certificate and its key; undefined: no TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Whether it may listen beyond this machine without users or without TLS. */
  readonly insecureListen: boolean;
  /** Addresses and networks of the proxies whose word counts on who asks, and whether over TLS. */
  readonly trustedProxies: readonly string[];
  /** Names, beside those of loopback, under which clients may reach the engine. */
  readonly allowedHosts: readonly string[];
  readonly cacheBytes: number;
  readonly minFreeBytes: number;
  /** Memory for data on its way into the store. */
  readonly bufferBytes: number;
  readonly workerIdleMs: number;
  /** What the workers of all pipelines share; undefined: all CPUs of the machine on which they run, and most of its memory. */
  readonly room: { readonly cpus?: number; readonly memoryBytes?: number; readonly gpus?: number };
  /** How long what was deleted can be had back, and what nothing reaches stays in the store after that. */
  readonly graceMs: number;
  /** How long after a collection the next one is due; 0: none by itself. */
  readonly collectEveryMs: number;
  /** Whether small packs are merged in the background. */
  readonly compacts: boolean;
  /** After how long without a sign of life an engine's jobs are taken over. The same for all engines of a store. */
  readonly claimStaleMs: number;
  /** What runs user code: containers, or processes of this machine. */
  readonly executor: 'docker' | 'process';
  /** How often Git servers are looked at whose inputs do not say; 0: only when somebody asks for it. */
  readonly gitPollMs: number;
  /** Directories of this machine into which outputs may be sent. */
  readonly egressDirectories: readonly string[];
  /** How long an egress that fails for a reason that may pass is tried again. */
  readonly egressRetryMs: number;
  /** How long requests under way have to end when the engine does. */
  readonly lastWordsMs: number;
  readonly logLevel: string;
  /** How spans are sent to the collector that the variables of OpenTelemetry name; undefined: they are not. */
  readonly spans: SpanProtocol | undefined;
  readonly credentials: {
    readonly accessKey: string;
    readonly secretKey: string;
    readonly sessionToken?: string;
  };
  /** For what reads settings of its own from it: the Docker client's configuration. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Reads the settings; rejects with `invalid` naming the variable that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const home = env.PFS_HOME || join(env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'pfs');
  const storeText = env.PFS_STORE || `file://${join(home, 'store')}`;
  const sessionToken = env.AWS_SESSION_TOKEN;
  return {
    home,
    storeText,
    store: parseStoreUrl(storeText),
    listen: parseListen('PFS_LISTEN', env.PFS_LISTEN || '127.0.0.1:0'),
    s3Listen:
      env.PFS_S3_LISTEN === 'off'
        ? undefined
        : parseListen('PFS_S3_LISTEN', env.PFS_S3_LISTEN || '127.0.0.1:0'),
    s3JobsHost: env.PFS_S3_JOBS || undefined,
    tls: parseTls(env),
    insecureListen: number(env, 'PFS_INSECURE_LISTEN', 0) !== 0,
    trustedProxies: proxies(env, 'PFS_TRUST_PROXY'),
    allowedHosts: listed(env.PFS_ALLOWED_HOSTS),
    cacheBytes: number(env, 'PFS_CACHE_BYTES', 20 * GiB),
    minFreeBytes: number(env, 'PFS_MIN_FREE_BYTES', GiB),
    bufferBytes: number(env, 'PFS_BUFFER_BYTES', GiB / 8),
    workerIdleMs: number(env, 'PFS_WORKER_IDLE_MS', 60_000),
    room: {
      ...(env.PFS_CPUS ? { cpus: cpus(env.PFS_CPUS) } : {}),
      ...(env.PFS_MEMORY_BYTES ? { memoryBytes: number(env, 'PFS_MEMORY_BYTES', 0) } : {}),
      ...(env.PFS_GPUS ? { gpus: number(env, 'PFS_GPUS', 0) } : {}),
    },
    graceMs: number(env, 'PFS_GRACE_MS', 24 * HOUR),
    collectEveryMs: number(env, 'PFS_COLLECT_EVERY_MS', 6 * HOUR),
    compacts: number(env, 'PFS_COMPACT', 1) !== 0,
    claimStaleMs: number(env, 'PFS_CLAIM_STALE_MS', 30_000),
    executor: parseExecutor(env.PFS_EXECUTOR || 'docker'),
    gitPollMs: number(env, 'PFS_GIT_POLL_MS', 60_000),
    egressDirectories: directories(env, 'PFS_EGRESS_DIRECTORIES'),
    egressRetryMs: number(env, 'PFS_EGRESS_RETRY_MS', HOUR / 6),
    lastWordsMs: number(env, 'PFS_LAST_WORDS_MS', 10_000),
    logLevel: env.PFS_LOG_LEVEL || 'info',
    spans: parseSpans(env),
    credentials: {
      accessKey: env.AWS_ACCESS_KEY_ID ?? '',
      secretKey: env.AWS_SECRET_ACCESS_KEY ?? '',
      ...(sessionToken ? { sessionToken } : {}),
    },
    environment: env,
  };
}

function parseTls(env: NodeJS.ProcessEnv): Config['tls'] {
  const [cert = '', key = ''] = [env.PFS_TLS_CERT, env.PFS_TLS_KEY];
  if ((cert === '') !== (key === '')) {
    throw new EngineError(
      'invalid',
      `Cannot use ${cert === '' ? 'PFS_TLS_KEY' : 'PFS_TLS_CERT'} alone: a certificate and its key go together`,
    );
  }
  return cert === '' ? undefined : { cert, key };
}

function number(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  const value = text === undefined || text === '' ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new EngineError(
      'invalid',
      `Cannot use ${name}="${text}": it must be a whole number from 0`,
    );
  }
  return value;
}

function listed(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((one) => one !== '');
}

function proxies(env: NodeJS.ProcessEnv, name: string): readonly string[] {
  const given = listed(env[name]);
  for (const one of given) {
    const [address = '', bits, ...rest] = one.split('/');
    const most = { 4: 32, 6: 128 }[isIP(address)] ?? 0;
    const isNetwork = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= most);
    if (most === 0 || !isNetwork || rest.length > 0) {
      throw new EngineError(
        'invalid',
        `Cannot use ${name}: "${one}" is no address or network such as 127.0.0.1 or 10.0.0.0/8`,
      );
    }
  }
  return given;
}

function cpus(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    throw new EngineError(
      'invalid',
      `Cannot use PFS_CPUS="${text}": it must be a number above 0, such as 4 or 1.5`,
    );
  }
  return value;
}

function directories(env: NodeJS.ProcessEnv, name: string): readonly string[] {
  const paths = (env[name] ?? '').split(delimiter).filter((path) => path !== '');
  for (const path of paths) {
    if (!isAbsolute(path) || normalize(path) === '/') {
      throw new EngineError(
        'invalid',
        `Cannot use ${name}: "${path}" is no absolute path of a directory other than "/"`,
      );
    }
  }
  return paths.map((path) => normalize(path).replace(/\/+$/, ''));
}

function parseExecutor(text: string): Config['executor'] {
  if (text !== 'docker' && text !== 'process') {
    throw new EngineError('invalid', `Cannot use PFS_EXECUTOR="${text}": write docker or process`);
  }
  return text;
}

function parseSpans(env: NodeJS.ProcessEnv): Config['spans'] {
  const names = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  const name = names.find((one) => env[one]);
  const isOff = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true';
  if (name === undefined || isOff || env.OTEL_TRACES_EXPORTER === 'none') {
    return undefined;
  }
  if (!/^https?:\/\//.test(env[name] ?? '') || !URL.canParse(env[name] ?? '')) {
    // It may hold a password.
    throw new EngineError(
      'invalid',
      `Cannot use ${name}: it must be an address http(s)://host:port`,
    );
  }
  const text = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const protocol = text || 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    throw new EngineError(
      'invalid',
      `Cannot send spans by "${protocol}": set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf or http/json`,
    );
  }
  return protocol;
}

function parseListen(name: string, text: string): { host: string; port: number } {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  if (match === null) {
    throw new EngineError(
      'invalid',
      `Cannot use ${name}="${text}": write host:port, port 0 for any`,
    );
  }
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

/** Returns the version of this engine; `unknown` where its package is not beside it. */
export function packageVersion(): string {
  for (const up of ['..', '../..']) {
    try {
      const file = new URL(`${up}/package.json`, import.meta.url);
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
      return version;
    } catch {
      // Sources and build lie at different depths below package.json.
    }
  }
  return 'unknown';
}

/** The directories of an engine, by what they are for. */
export function directoriesOf(config: Config): Record<string, string> {
  const { store, home } = config;
  return { home, ...(store.kind === 'filesystem' ? { 'the store': store.directory } : {}) };
}
