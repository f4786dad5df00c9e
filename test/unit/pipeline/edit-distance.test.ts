import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nearestWord } from '../../../engine/pipeline/edit-distance.ts';

const words = ['cmd', 'env', 'image', 'datum_tries', 'datum_timeout', 'job_timeout', 'glob'];

const cases: readonly (readonly [string, string | undefined])[] = [
  ['imgae', 'image'],
  ['Image', 'image'],
  ['datum-tries', 'datum_tries'],
  ['datumTrie', 'datum_tries'],
  ['timeout', undefined],
  ['job_time_out', 'job_timeout'],
  ['globs', 'glob'],
  ['command', 'cmd'],
  ['environment', 'env'],
  ['volumes', undefined],
  ['x', undefined],
  ['', undefined],
];
for (const [word, expected] of cases) {
  it(`nearestWord() takes "${word}" for ${expected ?? 'nothing'}`, () =>
    assert.equal(nearestWord(word, words), expected));
}
