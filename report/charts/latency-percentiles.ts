// In: a cell. Out: latency by percentile, on the axis of HDR plots, where each further nine takes the same width.
import { mergeHistograms, percentileCurve } from '../../results/histogram.ts';
import type { CellView } from '../cell-view.ts';
import type { Chart } from '../chart.ts';
import type { X, Y } from '../chart-theme.ts';
import { armLegend, armMarks, framed, isNarrow } from '../chart-theme.ts';
import { latencyText, msText } from '../numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../table-parts.ts';

/** Beyond this ratio of the highest to the lowest median, the faster arm would be a line on the floor. */
const LOG_RATIO = 20;

const chart: Chart = {
  name: 'latency-percentiles',
  title: 'Latency by percentile',
  applies: view => curvesOf(view).length > 0,
  caption: () =>
    'Response time that a share of the requests does not exceed, all replicates merged; each step to the right is ten times rarer. Lower is better.',
  spec(view, widthPx) {
    const curves = curvesOf(view);
    const rows = curves.flatMap(({ rows }) => rows);
    const arms = curves.map(({ arm }) => arm);
    const rarest = Math.max(...rows.map(({ rarity }) => rarity));
    const values = [1, 2, ...decadesTo(rarest)];
    const highest = Math.max(...rows.map(({ ms }) => ms));
    const lowest = Math.min(...rows.map(({ ms }) => ms));
    const isLog = highest / medianFloor(curves) > LOG_RATIO && lowest > 0;
    const isSmall = isNarrow(widthPx);
    const { colour, dash } = armMarks(arms, armLegend(arms, widthPx, 'stroke'));
    const position: { x: X; y: Y } = {
      x: {
        field: 'rarity',
        type: 'quantitative',
        scale: { type: 'log', domain: [1, rarest], nice: false },
        axis: {
          title: 'percentile',
          values: isSmall ? values.filter(value => value !== 2) : values,
          labelExpr: "datum.value === 2 ? '50 %' : format(100 - 100 / datum.value, '~r') + ' %'",
        },
      },
      y: {
        field: 'ms',
        type: 'quantitative',
        scale: isLog ? { type: 'log', nice: true } : { zero: true, nice: true },
        axis: { title: 'response time (ms)', tickCount: 6, format: '~r' },
      },
    };
    return framed(
      {
        encoding: position,
        layer: [
          {
            data: { values: rows },
            mark: { type: 'line', strokeWidth: 2.2, aria: false },
            encoding: {
              color: colour,
              strokeDash: dash,
            },
          },
          {
            data: { name: 'figures', values: rows },
            mark: { type: 'point', filled: true, size: 60, opacity: 0 },
            encoding: {
              color: colour,
              description: { field: 'tip' },
            },
          },
        ],
      },
      { widthPx, heightPx: isSmall ? 300 : 380 },
    );
  },
  table(view) {
    const curves = curvesOf(view);
    const percentiles = [...new Set(curves.flatMap(({ rows }) => rows.map(({ percentile }) => percentile)))];
    const byPercentile = curves.map(({ rows }) => new Map(rows.map(row => [row.percentile, row])));
    return createTable({
      name: 'latency-percentiles',
      title: 'Latency by percentile',
      columns: [
        keyColumn('percentile', 'percentile'),
        ...curves.map(({ arm }) => figureColumn(`${arm.name}Ms`, arm.label, 'ms')),
      ],
      rows: percentiles
        .sort((a, b) => a - b)
        .map(percentile => [
          words(percentileText(percentile), percentile),
          ...byPercentile.map((rows, index) => {
            const row = rows.get(percentile);
            return row === undefined
              ? nothing
              : figure(msText(row.ms * 1000), row.ms, curves[index]!.arm.marks);
          }),
        ]),
      notes: ['The last figure of each column is the maximum, placed by how many requests there were.'],
    });
  },
};
export default chart;

function curvesOf({ arms }: CellView) {
  return arms.flatMap(arm => {
    const merged = mergeHistograms(arm.trials.map(({ measurement }) => measurement.response));
    const rows = percentileCurve(merged).map(({ percentile, valueUs }) => ({
      arm: arm.label,
      percentile,
      rarity: 1 / (1 - percentile / 100),
      ms: valueUs / 1000,
      tip: `${arm.label}: ${percentileText(percentile)} within ${latencyText(valueUs)}`,
    }));
    return rows.length === 0 ? [] : [{ arm, rows }];
  });
}

/** 10, 100 ... up to what was reached. */
function decadesTo(rarest: number): number[] {
  return Array.from({ length: Math.max(0, Math.floor(Math.log10(rarest))) }, (_, index) => 10 ** (index + 1));
}

/** The lowest median of the arms. */
function medianFloor(curves: ReturnType<typeof curvesOf>): number {
  return Math.min(
    ...curves.map(({ rows }) => rows.find(({ percentile }) => percentile >= 50)?.ms ?? rows[0]!.ms),
  );
}

/** As many digits as tell it from 100. */
function percentileText(percentile: number): string {
  const digits = Math.max(2, Math.ceil(-Math.log10(1 - percentile / 100)) + 1);
  return `${Number(percentile.toFixed(digits - 1))} %`;
}
