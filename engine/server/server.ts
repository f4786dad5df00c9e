// The HTTP server: who may speak to it, how errors are told, and which routes there are.

import { setMaxListeners } from 'node:events';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { Tracer } from '../base/tracer.ts';
import type { PfsContext } from '../pfs/context.ts';
import { accessOf, checkAccess } from './access.ts';
import { type AnsweredRequest, logAccess, REQUEST_ID_HEADER, requestIdOf } from './access-log.ts';
import { refuseBadHttp } from './bad-http.ts';
import { ChangeLog } from './change-log.ts';
import { GIT_PREFIX } from './git/prefix.ts';
import { gitRoutes } from './git/routes.ts';
import { endingError } from './http.ts';
import { LiveRequests } from './live-requests.ts';
import { pageRoutes } from './page.ts';
import type { EngineParts } from './parts.ts';
import { isFault, toProblem } from './problem.ts';
import { authRoutes } from './routes/auth.ts';
import { commitRoutes } from './routes/commits.ts';
import { defaultsRoutes } from './routes/defaults.ts';
import { descriptionRoutes } from './routes/description.ts';
import { downloadRoutes } from './routes/downloads.ts';
import { engineRoutes } from './routes/engine.ts';
import { eventRoutes } from './routes/events.ts';
import { fileRoutes } from './routes/files.ts';
import { foundCommitRoutes } from './routes/found-commits.ts';
import { gitInputRoutes, HOOK_PREFIX, hookRoutes } from './routes/git-inputs.ts';
import { jobListRoutes } from './routes/job-lists.ts';
import { jobRoutes } from './routes/jobs.ts';
import { mergeRoutes } from './routes/merges.ts';
import { pipelineRoutes } from './routes/pipelines.ts';
import { previewRoutes } from './routes/previews.ts';
import { projectRoutes } from './routes/projects.ts';
import { removalRoutes } from './routes/removals.ts';
import { repoRoutes } from './routes/repos.ts';
import { secretRoutes } from './routes/secrets.ts';
import { sessionRoutes } from './routes/session.ts';
import { storeRoutes } from './routes/store.ts';
import { tagRoutes } from './routes/tags.ts';
import { transactionRoutes } from './routes/transactions.ts';
import { upkeepRoutes } from './routes/upkeep.ts';
import { whyRoutes } from './routes/why.ts';
import { workbenchRoutes } from './routes/workbench.ts';
import { Sessions } from './sessions.ts';
import { identify, type SignInOptions } from './sign-in.ts';
import type { Certificate } from './tls-files.ts';
import { traceRequests } from './trace-requests.ts';
import {
  API_PREFIX,
  BYTES_TYPE,
  FRAMES_TYPE,
  PROBLEM_TYPE,
  type Problem,
  VERSION_HEADER,
} from './wire.ts';
import { SESSION_TYPE } from './wire-workbench.ts';

export interface ServerOptions {
  readonly token: string;
  /** Names, beside those of loopback, under which clients may reach the engine. */
  readonly allowedHosts: readonly string[];
  /** Addresses and networks of the proxies whose word counts on who asks, and whether over TLS; nobody's where there are none. */
  readonly trustedProxies: readonly string[];
  /** Told of what is no fault of a request, with the id of that. */
  readonly onFault: (error: unknown, request?: string) => void;
  /** Makes an id that nothing else has. */
  readonly newId: () => string;
  /** Aborts when the engine begins to end: from then on it answers only what is under way. */
  readonly ending: AbortSignal;
  /** How long requests under way have to end when the server closes, in milliseconds. */
  readonly lastWordsMs: number;
  /** Told of every request once it is over, where that is wanted. */
  readonly onAnswered?: (answered: AnsweredRequest) => void;
  /** Takes a span of every request; undefined: nobody does. */
  readonly tracer?: Tracer;
  /** With which it speaks TLS; undefined: it does not. */
  readonly certificate?: Certificate | undefined;
  /** The folder of the page's files. */
  readonly pageDirectory: string;
}

const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Of every answer; the page has its own policy. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
};
/** What a client is told of how soon another engine may answer, in seconds. */
const RETRY_AFTER = '5';
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** What is answered until the very end. */
const CALM_PATHS = new Set(['/healthz', `${API_PREFIX}/version`]);

/**
 * Makes a server without routes: who may speak to it, and how errors are told. Without a context only the token of the
 * engine's home is known.
 */
