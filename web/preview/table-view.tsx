// A table of values, of which only the rows in sight are drawn.

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Gap } from '../parts/data-table.tsx';
import { Failure, Loading } from '../parts/notice.tsx';
import { countText } from '../parts/numbers.ts';
import { Scroller } from '../parts/scroller.tsx';
import { useVisibleRows } from '../parts/virtual.ts';
import { nameOf } from '../repos/places.ts';
import type { ByteSource } from './byte-source.ts';
import { useContent } from './content.ts';
import type { FileNature } from './file-kind.ts';
import { PartNote } from './part-note.tsx';
import { hasHeading, numericColumns } from './table-parser.ts';
import { tableReader } from './text-reader.ts';

const ROW_HEIGHT = 28;
/** So many rows tell how wide columns are, and what they hold. */
const SAMPLE = 200;
const MAX_COLUMNS = 200;
const [NARROWEST, WIDEST] = [5, 42];

type Rows = readonly (readonly string[])[];

export function TableView({
  source,
  nature,
}: {
  readonly source: ByteSource;
  readonly nature: FileNature;
}): JSX.Element {
  const content = useContent(source, () => tableReader(nameOf(source.place.path), nature.encoding));
  if (!content) {
    return <Loading />;
  }
  if (content.error && content.value.length === 0) {
    return <Failure error={content.error} />;
  }
  return (
    <>
      <Table rows={content.value} count={content.value.length} onEnd={content.more} />
      <PartNote content={content} size={source.size} />
    </>
  );
}

function Table({
  rows,
  count,
  onEnd,
}: {
  readonly rows: Rows;
  readonly count: number;
  readonly onEnd: (() => void) | undefined;
}): JSX.Element {
  const sample = useMemo(() => rows.slice(0, SAMPLE), [rows, Math.min(count, SAMPLE)]);
  const isHeaded = hasHeading(sample);
  const head = isHeaded ? (rows[0] ?? []) : undefined;
  const skipped = isHeaded ? 1 : 0;
  const width = Math.max(1, ...sample.map((row) => row.length));
  const shown = Math.min(width, MAX_COLUMNS);
  const isNumber = numericColumns(sample.slice(skipped));
  const widths = Array.from({ length: shown }, (_, column) => {
    const longest = Math.max(...sample.map((row) => row[column]?.length ?? 0));
    return Math.min(WIDEST, Math.max(NARROWEST, longest)) + 3;
  });
  const body = useRef<HTMLTableSectionElement>(null);
  const { first, end, before, after } = useVisibleRows(body, {
    count: count - skipped,
    rowHeight: ROW_HEIGHT,
  });
  useEffect(() => {
    if (end === count - skipped) {
      onEnd?.();
    }
  }, [end, count, onEnd]);
  const digits = String(count).length + 2;
  const total = digits + widths.reduce((sum, each) => sum + each, 0);
  return (
    <>
      <p class="hint">
        {countText(count - skipped, 'row')}
        {onEnd ? ' so far' : ''}, {countText(width, 'column')}
        {width > shown ? `, of which the first ${shown} are shown` : ''}
      </p>
      <Scroller class="sheet" label="Table">
        <table style={{ width: `${total}ch` }} aria-rowcount={count}>
          <colgroup>
            <col style={{ width: `${digits}ch` }} />
            {widths.map((each, column) => (
              <col key={column} style={{ width: `${each}ch` }} />
            ))}
          </colgroup>
          <thead>
            <tr>
              <th class="sheet-number">
                <span class="unseen">Row</span>
              </th>
              {widths.map((_, column) => (
                <th key={column} scope="col" class={isNumber[column] ? 'number' : undefined}>
                  {head?.[column] ?? column + 1}
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={body}>
            <Gap height={before} />
            {rows.slice(first + skipped, end + skipped).map((row, index) => (
              <tr key={first + index} aria-rowindex={first + index + 1 + skipped}>
                <th scope="row" class="sheet-number">
                  {first + index + 1}
                </th>
                {widths.map((_, column) => (
                  <td
                    key={column}
                    class={isNumber[column] ? 'number' : undefined}
                    title={(row[column]?.length ?? 0) > WIDEST ? row[column] : undefined}
                  >
                    {row[column]?.slice(0, 500)}
                  </td>
                ))}
              </tr>
            ))}
            <Gap height={after} />
          </tbody>
        </table>
      </Scroller>
    </>
  );
}
