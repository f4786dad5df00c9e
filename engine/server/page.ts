// The page: the files of dist/web, served to everybody, since they hold nothing of anybody's; what they show comes from the
// API. Paths that are no file are places within the page, which reads them itself.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { namesTag } from './conditions.ts';
import { API_PREFIX } from './wire.ts';

/** A file as it is kept: in memory, with the forms that the build has compressed. */
interface PageFile {
  readonly type: string;
  readonly tag: string;
  readonly forms: Readonly<Partial<Record<Encoding, Buffer>>> & { readonly identity: Buffer };
}

type Encoding = 'identity' | 'br' | 'gzip';

const ROUTE = '/*';
const INDEX = '/index.html';
/** Names below it change with their content. */
const ASSETS = '/assets/';
const DOCS = '/docs/';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
};
const NOT_BUILT =
  'The page is not here: this engine was built without it; npm run build makes it.\n';

/** Blobs are what previews show of files; they inherit this policy, so that no script of a user's file ever runs. */
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "frame-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'accept-encoding',
};

/**
 * Returns whether a request is for the page, which needs no token, rather than for anything else that is served. The route
 * that was found decides: an address may be written in several ways.
 */
export function isForPage({ routeOptions, url }: FastifyRequest): boolean {
  return routeOptions.url === ROUTE && !/^\/(?:api|git)(?:[/?]|$)/.test(url);
}

/** Adds the routes of the page, whose files are in `folder`; what is neither file nor place in it is not found. */
export function pageRoutes(server: FastifyInstance, folder: string): void {
  let files: ReadonlyMap<string, PageFile> | undefined;
  server.route({
    method: ['GET', 'HEAD'],
    url: ROUTE,
    handler: (request, reply) => {
      if (!isForPage(request)) {
        return reply.callNotFound();
      }
      files ??= readFiles(folder);
      const [path = ''] = request.url.split('?');
      const name = path.endsWith('/') && path !== '/' ? `${path}index.html` : path;
      const file = files.get(name) ?? (isPlace(request, path) ? files.get(INDEX) : undefined);
      if (file) {
        return sendFile(request, reply, { file, isLasting: path.startsWith(ASSETS) });
      }
      return isPlace(request, path)
        ? reply.code(404).type('text/plain; charset=utf-8').send(NOT_BUILT)
        : reply.callNotFound();
    },
  });
}

/** A browser that goes somewhere asks for HTML; programs that mistype a path of the API do not. */
function isPlace({ headers }: FastifyRequest, path: string): boolean {
  return (
    path === '/' ||
    ((headers.accept ?? '').includes('text/html') &&
      !path.startsWith(ASSETS) &&
      !path.startsWith(DOCS) &&
      !path.startsWith(API_PREFIX))
  );
}

function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { file, isLasting }: { readonly file: PageFile; readonly isLasting: boolean },
): FastifyReply {
  const encoding = encodingFor(request.headers['accept-encoding'] ?? '', file);
  const etag = `${file.tag}-${encoding}`;
  reply.headers(HEADERS).header('etag', `"${etag}"`);
  reply.header('cache-control', isLasting ? 'public, max-age=31536000, immutable' : 'no-cache');
  const known = request.headers['if-none-match'];
  if (known !== undefined && namesTag(known, etag, { weakly: true })) {
    return reply.code(304).send();
  }
  if (encoding !== 'identity') {
    reply.header('content-encoding', encoding);
  }
  const bytes = file.forms[encoding] ?? file.forms.identity;
  reply.type(file.type).header('content-length', bytes.length);
  return reply.send(request.method === 'HEAD' ? undefined : bytes);
}

function encodingFor(accepted: string, { forms }: PageFile): Encoding {
  const takes = (name: Encoding) =>
    forms[name] !== undefined &&
    new RegExp(`\\b${name}\\b(?!\\s*;\\s*q=0(?:\\.0*)?(?:,|$))`).test(accepted);
  return takes('br') ? 'br' : takes('gzip') ? 'gzip' : 'identity';
}

/** Reads all files, by their paths as URLs have them: nothing outside of the folder can be asked for. */
function readFiles(folder: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  const names = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
    : [];
  for (const name of names) {
    const type = TYPES[extname(name)];
    const path = join(folder, name);
    if (type === undefined || !statSync(path).isFile()) {
      continue;
    }
    const identity = readFileSync(path);
    const br = existsSync(`${path}.br`) ? { br: readFileSync(`${path}.br`) } : {};
    const gzip = existsSync(`${path}.gz`) ? { gzip: readFileSync(`${path}.gz`) } : {};
    const tag = createHash('sha256').update(identity).digest('hex').slice(0, 32);
    files.set(`/${name}`, { type, tag, forms: { identity, ...br, ...gzip } });
  }
  return files;
}