export function bareServer(
  version: string,
  options: ServerOptions,
  opened?: { readonly context: PfsContext; readonly signIn: SignInOptions },
): FastifyInstance {
  const { context } = opened ?? {};
  const { token } = options;
  const signIn = opened?.signIn ?? { token, state: undefined, now: () => 0, sessions: undefined };
  const live = context && new LiveRequests(context.journal, context.clock);
  const { certificate } = options;
  const server = fastify({
    // Of the two kinds of server only the sockets differ.
    ...((certificate ? { https: certificate } : {}) as Record<never, never>),
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    ...(options.trustedProxies.length > 0 ? { trustProxy: [...options.trustedProxies] } : {}),
    // A name or path is one segment, and paths may be long.
    routerOptions: { maxParamLength: 4096 },
    forceCloseConnections: 'idle',
    // A HEAD of a stream would read all of it.
    exposeHeadRoutes: false,
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      void sendProblem(reply, toProblem(error));
    },
    requestTimeout: 0,
    genReqId: ({ headers }) => requestIdOf(headers, options.newId),
    clientErrorHandler: refuseBadHttp,
  });
  for (const type of [FRAMES_TYPE, BYTES_TYPE, SESSION_TYPE]) {
    server.addContentTypeParser(type, (_request, payload, done) => done(null, payload));
  }
  server.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, text, done) =>
    done(null, text),
  );
  server.decorateRequest('identity', null);
  server.decorateRequest('needs');
  // Before what refuses requests, or the bytes of those would be all of their connection's.
  if (options.onAnswered) {
    logAccess(server, options.onAnswered);
  }
  if (options.tracer) {
    traceRequests(server, options.tracer);
  }
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS).header(VERSION_HEADER, version);
    reply.header(REQUEST_ID_HEADER, request.id);
    if (request.protocol === 'https') {
      reply.header('strict-transport-security', 'max-age=31536000');
    }
    request.needs = [];
    checkOrigin(request, options.allowedHosts);
    if (options.ending.aborted && !CALM_PATHS.has(request.routeOptions.url ?? '')) {
      throw endingError();
    }
    if (accessOf(request) === 'open') {
      return;
    }
    request.identity = identify(request, reply, signIn);
    if (context) {
      checkAccess(request, context.journal.state);
      live?.add(request, reply);
    }
  });
  server.addHook('preClose', (done) => {
    // Who follows a log, or reads slowly, would keep the engine from ever ending.
    setTimeout(() => server.server.closeAllConnections(), options.lastWordsMs).unref();
    done();
  });
  server.setErrorHandler((error, request, reply) => {
    if (isFault(error)) {
      options.onFault(error, request.id);
    }
    const isCut = options.ending.aborted && isEngineError(error, 'cancelled');
    return sendProblem(reply, toProblem(isCut ? endingError(error) : error));
  });
  // Each stream listens.
  setMaxListeners(0, options.ending);
  server.decorate('ending', options.ending);
  server.setNotFoundHandler((request, reply) => {
    const error = new EngineError(
      'not_found',
      `Cannot find "${request.method} ${request.url.split('?')[0]?.slice(0, 200)}": the API has no such route`,
    );
    return sendProblem(reply, toProblem(error));
  });
  pageRoutes(server, options.pageDirectory);
  return server;
}

/** Loads the checks of requests, which takes a while: begun once the server listens. */
function requestCheck(): Promise<typeof import('./request-check.ts')> {
  return import('./request-check.ts');
}

/** Makes the server; it does not listen yet. */
export function makeServer(parts: EngineParts, options: ServerOptions): FastifyInstance {
  const { context } = parts;
  const sessions = new Sessions({ clock: context.clock, random: parts.store.random });
  const signIn: SignInOptions = {
    token: options.token,
    state: () => context.journal.state,
    now: () => context.clock.now(),
    sessions,
  };
  const server = bareServer(parts.version, options, { context, signIn });
  server.get('/healthz', () => ({ ok: true }));
  server.get('/readyz', () => {
    const { failure } = parts.context.journal;
    if (failure) {
      throw failure;
    }
    return { ready: true };
  });
  parts.metrics.serve(server, parts);
  const changes = new ChangeLog(parts.context.journal);
  const api = async (routes: FastifyInstance): Promise<void> => {
    routes.addHook('preValidation', async (request) =>
      (await requestCheck()).checkRequest(request),
    );
    descriptionRoutes(routes, parts);
    engineRoutes(routes, parts);
    repoRoutes(routes, parts, options.onFault);
    projectRoutes(routes, parts);
    upkeepRoutes(routes, parts);
    tagRoutes(routes, parts);
    commitRoutes(routes, parts);
    removalRoutes(routes, parts);
    mergeRoutes(routes, parts);
    foundCommitRoutes(routes, parts);
    fileRoutes(routes, parts);
    downloadRoutes(routes, parts, options.onFault);
    pipelineRoutes(routes, parts);
    previewRoutes(routes, parts);
    defaultsRoutes(routes, parts);
    jobListRoutes(routes, parts);
    jobRoutes(routes, parts);
    whyRoutes(routes, parts);
    secretRoutes(routes, parts);
    authRoutes(routes, parts);
    sessionRoutes(routes, { context, sessions, signIn });
    gitInputRoutes(routes, parts);
    workbenchRoutes(routes, parts);
    transactionRoutes(routes, parts);
    const { clock, journal } = parts.context;
    eventRoutes(routes, { changes, clock, state: () => journal.state });
    storeRoutes(routes, parts.store);
  };
  void server.register(api, { prefix: API_PREFIX });
  const hooks = async (routes: FastifyInstance): Promise<void> => hookRoutes(routes, parts);
  void server.register(hooks, { prefix: HOOK_PREFIX });
  const git = async (routes: FastifyInstance): Promise<void> =>
    gitRoutes(routes, parts, options.onFault);
  void server.register(git, { prefix: GIT_PREFIX });
  server.addHook('onListen', (done) => {
    void requestCheck();
    done();
  });
  return server;
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) {
    reply.header('retry-after', RETRY_AFTER);
  }
  const instance = `/requests/${reply.request.id}`;
  return reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send({ ...problem, instance });
}

/** Refuses what a page of another site could make a browser send. */
function checkOrigin(request: FastifyRequest, allowed: readonly string[]): void {
  const { host, origin } = request.headers;
  const isKnown = LOOPBACK.test(host ?? '') || allowed.includes((host ?? '').replace(/:\d+$/, ''));
  if (!isKnown || (origin !== undefined && originHost(origin) !== host)) {
    throw new EngineError(
      'unauthenticated',
      'Cannot answer: the request names another host, or comes from a page of another site',
    );
  }
}

function originHost(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    // `null`, as pages without an origin send it.
    return undefined;
  }
}
