// In: latency distributions. Out: them by percentile, on the axis of HDR plots, where each further nine takes the same width.

import { percentileCurve } from '../../results/histogram.ts';
import type { Histogram } from '../../results/model/trial.ts';
import type { Mark, Table } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../tables/table.ts';
import { formatLatency, formatMs } from '../words/numbers.ts';
import type { X, Y } from './theme.ts';
import { isNarrow } from './theme.ts';

/** Beyond this ratio of the highest to the lowest median, the fastest would be a line on the floor. */
const LOG_RATIO = 20;

export interface PercentileRow {
  percentile: number;
  /** One in so many is slower. */
  rarity: number;
  ms: number;
  tip: string;
}

export interface PercentileColumn {
  /** In the table, stable for machines; without its unit. */
  key: string;
  heading: string;
  marks: readonly Mark[];
  /** From here on a percentile is a lower bound; Infinity: every request came to an end. */
  censoredFromMs: number;
  rows: readonly PercentileRow[];
}

/** @param label what each point's words begin with */
export function percentileRows(histogram: Histogram, label: string): PercentileRow[] {
  return percentileCurve(histogram).map(({ percentile, valueUs }) => ({
    percentile,
    rarity: 1 / (1 - percentile / 100),
    ms: valueUs / 1000,
    tip: `${label}: ${percentileText(percentile)} within ${formatLatency(valueUs)}`,
  }));
}

/** Both axes, wide enough for all of the curves. */
export function percentileAxes(
  curves: readonly (readonly PercentileRow[])[],
  widthPx: number,
  yTitle: string,
): { x: X; y: Y } {
  const rows = curves.flat();
  const rarest = Math.max(...rows.map(({ rarity }) => rarity));
  const values = [1, 2, ...decadesTo(rarest)];
  const highest = Math.max(...rows.map(({ ms }) => ms));
  const lowest = Math.min(...rows.map(({ ms }) => ms));
  const isLog = highest / medianFloor(curves) > LOG_RATIO && lowest > 0;
  return {
    x: {
      field: 'rarity',
      type: 'quantitative',
      scale: { type: 'log', domain: [1, rarest], nice: false },
      axis: {
        title: 'percentile',
        values: isNarrow(widthPx) ? values.filter(value => value !== 2) : values,
        labelExpr: "datum.value === 2 ? '50 %' : format(100 - 100 / datum.value, '~r') + ' %'",
      },
    },
    y: {
      field: 'ms',
      type: 'quantitative',
      scale: isLog ? { type: 'log', nice: true } : { zero: true, nice: true },
      axis: { title: yTitle, tickCount: 6, format: '~r' },
    },
  };
}

export function percentileTable(of: {
  name: string;
  title: string;
  columns: readonly PercentileColumn[];
}): Table {
  const { name, title, columns } = of;
  const percentiles = [...new Set(columns.flatMap(({ rows }) => rows.map(({ percentile }) => percentile)))];
  const byPercentile = columns.map(({ rows }) => new Map(rows.map(row => [row.percentile, row])));
  return createTable({
    name,
    title,
    columns: [
      keyColumn('percentile', 'percentile'),
      ...columns.map(({ key, heading }) => figureColumn(`${key}Ms`, heading, 'ms')),
    ],
    rows: percentiles
      .sort((a, b) => a - b)
      .map(percentile => [
        words(percentileText(percentile), percentile),
        ...byPercentile.map((rows, index) => {
          const row = rows.get(percentile);
          if (row === undefined) return nothing;
          const { marks, censoredFromMs } = columns[index]!;
          const shown = marks.filter(mark => mark !== 'censored' || row.ms >= censoredFromMs);
          return figure(formatMs(row.ms * 1000), row.ms, shown);
        }),
      ]),
    notes: ['The last figure of each column is the maximum, placed by how many requests there were.'],
  });
}

/** 10, 100 ... up to what was reached. */
function decadesTo(rarest: number): number[] {
  return Array.from({ length: Math.max(0, Math.floor(Math.log10(rarest))) }, (_, index) => 10 ** (index + 1));
}

/** The lowest median of the curves. */
function medianFloor(curves: readonly (readonly PercentileRow[])[]): number {
  return Math.min(...curves.map(rows => rows.find(({ percentile }) => percentile >= 50)?.ms ?? rows[0]!.ms));
}

/** As many digits as tell it from 100. */
function percentileText(percentile: number): string {
  const digits = Math.max(2, Math.ceil(-Math.log10(1 - percentile / 100)) + 1);
  return `${Number(percentile.toFixed(digits - 1))} %`;
}
