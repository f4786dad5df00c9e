// The reference of the pipeline spec, as Markdown made of the JSON Schema: every field with its type, its default, what it means and an
// example. Nothing is written here that the schema knows.

import { readFileSync } from 'node:fs';
import { root } from '../setup/paths.mjs';

const schema = JSON.parse(readFileSync(`${root}/schemas/pipeline.schema.json`, 'utf8'));

/** Words for the formats of the schema. */
const FORMATS = {
  'go-duration': 'duration, such as `90s` or `1h30m`',
  'byte-quantity': 'bytes, such as `512Mi` or `1G`',
  'cpu-quantity': 'CPUs: a number, or text such as `500m`',
  'json-text': 'JSON as text',
};

const KINDS = {
  string: 'text',
  boolean: '`true` or `false`',
  integer: 'whole number',
  number: 'number',
  object: 'object',
};

const INPUT_KINDS = ['pfs', 'cron', 'git', 'cross', 'union', 'join', 'group'];

/** Returns the whole page. */
export function pipelineReference() {
  const rows = walk(schema, '');
  const current = rows.filter(({ path, field }) => !field.deprecated && !isWithinOther(path, rows));
  const works = current.filter(({ field }) => field['x-status'] === 'effective');
  const byStatus = (status) => current.filter(({ field }) => field['x-status'] === status);
  const sections = Object.entries(schema.properties)
    .filter(([, field]) => field['x-status'] === 'effective' && !field.deprecated)
    .filter(([name, field]) => name !== 'input' && resolved(field).properties !== undefined)
    .map(([name, field]) => section(name, field, works));
  const simple = works.filter(
    ({ path, field }) =>
      !path.includes('.') && resolved(field).properties === undefined && path !== 'input',
  );
  return [
    introduction(),
    '## Fields of the spec itself\n',
    `${table(simple)}\n`,
    ...sections.slice(0, 2),
    inputs(works),
    ...sections.slice(2),
    '## Kept, without effect here\n',
    'These matter on a Kubernetes cluster only. They are accepted, kept, shown, and warned about.\n',
    `${shortTable(byStatus('kept'))}\n`,
    '## Accepted, without effect yet\n',
    `${shortTable(byStatus('not_yet'))}\n`,
    '## Refused\n',
    'A pipeline that went without what these say would give wrong results, so that the spec is refused.\n',
    `${refusedTable(byStatus('refused'))}\n`,
    '## Older names\n',
    'Specs that were written years ago are accepted as they are; what has no effect any more is warned about.\n',
    olderTable(rows.filter(({ field, path }) => field.deprecated && isOutermost(path, rows))),
    '',
  ].join('\n');
}

function introduction() {
  return `# Pipeline reference

All fields of a pipeline spec. This page is made from [the schema](../schemas/pipeline.schema.json) (\`npm run docs\`), which editors can check specs
against. How to work with specs is in [Working with pipelines](pipelines.md), how inputs become datums in [Inputs](inputs.md).

A spec is JSON or YAML. A file may hold several: JSON objects one after the other or in a list, YAML documents with \`---\` between them. Names are
written \`like_this\` or \`likeThis\`, numbers may be text, commas too many and comments are overlooked. A field that does not exist is an error
that names the nearest one. \`pfs validate-pipeline\` says what is wrong with a spec.

\`\`\`yaml
${EXAMPLE}
\`\`\`

Required are \`pipeline.name\`, \`transform.image\` and \`input\` (but for a spout, which has none).
`;
}

const EXAMPLE = `pipeline: { name: edges }
description: Finds the edges in each image
transform:
  image: python:3.12-slim
  cmd: [python3, /code/edges.py]
  env: { LC_ALL: C }
input:
  pfs: { repo: images, glob: /* }
parallelism_spec: { constant: 4 }
resource_requests: { cpu: 1, memory: 512Mi }
datum_timeout: 5m`;

/** Returns every field below a schema, with its path: `a.b`, `a[].b`. */
function walk(field, path) {
  const { properties, items } = resolved(field);
  if (items && path !== '' && resolved(items).properties && !isCombination(path)) {
    return walk(items, `${path}[]`);
  }
  return Object.entries(properties ?? {}).flatMap(([name, each]) => {
    const below = path === '' ? name : `${path}.${name}`;
    return [
      { path: below, field: each, required: resolved(field).required?.includes(name) ?? false },
      ...walk(each, below),
    ];
  });
}

function isCombination(path) {
  return ['cross', 'union', 'join', 'group'].includes(path.split('.').at(-1));
}

function resolved(field) {
  const name = field.$ref?.replace('#/$defs/', '');
  return name === undefined ? field : { ...schema.$defs[name], ...field };
}

function section(name, field, works) {
  const rows = works.filter(({ path }) => path.startsWith(`${name}.`));
  return `## \`${name}\`\n\n${meaningOf(resolved(field))}\n\n${table(rows, `${name}.`)}\n`;
}

