// In: a figure of each arm, with its interval. Out: bars with their intervals and values, as a picture and as a table.
import type { TopLevelSpec } from 'vega-lite';
import type { Interval } from '../../results/stats.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { signsOf } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, words } from '../tables/table.ts';
import { formatInterval, isKnown, roundInterval } from '../words/numbers.ts';
import { armRows, armScales, framed, INK, isNarrow } from './theme.ts';

export interface BarFigure {
  /** Of the chart and its table. */
  name: string;
  title: string;
  /** Of the axis, with its unit. */
  axisTitle: string;
  column: { key: string; heading: string; unit: string };
  /** Behind a value in a tip: ` requests/s`. */
  tipUnit: string;
  /** In the unit that is shown; null where the arm has none. */
  read: (arm: ArmView) => Interval | null;
}

export function hasBars(view: CellView, { read }: BarFigure): boolean {
  return view.arms.some(arm => read(arm) !== null);
}

export function barsTable(view: CellView, of: BarFigure): Table {
  const { key, heading, unit } = of.column;
  return createTable({
    name: of.name,
    title: of.title,
    columns: [keyColumn('arm', 'arm'), figureColumn(key, heading, unit)],
    rows: rowsOf(view, of).map(({ name, arm, interval, marks }) => [
      words(arm, name),
      figure(formatInterval(interval), { ...interval }, marks),
    ]),
  });
}

export function barsSpec(view: CellView, widthPx: number, of: BarFigure): TopLevelSpec {
  const rows = rowsOf(view, of);
  const isSmall = isNarrow(widthPx);
  const text = isSmall ? 'short' : 'long';
  const longest = Math.max(...rows.map(row => row[text].length));
  const room = 1 - Math.min(0.5, (longest * 7.5 + 12) / (widthPx * 0.8));
  const limit = Math.max(...rows.map(({ high }) => high)) / room || 1;
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
              axis: { title: of.axisTitle, tickCount: isSmall ? 3 : 6, format: ',~r' },
            },
            color: { field: 'arm', type: 'nominal', scale: armScales(view.arms).colour, legend: null },
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
}

function rowsOf({ arms }: CellView, of: BarFigure) {
  return arms.flatMap(view => {
    const interval = of.read(view);
    if (interval === null) return [];
    const { name, label, marks } = view;
    const { value } = interval;
    // An interval that says nothing would squeeze all that is known into a corner of the picture.
    const { low, high } = isKnown(interval) ? interval : { low: value, high: value };
    const long = `${formatInterval(interval)}${signsOf(marks)}`;
    const short = `${roundInterval(interval).value}${signsOf(marks)}`;
    return {
      name,
      arm: label,
      interval,
      marks,
      value,
      low,
      high,
      long,
      short,
      isInvalid: marks.includes('invalid'),
      tip: `${label}: ${long}${of.tipUnit}`,
    };
  });
}
