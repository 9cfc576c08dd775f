// Charts of latency by percentile, on the axis of HDR plots, where each further nine takes the same width.

import type { TopLevelSpec } from 'vega-lite';
import { mergeHistograms, percentileCurve } from '../../results/histogram.ts';
import type { Histogram } from '../../results/model/trial.ts';
import { type ArmView, type CellView, leastCensoredUs, quantileMarks, signsOf } from '../cell-view.ts';
import type { Mark, Table } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../tables/table.ts';
import { formatLatency, formatMs } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import { armLegend, armMarks, framed, type Layer, logAxis, type X, type Y } from './theme.ts';

/** Response time alone, for a closed load. */
export const latencyPercentiles = percentileChart({
  name: 'latency-percentiles',
  title: 'Latency by percentile',
  clocks: ['response'],
  axisTitle: 'response time (ms)',
  applies: model => model === 'closed',
  caption:
    'The response time that a share of the requests does not exceed, all replicates merged; each step to the right is ten times rarer. Faint: fewer than 10 requests took longer. Lower is better.',
});

/** Response and service time, for loads with a schedule; the gap between them is the time that requests waited to be sent. */
export const responseAndService = percentileChart({
  name: 'response-and-service',
  title: 'Response and service time',
  clocks: ['response', 'service'],
  axisTitle: 'time (ms)',
  applies: model => model !== 'closed',
  caption:
    'The time that a share of the requests does not exceed, all replicates merged; each step to the right is ten times rarer. Faint: fewer than 10 requests took longer. Solid lines: response time, from when a request was due; dotted lines: service time, from when it was sent. Where they diverge, requests waited to be sent, which service time alone would hide.',
});

type Clock = 'response' | 'service';

/** The second of two kinds of curves is dotted. */
const DASHES = [
  [1, 0],
  [3, 4],
];
const HEIGHT_PX = 310;

function percentileChart(of: {
  name: string;
  title: string;
  clocks: readonly Clock[];
  axisTitle: string;
  applies(model: CellView['result']['scenario']['load']['model']): boolean;
  caption: string;
}): Chart {
  const { name, title, clocks, axisTitle } = of;
  return {
    name,
    title,
    section: 'latency',
    applies: view => of.applies(view.result.scenario.load.model) && curvesOf(view, clocks).length > 0,
    caption: () => of.caption,
    spec: view => drawCurves(curvesOf(view, clocks), { kinds: clocks, axisTitle }),
    table: view =>
      percentileTable({
        name,
        title,
        columns: curvesOf(view, clocks).map(curve => ({
          ...columnOf(curve),
          ...(clocks.length > 1
            ? {
                key: `${curve.arm.name}${curve.kind === 'response' ? 'Response' : 'Service'}`,
                heading: `${curve.arm.label} ${curve.kind}`,
              }
            : {}),
        })),
      }),
  };
}

/** The column of a curve among those of other clients. */
export function columnOf({ arm, rows }: Curve): PercentileColumn {
  return {
    key: arm.name,
    heading: arm.label,
    marks: arm.marks,
    censoredFromMs: leastCensoredUs(arm.summary) / 1_000,
    rows,
  };
}

/** @param kinds one, or two with a dash each; clients then have none of their own */
export function drawCurves(
  curves: readonly Curve[],
  { kinds, axisTitle }: { kinds: readonly string[]; axisTitle: string },
): TopLevelSpec {
  const arms = [...new Map(curves.map(({ arm }) => [arm.label, arm])).values()];
  const rows = curves.flatMap(curve => curve.rows);
  const { colour, dash } = armMarks(arms, armLegend(arms, 'stroke'));
  const kindDash = {
    field: 'kind',
    type: 'nominal',
    scale: { domain: [...kinds], range: DASHES },
    // There is no room for it; the caption says the same.
    legend: null,
  } as const;
  return framed(
    {
      encoding: percentileAxes(
        curves.map(curve => curve.rows),
        axisTitle,
      ),
      layer: [
        ...[
          { values: curves.flatMap(curve => curve.rows.filter(isSupported)), opacity: 1 },
          { values: curves.flatMap(curve => tailOf(curve.rows)), opacity: TAIL_OPACITY },
        ].map(
          ({ values, opacity }): Layer => ({
            data: { values },
            mark: { type: 'line', strokeWidth: 2.2, opacity, aria: false },
            encoding: { color: colour, strokeDash: kinds.length > 1 ? kindDash : dash },
          }),
        ),
        {
          data: { name: 'figures', values: rows },
          mark: { type: 'point', filled: true, size: 60, color: 'transparent', opacity: 1 },
          encoding: { description: { field: 'tip' } },
        },
      ],
    },
    { heightPx: HEIGHT_PX },
  );
}

