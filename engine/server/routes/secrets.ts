// Secrets over HTTP. No answer but that of the export of the key holds anything secret.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { may } from '../../auth/rights.ts';
import { EngineError } from '../../base/errors.ts';
import { secretScope } from '../../journal/auth-records.ts';
import type { SecretRecord } from '../../journal/secret-records.ts';
import { secretsOfSpec } from '../../pipeline/secret-names.ts';
import type { PipelineSpec } from '../../pipeline/spec.ts';
import { OPAQUE, parseSecret, type SecretDocument } from '../../secrets/secret-document.ts';
import { answering, body, flag, pageOf, param, text } from '../http.ts';
import { askerOf } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime } from '../views.ts';
import type { Secret, SecretKeyIds, SecretKeys } from '../wire-secrets.ts';

/** Adds the routes of secrets. */
export function secretRoutes(server: FastifyInstance, parts: EngineParts): void {
  const { context, secrets } = parts;
  const answered = answering(context);

  const view = (secret: SecretRecord): Secret => {
    const { name, version, type, created, updated, keys, sealed } = secret;
    const readable = secrets.keys.find(sealed.keyId) !== undefined;
    const usedBy = [...context.journal.state.pipelines.values()]
      .filter(({ spec }) => secretsOfSpec(spec as unknown as PipelineSpec).includes(name))
      .map(({ key }) => key);
    return {
      name,
      version,
      type,
      created: isoTime(created),
      updated: isoTime(updated),
      keys,
      readable,
      atRisk: readable && !secrets.keys.isCopied(sealed.keyId),
      usedBy,
    };
  };

  const visible = (request: FastifyRequest): SecretRecord[] => {
    const asker = askerOf(request);
    return secrets
      .list()
      .filter(({ name }) =>
        may(context.journal.state, asker, { role: 'reader', scope: secretScope(name) }),
      );
  };

  server.get('/secrets', (request) =>
    pageOf(request, visible(request), { keyOf: (secret) => secret.name, view }),
  );

  server.post('/secrets', async (request) => {
    const { name, type, values } = contentOf(request);
    const put = { name, type, values, update: flag(request, 'update') };
    await answered(request, async (asked) => {
      await secrets.put(put, asked);
      return null;
    });
    return view(secrets.find(name));
  });

  server.get('/secrets/:name', (request) => view(secrets.find(param(request, 'name'))));

  server.delete('/secrets/:name', async (request, reply) => {
    await answered(request, (asked) => secrets.delete(param(request, 'name'), asked));
    return reply.code(204).send();
  });

  server.post('/secret-keys/export', (): SecretKeys => ({ text: secrets.keys.exportText() }));

  server.post('/secret-keys/import', (request): SecretKeyIds => {
    const ids = secrets.keys.importText(text(request, 'text') ?? '');
    const opened = secrets.list().filter(({ sealed }) => ids.includes(sealed.keyId));
    return { ids, secrets: opened.map(({ name }) => name) };
  });
}

/** Reads a secret out of a request; `invalid` where its name is said twice, and differently. */
function contentOf(request: FastifyRequest): SecretDocument & { readonly name: string } {
  const document = text(request, 'document');
  const found: SecretDocument =
    document === undefined
      ? { type: OPAQUE, values: new Map() }
      : parseSecret(document, text(request, 'file') ?? 'secret');
  const asked = text(request, 'name');
  if (asked !== undefined && found.name !== undefined && asked !== found.name) {
    throw new EngineError(
      'invalid',
      `Cannot put secret "${asked}": its document calls it "${found.name}"; give one of the names`,
    );
  }
  const values = new Map(found.values);
  const given: unknown = body(request).values ?? {};
  for (const [key, value] of Object.entries(given as object) as [string, unknown][]) {
    if (typeof value !== 'string') {
      throw new EngineError('invalid', `Cannot read the request: values.${key} must be base64`);
    }
    values.set(key, Buffer.from(value, 'base64'));
  }
  return { name: asked ?? found.name ?? '', type: text(request, 'type') ?? found.type, values };
}
