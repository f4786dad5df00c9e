// The description of the API over HTTP: for programs, and as a page to read. Made when it is first asked for.

import type { FastifyInstance } from 'fastify';
import type { ApiDescription } from '../openapi.ts';

/** Adds the routes of the description. */
export function descriptionRoutes(
  server: FastifyInstance,
  { version }: { readonly version: string },
): void {
  let description: Promise<ApiDescription> | undefined;
  const described = (): Promise<ApiDescription> => {
    description ??= import('../openapi.ts').then(({ describeApi }) => describeApi(version));
    return description;
  };

  server.get('/openapi.json', described);

  server.get('/reference', async (_request, reply) => {
    const { REFERENCE_HEADERS, referencePage } = await import('../reference.ts');
    reply.headers(REFERENCE_HEADERS).type('text/html; charset=utf-8');
    return referencePage(await described());
  });
}
