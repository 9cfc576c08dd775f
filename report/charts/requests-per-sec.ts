// In: a cell. Out: requests per second of each arm, with their intervals.
import type { CellView } from '../cell-view.ts';
import { signsOf } from '../cell-view.ts';
import type { Chart } from '../chart.ts';
import { armMarks, armRows, endWithRoom, framed, INK, isNarrow } from '../chart-theme.ts';
import { intervalText, intervalTexts } from '../numbers.ts';
import { createTable, figure, figureColumn, keyColumn, words } from '../table-parts.ts';

const chart: Chart = {
  name: 'requests-per-sec',
  title: 'Requests per second',
  applies: view => rowsOf(view).length > 0,
  caption: () => 'Bars are means over the replicates, with their 95 % intervals. More is better.',
  spec(view, widthPx) {
    const rows = rowsOf(view);
    const isSmall = isNarrow(widthPx);
    const text = isSmall ? 'short' : 'long';
    const limit = endWithRoom(
      rows.map(row => ({ value: row.high, text: row[text] })),
      widthPx,
    );
    return framed(
      {
        encoding: { y: armRows },
        layer: [
          {
            data: { name: 'figures', values: rows },
            mark: { type: 'bar', height: { band: 0.62 } },
            encoding: {
              x: {
                field: 'value',
                type: 'quantitative',
                scale: { domain: [0, limit], nice: false },
                axis: { title: 'requests per second', tickCount: isSmall ? 3 : 6, format: ',~r' },
              },
              color: armMarks(view.arms).colour,
              opacity: { condition: { test: 'datum.isInvalid', value: 0.4 }, value: 0.85 },
              description: { field: 'tip' },
            },
          },
          {
            data: { values: rows },
            mark: { type: 'rule', strokeWidth: 2, color: INK },
            encoding: {
              x: { field: 'low', type: 'quantitative' },
              x2: { field: 'high' },
              description: { field: 'tip' },
            },
          },
          ...(['low', 'high'] as const).map(end => ({
            data: { values: rows },
            mark: { type: 'tick', thickness: 2, size: 12, color: INK, aria: false } as const,
            encoding: { x: { field: end, type: 'quantitative' } } as const,
          })),
          {
            data: { values: rows },
            mark: { type: 'text', align: 'left', dx: 8, aria: false },
            encoding: { x: { field: 'high', type: 'quantitative' }, text: { field: text } },
          },
        ],
      },
      { widthPx, heightPx: rows.length * 38 + 50 },
    );
  },
  table: view =>
    createTable({
      name: 'requests-per-sec',
      title: 'Requests per second',
      columns: [keyColumn('arm', 'arm'), figureColumn('requestsPerSec', 'requests/s', '95 % interval')],
      rows: rowsOf(view).map(({ name, arm, rate, marks }) => [
        words(arm, name),
        figure(intervalText(rate), rate, marks),
      ]),
    }),
};
export default chart;

function rowsOf({ arms }: CellView) {
  return arms.flatMap(({ name, label, summary, marks }) => {
    const rate = summary?.requestsPerSec;
    if (rate == null) return [];
    const { value, low, high } = rate;
    const long = `${intervalText(rate)}${signsOf(marks)}`;
    const short = `${intervalTexts(rate).value}${signsOf(marks)}`;
    const isInvalid = marks.includes('invalid');
    return {
      name,
      arm: label,
      rate,
      marks,
      value,
      low,
      high,
      long,
      short,
      isInvalid,
      tip: `${label}: ${long} requests/s`,
    };
  });
}
