import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatDuration,
  formatLocal,
  formatSize,
  formatTime,
  shortDigest,
} from '../../../cli/format.ts';
import { renderLineage } from '../../../cli/lineage-view.ts';
import { displayWidth, plainText, renderFields, renderTable } from '../../../cli/table.ts';
import type { Commit } from '../../../engine/server/wire.ts';
import type { Lineage } from '../../../engine/server/wire-lineage.ts';

describe('tables', () => {
  it('are aligned by the width on the screen', () => {
    const lines = renderTable(
      ['NAME', 'SIZE'],
      [
        ['日本', '1 B'],
        ['e\u0301té', '2 B'],
        ['😀', '3 B'],
        ['plain', '4 B'],
      ],
    );
    assert.deepEqual(lines, [
      'NAME   SIZE',
      '日本   1 B',
      'e\u0301té    2 B',
      '😀     3 B',
      'plain  4 B',
    ]);
  });

  it('cannot be torn by control characters in a cell', () => {
    assert.equal(plainText('a\nb\x1b[31m'), 'a b\\x1b[31m');
    assert.equal(displayWidth('ａb'), 3);
  });

  it('leave out fields without a value, and align what follows', () => {
    assert.deepEqual(
      renderFields([
        ['A', 'x'],
        ['Long', 'y\nz'],
        ['No', undefined],
      ]),
      ['A:    x', 'Long: y\n      z'],
    );
  });
});

describe('numbers and times', () => {
  it('sizes have a unit that fits', () => {
    const sizes = [0, 1023, 1024, 1536, 1024 ** 2 * 150, 1024 ** 3 * 2].map(formatSize);
    assert.deepEqual(sizes, ['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '150 MiB', '2.0 GiB']);
  });

  it('durations have two units at most', () => {
    const durations = [0, 999, 1000, 59_940, 61_000, 3600_000, 7_500_000, 90_000_000].map(
      formatDuration,
    );
    assert.deepEqual(durations, [
      '0 ms',
      '999 ms',
      '1.0 s',
      '59.9 s',
      '1 min 1 s',
      '1 h',
      '2 h 5 min',
      '1 d 1 h',
    ]);
  });

  it('times are relative, or whole with their zone', () => {
    const now = Date.parse('2026-11-22T12:00:00Z');
    const style = { now, full: false };
    assert.equal(formatTime('2026-11-22T11:57:00Z', style), '3 minutes ago');
    assert.equal(formatTime('2026-11-21T11:57:00Z', style), '1 day ago');
    assert.equal(formatTime('2026-11-22T12:00:01Z', style), 'just now');
    assert.equal(formatTime(null, style), '-');
    assert.match(
      formatTime('2026-11-22T11:57:00Z', { now, full: true }),
      /^2026-11-2\d \d\d:\d\d:00 [+-]\d\d:\d\d$/,
    );
    assert.equal(Date.parse(formatLocal(now).replace(' ', 'T').replace(' ', '')), now);
  });

  it('digests are cut', () => {
    assert.equal(shortDigest(`x@sha256:${'ab'.repeat(32)}`), 'sha256:abababababab');
  });
});

describe('renderLineage()', () => {
  it('draws datums, what they read, and the commits behind them', () => {
    const image = { reference: 'iris:1', digest: `sha256:${'0'.repeat(64)}` };
    const input = lineage('training', { id: 'c1', origin: 'user', description: 'rows' });
    const model = {
      ...lineage('model', {
        id: 'c2',
        origin: 'auto',
        pipeline: { project: 'default', name: 'model', version: 2 },
        image,
      }),
      path: '/model.pkl',
      paths: ['/model.pkl'],
      datums: [
        {
          id: 'd1',
          job: 'c2',
          version: 2,
          image,
          inputs: [
            {
              name: 'training',
              repo: { project: 'default', name: 'training' },
              commit: 'c1',
              path: '/iris.csv',
            },
          ],
        },
        { id: 'd2', job: 'c0', version: 1, image, inputs: [] },
      ],
      omitted: 3,
      next: [input, input],
    };
    assert.deepEqual(renderLineage(model), [
      'model@master=c2:/model.pkl',
      '├─ made by pipeline model@2, image iris:1 sha256:000000000000',
      '├─ datum d1 of job c2',
      '│  └─ training: training@c1:/iris.csv',
      '├─ datum d2 of job c0 by pipeline model@1, image iris:1 sha256:000000000000',
      '├─ … and 3 more datums',
      '├─ training@master=c1 (put by a user, "rows")',
      '└─ training@master=c1 (put by a user, "rows"), as above',
    ]);
  });
});

it('renderLineage() shows a few of many paths, and what was made from none of them', () => {
  const many = {
    ...lineage('data', { id: 'c1', origin: 'user' }),
    paths: ['/a', '/b', '/c', '/d'],
  };
  assert.deepEqual(renderLineage(many), ['data@master=c1:{/a, /b, /c, … 1 more} (put by a user)']);
});

function lineage(name: string, commit: Partial<Commit>): Lineage {
  return {
    commit: {
      repo: { project: 'default', name },
      branch: 'master',
      description: '',
      pipeline: null,
      image: null,
      ...commit,
    } as Commit,
    path: null,
    paths: [],
    repeated: false,
    datums: [],
    omitted: 0,
    next: [],
  };
}