function inputs(works) {
  const { description } = schema.properties.input;
  const parts = INPUT_KINDS.map((kind) => {
    const { field } = works.find(({ path }) => path === `input.${kind}`);
    const rows = works.filter(({ path }) => path.startsWith(`input.${kind}.`));
    const body =
      rows.length > 0
        ? table(rows, `input.${kind}.`)
        : `\`\`\`json\n${asJson({ [kind]: exampleOf(field) })}\n\`\`\``;
    return `### \`${kind}\`\n\n${meaningOf(field)}\n\n${body}\n`;
  });
  return `## \`input\`\n\n${description} Exactly one of these; the combinations take inputs of any kind.\n\n${parts.join('\n')}`;
}

function table(rows, prefix = '') {
  return grid(
    ['field', 'type', 'default', 'meaning', 'example'],
    rows.map(({ path, field, required }) => [
      `\`${path.slice(prefix.length)}\``,
      typeOf(resolved(field)),
      required ? '_required_' : defaultOf(resolved(field)),
      meaningOf(resolved(field)),
      shownExample(path, resolved(field)),
    ]),
  );
}

function shortTable(rows) {
  return grid(
    ['field', 'meaning'],
    rows.map(({ path, field }) => [`\`${path}\``, resolved(field).description]),
  );
}

function refusedTable(rows) {
  const cells = rows.map(({ path, field }) => [
    `\`${path}\``,
    field.description,
    field['x-instead'] ?? '',
  ]);
  return grid(['field', 'meaning', 'instead'], cells);
}

function olderTable(rows) {
  return grid(
    ['field', 'meaning', 'what becomes of it'],
    rows.map(({ path, field }) => [
      `\`${path}\``,
      resolved(field).description.replace(/^Deprecated\. /, ''),
      field['x-status'] === 'refused'
        ? `refused: ${field['x-instead'] ?? 'leave it out'}`
        : field['x-status'] === 'effective'
          ? 'works'
          : 'no effect',
    ]),
  );
}

/** What is within something old, or within something without effect, has no say of its own. */
function isWithinOther(path, rows) {
  const own = rows.find((row) => row.path === path).field['x-status'];
  return rows.some(
    ({ path: outer, field: { deprecated, 'x-status': status } }) =>
      (path.startsWith(`${outer}.`) || path.startsWith(`${outer}[]`)) &&
      (deprecated || (status !== 'effective' && status !== own)),
  );
}

/** Of what is old as a whole, only the whole is listed. */
function isOutermost(path, rows) {
  return !rows.some(
    ({ path: outer, field }) =>
      field.deprecated && (path.startsWith(`${outer}.`) || path.startsWith(`${outer}[]`)),
  );
}

function grid(names, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(names), line(names.map(() => '---')), ...rows.map(line)].join('\n');
}

function typeOf({ type, format, enum: choices, items, additionalProperties, minimum, maximum }) {
  if (format) {
    return FORMATS[format];
  }
  if (choices) {
    return choices.map((choice) => `\`${choice}\``).join(', ');
  }
  if (type === 'array') {
    return items.type === 'string'
      ? 'list of text'
      : items.type === 'integer'
        ? 'list of whole numbers'
        : 'list of objects';
  }
  if (type === 'object' && typeof additionalProperties === 'object') {
    return 'names with text';
  }
  const kinds = [type]
    .flat()
    .map((each) => KINDS[each])
    .join(' or ');
  const range =
    maximum !== undefined
      ? `, ${minimum} to ${maximum}`
      : minimum > 0
        ? `, at least ${minimum}`
        : '';
  return `${kinds}${type === 'integer' ? range : ''}`;
}

/** The default stands last in a description: "… Default: none." */
const DEFAULT = / ?\bDefault: ([^;]*?)\.$/;

function defaultOf({ description, properties }) {
  const [, text] = DEFAULT.exec(description) ?? [];
  return text ?? /Default: ([^;,]*)/.exec(description)?.[1] ?? (properties ? '' : 'none');
}

function meaningOf({ description }) {
  return description.replace(DEFAULT, '');
}

/** Returns the example of a field: that of the schema, else what tells it from its default. */
function exampleOf({ examples, type, default: usual, enum: choices, description }) {
  if (examples) {
    return examples[0];
  }
  if (type === 'boolean') {
    return usual !== true;
  }
  return choices?.find((choice) => choice !== usual && !description.includes(`Default: ${choice}`));
}

function shownExample(path, field) {
  const example = exampleOf(field);
  if (example === undefined) {
    return '';
  }
  const name = path.split('.').at(-1);
  return `\`${JSON.stringify(name.replace('[]', ''))}: ${asJson(example, true)}\``;
}

function asJson(value, isInline = false) {
  if (!isInline) {
    return JSON.stringify(value, null, 2);
  }
  return JSON.stringify(value, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/\[ /g, '[')
    .replace(/ \]/g, ']');
}
