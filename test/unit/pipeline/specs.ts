// Short ways to make specs for the tests of this room.

import assert from 'node:assert/strict';
import type { EngineError } from '../../../engine/base/errors.ts';
import { isEngineError } from '../../../engine/base/errors.ts';
import { parseSpecs } from '../../../engine/pipeline/parse-spec.ts';
import type { PfsInput, PipelineSpec } from '../../../engine/pipeline/spec.ts';
import type { SpecDocument } from '../../../engine/pipeline/spec-document.ts';
import type { ValidatedSpec } from '../../../engine/pipeline/validate-spec.ts';
import { validateSpec } from '../../../engine/pipeline/validate-spec.ts';

/** The spec of the issue, to the letter. */
export const IRIS = `{
  "pipeline": { "name": "model" },
  "transform": {
    "image": "pachyderm/iris-train:python-svm",
    "cmd": ["python3", "/code/pytrain.py",]
  },
  "input": { "atom": { "repo": "training", "glob": "/" } }
}
`;

export function parseOne(text: string, fileName = 'spec.yaml'): SpecDocument {
  const [document, ...others] = parseSpecs(text, { fileName });
  assert.ok(document !== undefined && others.length === 0);
  return document;
}

export function validate(text: string, fileName = 'spec.yaml'): ValidatedSpec {
  return validateSpec(parseOne(text, fileName), {
    defaultProject: 'default',
    checkGlob: (glob) =>
      glob.includes('[') ? `"${glob}" has no "]"; close it` : glob.split('(').length - 1,
  });
}

export function errorOf(action: () => unknown): EngineError {
  try {
    action();
  } catch (error) {
    assert.ok(isEngineError(error, 'invalid'), String(error));
    return error;
  }
  return assert.fail('expected an error');
}

/** A spec in YAML of which single parts can be replaced; line 1 is the name, line 2 the transform, line 3 the input. */
export function yamlSpec(
  parts: { pipeline?: string; transform?: string; input?: string; rest?: string } = {},
): string {
  return [
    `pipeline: ${parts.pipeline ?? '{name: p}'}`,
    `transform: ${parts.transform ?? '{image: "a:1", cmd: [run]}'}`,
    `input: ${parts.input ?? '{pfs: {repo: data, glob: /*}}'}`,
    parts.rest ?? '',
  ].join('\n');
}

export function pfs(name: string, more: Partial<PfsInput> = {}): { pfs: PfsInput } {
  return {
    pfs: {
      name,
      project: 'default',
      repo: name,
      branch: 'master',
      glob: '/*',
      repo_type: 'user',
      join_on: '',
      outer_join: false,
      group_by: '',
      lazy: false,
      empty_files: false,
      s3: false,
      reference: false,
      ...more,
    },
  };
}

/** A canonical pipeline that reads repos of the default project. */
export function pipeline(name: string, ...repos: string[]): PipelineSpec {
  const members = repos.map((repo) => `{pfs: {repo: ${repo}, glob: /}}`).join(', ');
  return validate(yamlSpec({ pipeline: `{name: ${name}}`, input: `{cross: [${members}]}` })).spec;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) {
    list.push(item);
  }
  return list;
}
