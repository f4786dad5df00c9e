// The description of the API as a page to read: one document without scripts, that asks for nothing else.

import { createHash } from 'node:crypto';
import type { ApiDescription, Content, DescribedOperation, Parameter } from './openapi.ts';
import { COMPONENTS } from './wire-schema.ts';

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #333); --soft: light-dark(#f5f5f4, #1c1c1e); --faint: light-dark(#57534e, #a8a29e);
  --link: light-dark(#0b57d0, #8ab4f8); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: light-dark(#fff, #111113); color: light-dark(#1c1917, #e7e5e4); }
main { max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 3rem; text-transform: capitalize; } h3 { font-size: 1rem; margin: 0; }
a { color: var(--link); text-decoration: none; } a:hover, a:focus-visible { text-decoration: underline; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .6rem .8rem; border-radius: 6px; overflow: auto; margin: .6rem 0 0; }
nav { columns: 22rem; font-size: 13px; } nav section { break-inside: avoid; margin-bottom: .8rem; } nav a { display: block; }
article { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; margin: 1rem 0; }
article p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; } td { border-top: 1px solid var(--line); padding: .3rem .6rem .3rem 0; vertical-align: top; }
td:first-child { white-space: nowrap; } small { color: var(--faint); }
.method { display: inline-block; min-width: 4rem; font-weight: 700; }
`;

/** Headers of the page: it may show its own style, and nothing else. */
export const REFERENCE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: DescribedOperation;
}

/** Returns the page. */
export function referencePage(api: ApiDescription): string {
  const entries = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]): Entry => ({ method: method.toUpperCase(), path, operation }),
    ),
  );
  const groups = api.tags.map((tag) => ({
    ...tag,
    entries: entries.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const index = groups.map(
    ({ name, entries: own }) =>
      `<section><strong>${escaped(name)}</strong>${own.map(indexLine).join('')}</section>`,
  );
  const parts = groups.map(
    ({ name, description, entries: own }) =>
      `<h2 id="${escaped(name)}">${escaped(name)}</h2><p>${rich(description)}</p>${own.map(article).join('')}`,
  );
  const schemas = Object.entries(api.components.schemas).map(
    ([name, schema]) =>
      `<article id="schema-${escaped(name)}"><h3><code>${escaped(name)}</code></h3>${noted(schema.description)}<pre>${typeText(schema)}</pre></article>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>pfs API</title><style>${STYLE}</style></head><body><main><h1>The API of pfs ${escaped(api.info.version)}</h1><p>${rich(String(api.info.description))}</p><p>For programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p><nav aria-label="Operations">${index.join('')}</nav>${parts.join('')}<h2 id="schemas">Schemas</h2>${schemas.join('')}</main></body></html>\n`;
}

function indexLine({ method, path, operation }: Entry): string {
  return `<a href="#${escaped(operation.operationId)}"><code>${method} ${escaped(path)}</code></a>`;
}

function article({ method, path, operation }: Entry): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const rows = parameters.map(parameterRow).join('');
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, content]) => `<p>Body: ${contentText(type, content)}</p>`,
  );
  const answers = Object.entries(responses)
    .filter(([status]) => status !== 'default')
    .map(([status, { description: what, content = {} }]) => {
      const kinds = Object.entries(content).map(([type, one]) => contentText(type, one));
      return `<p>${status}: ${kinds.join(' or ') || escaped(String(what))}</p>`;
    });
  return `<article id="${escaped(operationId)}"><h3><span class="method">${method}</span> <code>${escaped(path)}</code></h3><p>${rich(summary)}</p>${noted(description)}${rows && `<table>${rows}</table>`}${bodies.join('')}${answers.join('')}<pre>${escaped(curl({ method, path, operation }))}</pre></article>`;
}

function parameterRow({ name, in: place, required, description, schema }: Parameter): string {
  const note = `${place}${required && place !== 'path' ? ', required' : ''}`;
  return `<tr><td><code>${escaped(name)}</code> <small>${note}</small></td><td><code>${typeText(schema)}</code></td><td>${rich(description)}</td></tr>`;
}

function contentText(type: string, { schema }: Content): string {
  return `<code>${escaped(type)}</code>${schema ? ` of <code>${typeText(schema)}</code>` : ''}`;
}

/** Shows the example of an operation as a command. */
function curl({ method, path, operation }: Entry): string {
  const values = new Map(operation.parameters.map((one) => [`${one.in} ${one.name}`, one.example]));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(values.get(`path ${name}`) ?? '')),
  );
  const query = operation.parameters
    .filter((one) => one.in === 'query' && one.example !== undefined)
    .map((one) => `${one.name}=${encodeURIComponent(String(one.example))}`)
    .join('&');
  const headers = operation.parameters
    .filter((one) => one.in === 'header' && one.example !== undefined)
    .map((one) => ` -H '${one.name}: ${String(one.example)}'`);
  const sent = Object.entries(operation.requestBody?.content ?? {}).find(
    ([, { example }]) => example !== undefined,
  );
  const body = sent?.[1].example;
  const data = typeof body === 'string' ? body : JSON.stringify(body);
  return [
    `curl${method === 'GET' ? '' : ` -X ${method}`}${operation.security?.length === 0 ? '' : ' -H "Authorization: Bearer $PFS_TOKEN"'}${headers.join('')}`,
    ...(sent ? [`  -H 'Content-Type: ${sent[0]}' --data-binary '${data}'`] : []),
    `  "$PFS_ADDRESS${filled}${query && `?${query}`}"`,
  ].join(' \\\n');
}

/** Shows a schema much as TypeScript writes types, with links to those that have names. */
function typeText(schema: Readonly<Record<string, unknown>>, indent = ''): string {
  const {
    $ref,
    anyOf,
    enum: words,
    type,
    items,
    properties,
    required,
    additionalProperties,
  } = schema as {
    $ref?: string;
    anyOf?: Record<string, unknown>[];
    enum?: string[];
    type?: string;
    items?: Record<string, unknown>;
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
    additionalProperties?: Record<string, unknown> | boolean;
  };
  if ($ref) {
    const name = escaped($ref.slice(COMPONENTS.length));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (anyOf) {
    return anyOf.map((one) => typeText(one, indent)).join(' | ');
  }
  if (words) {
    return words.map((word) => `"${escaped(word)}"`).join(' | ');
  }
  if (items) {
    const inner = typeText(items, indent);
    return inner.includes(' | ') ? `(${inner})[]` : `${inner}[]`;
  }
  if (properties) {
    const deeper = `${indent}  `;
    const fields = Object.entries(properties).map(([name, field]) => {
      const note =
        typeof field.description === 'string'
          ? `  <small>// ${rich(field.description)}</small>`
          : '';
      const mark = required?.includes(name) ? '' : '?';
      return `${deeper}${escaped(name)}${mark}: ${typeText(field, deeper)}${note}\n`;
    });
    return `{\n${fields.join('')}${indent}}`;
  }
  if (type === 'object') {
    const values =
      typeof additionalProperties === 'object' ? typeText(additionalProperties, indent) : 'any';
    return `{ [name]: ${values} }`;
  }
  return escaped(type ?? 'any');
}

function noted(text: unknown): string {
  return typeof text === 'string' ? `<p>${rich(text)}</p>` : '';
}

/** Escapes text, in which backquotes stand around code. */
function rich(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