/** The distribution of a client's times, of one of the kinds that a picture shows. */
export interface Curve {
  arm: ArmView;
  kind: string;
  rows: readonly (PercentileRow & { arm: string; kind: string })[];
}

function curvesOf({ arms }: CellView, clocks: readonly Clock[]): Curve[] {
  return arms.flatMap(arm =>
    clocks.flatMap(
      clock =>
        curveOf(arm, {
          clock,
          kind: clock,
          label: clocks.length > 1 ? `${arm.label}, ${clock}` : arm.label,
        }) ?? [],
    ),
  );
}

/** All replicates merged; null without any time. @param label starts the tip of each point */
export function curveOf(
  arm: ArmView,
  { clock, kind, label }: { clock: Clock; kind: string; label: string },
): Curve | null {
  const merged = mergeHistograms(arm.trials.map(({ measurement }) => measurement[clock]));
  const rows = percentileRows(merged, label).map(row => ({ ...row, arm: arm.label, kind }));
  return rows.length === 0 ? null : { arm, kind, rows };
}

const TAIL_OPACITY = 0.45;

function isSupported({ marks }: PercentileRow, index: number, rows: readonly PercentileRow[]): boolean {
  return marks.length === 0 && index < rows.length - 1;
}

/** The part of a curve beyond which there are few requests, joined to the rest. */
function tailOf<Row extends PercentileRow>(rows: readonly Row[]): Row[] {
  return rows.slice(Math.max(0, rows.findLastIndex(isSupported)));
}

/** Beyond this ratio of the highest to the lowest median, a linear axis would flatten the fastest curve. */
const LOG_RATIO = 20;

export interface PercentileRow {
  percentile: number;
  /** One in `rarity` requests is slower. */
  rarity: number;
  ms: number;
  /** Of the quantile; the maximum, which is what it is of any number of requests, has none. */
  marks: readonly Mark[];
  tip: string;
}

export interface PercentileColumn {
  /** Stable name for machines in the table, without its unit. */
  key: string;
  heading: string;
  marks: readonly Mark[];
  /** At or above this value a percentile is a lower bound; Infinity if every request finished. */
  censoredFromMs: number;
  rows: readonly PercentileRow[];
}

/** @param label starts the tip of each point */
function percentileRows(histogram: Histogram, label: string): PercentileRow[] {
  const curve = percentileCurve(histogram);
  return curve.map(({ percentile, valueUs }, index) => {
    const marks = index === curve.length - 1 ? [] : quantileMarks(1 - percentile / 100, histogram.count);
    return {
      percentile,
      rarity: 1 / (1 - percentile / 100),
      ms: valueUs / 1000,
      marks,
      tip: `${label}: ${formatPercentile(percentile)} within ${formatLatency(valueUs)}${signsOf(marks)}`,
    };
  });
}

/** Both axes, which span all curves. */
function percentileAxes(curves: readonly (readonly PercentileRow[])[], yTitle: string): { x: X; y: Y } {
  const rows = curves.flat();
  const rarest = Math.max(...rows.map(({ rarity }) => rarity));
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
        values: [1, ...decadesTo(rarest)],
        labelExpr: "format(100 - 100 / datum.value, '~r') + ' %'",
      },
    },
    y: {
      field: 'ms',
      type: 'quantitative',
      ...(isLog
        ? {
            scale: { type: 'log', domain: [lowest, highest], nice: false },
            axis: logAxis(lowest, highest, yTitle),
          }
        : { scale: { zero: true, nice: true }, axis: { title: yTitle, tickCount: 6, format: ',~r' } }),
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
        words(formatPercentile(percentile), percentile),
        ...byPercentile.map((rows, index) => {
          const row = rows.get(percentile);
          if (row === undefined) return nothing;
          const { marks, censoredFromMs } = columns[index]!;
          const shown = marks.filter(mark => mark !== 'censored' || row.ms >= censoredFromMs);
          return figure(formatMs(row.ms * 1000), row.ms, [...shown, ...row.marks]);
        }),
      ]),
    notes: ['The last figure of each column is the maximum, placed according to the number of requests.'],
  });
}

/** 10, 100 ... up to the rarest percentile. */
function decadesTo(rarest: number): number[] {
  return Array.from({ length: Math.max(0, Math.floor(Math.log10(rarest))) }, (_, index) => 10 ** (index + 1));
}

/** The lowest median of the curves. */
function medianFloor(curves: readonly (readonly PercentileRow[])[]): number {
  return Math.min(...curves.map(rows => rows.find(({ percentile }) => percentile >= 50)?.ms ?? rows[0]!.ms));
}

/** With enough digits to distinguish it from 100 %. */
function formatPercentile(percentile: number): string {
  const digits = Math.max(2, Math.ceil(-Math.log10(1 - percentile / 100)) + 1);
  return `${Number(percentile.toFixed(digits - 1))} %`;
}
