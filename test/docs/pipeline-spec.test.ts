// The reference of the pipeline spec is what the schema says now, and leaves no field without words, a default and a valid example.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { PIPELINE_SCHEMA } from '../../engine/pipeline/spec-schema.ts';
import { checkout } from '../support/cli.ts';

const page = readFileSync(join(checkout, 'docs/pipeline-spec.md'), 'utf8');

it('docs/pipeline-spec.md is what npm run docs makes of the schema', async () => {
  const { pipelineReference } = await import(join(checkout, 'scripts/docs/pipeline-reference.mjs'));
  assert.ok(page === pipelineReference(), 'run npm run docs');
});

it('every field that has an effect has a type, a default, a meaning and an example', () => {
  const rows = page.split('\n').filter((line) => line.split(/(?<!\\)\|/).length === 7);
  const lacking = rows.filter((line) => {
    const [, , type = '', usual = '', meaning = '', example = ''] = line
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
    const isWhole = type === 'object' || meaning.startsWith('Must stay empty');
    return type === '' || meaning === '' || (!isWhole && (usual === '' || example === ''));
  });
  assert.deepEqual(lacking, []);
  assert.ok(rows.length > 90, `only ${rows.length} fields were found`);
});

it('every example in the schema is valid', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  let count = 0;
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) {
      return;
    }
    const { examples, ...schema } = value as { readonly examples?: readonly unknown[] };
    for (const example of Array.isArray(examples) ? examples : []) {
      count += 1;
      const validate = ajv.compile({ ...schema, $defs: PIPELINE_SCHEMA.$defs });
      assert.ok(
        validate(example),
        `${JSON.stringify(example)}: ${ajv.errorsText(validate.errors)}`,
      );
    }
    Object.values(schema).forEach(visit);
  };
  visit(PIPELINE_SCHEMA);
  assert.ok(count > 70, `only ${count} were found`);
});
