import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  engineKey,
  formatKey,
  historyKey,
  isCacheableKey,
  journalKey,
  logPrefix,
  logSegmentKey,
  packIndexKey,
  packKey,
  parseJournalKey,
  parsePackKey,
  parseSnapshotKey,
  probeKey,
  snapshotKey,
} from '../../../engine/object/keys.ts';
import { checkKey } from '../../../engine/object/request-checks.ts';

const ID = '0192f0c1a2b37c4d8e9f0a1b2c3d4e5f';

it('keys have the layout of the design', () => {
  assert.equal(formatKey(), 'format');
  assert.equal(journalKey(42), 'journal/00000000000000000042.json');
  assert.equal(snapshotKey(7, 'commits-0001'), 'snapshots/00000000000000000007/commits-0001');
  assert.equal(historyKey(ID), `history/${ID}`);
  assert.equal(packKey(ID), `packs/5f/${ID}`);
  assert.equal(packIndexKey(ID), `packs/5f/${ID}.index`);
  assert.equal(logSegmentKey(ID, 3), `logs/5f/${ID}/0000000003`);
  assert.equal(engineKey(ID), `engines/${ID}`);
});

it('every key has the form that stores accept', () => {
  const keys = [
    formatKey(),
    journalKey(0),
    journalKey(Number.MAX_SAFE_INTEGER),
    snapshotKey(1, 'a'),
    historyKey(ID),
    packKey(ID),
    packIndexKey(ID),
    logSegmentKey(ID, 0),
    engineKey(ID),
    probeKey(ID, 'race'),
  ];
  for (const key of keys) {
    checkKey(key);
  }
});

it('journal keys sort by number and are read back', () => {
  const numbers = [0, 1, 9, 10, 99, 1e6, Number.MAX_SAFE_INTEGER];
  const keys = numbers.map(journalKey);
  assert.deepEqual([...keys].sort(), keys);
  assert.deepEqual(keys.map(parseJournalKey), numbers);
  for (const other of [
    'journal/1.json',
    'journal/00000000000000000042',
    'journal/x.json',
    'format',
  ]) {
    assert.equal(parseJournalKey(other), undefined);
  }
  assert.equal(parseJournalKey(`journal/${'9'.repeat(20)}.json`), undefined);
});

it('snapshot and pack keys are read back', () => {
  assert.deepEqual(parseSnapshotKey(snapshotKey(12, 'x.1')), { seq: 12, name: 'x.1' });
  assert.equal(parseSnapshotKey(`snapshots/12/x`), undefined);
  assert.deepEqual(parsePackKey(packKey(ID)), { id: ID, isIndex: false });
  assert.deepEqual(parsePackKey(packIndexKey(ID)), { id: ID, isIndex: true });
  assert.equal(parsePackKey(`packs/00/${ID}`), undefined);
});

it('segments of a log are listed in the order of their numbers', () => {
  const keys = [0, 1, 2, 10, 100].map((n) => logSegmentKey(ID, n));
  assert.deepEqual([...keys].sort(), keys);
  assert.ok(keys.every((key) => key.startsWith(logPrefix(ID))));
});

it('what is no id, number or name makes no key', () => {
  for (const wrong of ['', 'x', ID.toUpperCase(), `${ID}0`, '../../etc/passwd']) {
    assert.throws(() => packKey(wrong), { code: 'invalid' });
    assert.throws(() => historyKey(wrong), { code: 'invalid' });
    assert.throws(() => logSegmentKey(wrong, 0), { code: 'invalid' });
  }
  for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => journalKey(wrong), { code: 'invalid' });
  }
  assert.throws(() => snapshotKey(1, '../x'), { code: 'invalid' });
});

it('packs and pages may be cached, and nothing that a restored bucket may have otherwise', () => {
  for (const key of [snapshotKey(1, 'a'), historyKey(ID), packKey(ID), packIndexKey(ID)]) {
    assert.equal(isCacheableKey(key), true, key);
  }
  for (const key of [
    journalKey(1),
    snapshotKey(1, 'manifest.json'),
    engineKey(ID),
    formatKey(),
    logSegmentKey(ID, 0),
    probeKey(ID, 'x'),
  ]) {
    assert.equal(isCacheableKey(key), false, key);
  }
});
