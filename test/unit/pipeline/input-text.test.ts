import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inputText } from '../../../engine/pipeline/input-text.ts';
import type { PipelineInput } from '../../../engine/pipeline/spec.ts';
import { pfs } from './specs.ts';

const cases: readonly (readonly [PipelineInput, string])[] = [
  [pfs('images'), 'images:/*'],
  [pfs('images', { branch: 'dev', glob: '/' }), 'images@dev:/'],
  [pfs('images', { project: 'lab' }), 'lab/images:/*'],
  [{ cross: [pfs('a'), { union: [pfs('b'), pfs('c')] }] }, '(a:/* ⨯ (b:/* ∪ c:/*))'],
  [{ join: [pfs('a'), pfs('b')] }, '(a:/* ⋈ b:/*)'],
  [{ group: [pfs('a'), pfs('b')] }, '(Group: a:/*, b:/*)'],
  [
    {
      cron: {
        name: 'tick',
        project: 'default',
        repo: 'p_tick',
        spec: '@every 1m',
        overwrite: false,
      },
    },
    'tick:@every 1m',
  ],
  [
    { git: { name: 'b', project: 'default', repo: 'p_b', url: 'https://a/b.git', branch: 'x' } },
    'https://a/b.git@x',
  ],
];
for (const [input, text] of cases) {
  it(`writes ${text}`, () => assert.equal(inputText(input, { project: 'default' }), text));
}
