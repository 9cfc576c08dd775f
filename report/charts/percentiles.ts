// Charts of latency by percentile, on the axis of HDR plots, where each further nine takes the same width.

import type { TopLevelSpec } from 'vega-lite';
import { mergeHistograms, percentileCurve } from '../../results/histogram.ts';
import { hasFewBeyond } from '../../results/metrics.ts';
import type { Histogram } from '../../results/model/trial.ts';
import { type ArmView, type CellView, leastCensoredUs, quantileMarks, signsOf } from '../cell-view.ts';
import type { Mark, Table } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../tables/table.ts';
import { formatLatency, formatMs } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import {
  describeLimits,
  FIRST_RARITY,
  type LatencyLimit,
  limitLayers,
  limitsOf,
  reachWith,
} from './latency-limits.ts';
import { armColour, armLegend, armMarks, framed, type Layer, logAxis, type X, type Y } from './theme.ts';

/** Response time alone, for a closed load, and where another load generator sent: when a request was due is then not known. */
export const latencyPercentiles = percentileChart({
  name: 'latency-percentiles',
  title: 'Latency by percentile',
  clocks: ['response'],
  axisTitle: 'response time (ms)',
  applies: ({ imported, scenario: { load } }) => load.model === 'closed' || imported !== undefined,
  caption: `The response time that a share of the requests does not exceed; each step to the right is ten times rarer. ${howMerged('lines')} Lower is better.`,
});

/** Response and service time, for loads with a schedule; the gap between them is the time that requests waited to be sent. */
export const responseAndService = percentileChart({
  name: 'response-and-service',
  title: 'Response and service time',
  clocks: ['response', 'service'],
  axisTitle: 'time (ms)',
  applies: ({ imported, scenario: { load } }) => load.model !== 'closed' && imported === undefined,
  caption: `The time that a share of the requests does not exceed; each step to the right is ten times rarer. Solid lines: response time, from when a request was due; dotted lines: service time, from when it was sent. Where they diverge, requests waited to be sent, which service time alone would hide. ${howMerged('solid lines')}`,
});

/** What lines and bands are of, and where they end. @param banded the lines that have a band */
export function howMerged(banded: 'lines' | 'solid lines'): string {
  const band = banded === 'lines' ? 'The band' : `The band around ${banded}`;
  return `Lines merge all replicates and end where fewer than 10 requests took longer. ${band} reaches from the lowest replicate to the highest, as far as each has 10 slower requests.`;
}

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
  applies(result: CellView['result']): boolean;
  caption: string;
}): Chart {
  const { name, title, clocks, axisTitle } = of;
  // Picture and table show the same curves; merging the replicates of each takes longer than all else.
  const known = new WeakMap<CellView, Curve[]>();
  const curvesIn = (view: CellView): Curve[] => {
    const curves = known.get(view) ?? curvesOf(view, clocks);
    known.set(view, curves);
    return curves;
  };
  return {
    name,
    title,
    section: 'latency',
    applies: view => of.applies(view.result) && curvesIn(view).length > 0,
    caption: view => [of.caption, ...describeLimits(limitsOf(view))].join(' '),
    spec: view => drawCurves(curvesIn(view), { kinds: clocks, axisTitle, limits: limitsOf(view) }),
    table: view =>
      percentileTable({
        name,
        title,
        columns: curvesIn(view).map(curve => ({
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

/** @param kinds one, or two with a dash each; clients then have none of their own, and the first kind has bands */
export function drawCurves(
  curves: readonly Curve[],
  {
    kinds,
    axisTitle,
    limits,
  }: { kinds: readonly string[]; axisTitle: string; limits: readonly LatencyLimit[] },
): TopLevelSpec {
  const arms = [...new Map(curves.map(({ arm }) => [arm.label, arm])).values()];
  const rows = curves.flatMap(curve => curve.rows.filter(isDrawn));
  const banded = curves.filter(({ kind }) => kind === kinds[0]);
  const times = [
    ...rows,
    ...banded.flatMap(({ band }) => band.flatMap(({ ms, highMs }) => [{ ms }, { ms: highMs }])),
  ];
  const axes = percentileAxes({
    rarest: Math.max(...rows.map(({ rarity }) => rarity)),
    timesMs: times.map(({ ms }) => ms),
    limits,
    title: axisTitle,
  });
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
      encoding: axes.encoding,
      layer: [
        ...banded.map(bandLayer),
        {
          data: { values: rows },
          mark: { type: 'line', strokeWidth: 2.2, aria: false },
          encoding: { color: colour, strokeDash: kinds.length > 1 ? kindDash : dash },
        },
        ...limitLayers(limits, axes.endsMs),
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
  /** Empty with fewer than two replicates. */
  band: readonly BandRow[];
}

/** From the lowest replicate to the highest, at a percentile. */
interface BandRow {
  rarity: number;
  ms: number;
  highMs: number;
}

function bandLayer({ arm, band }: Curve): Layer {
  return {
    data: { values: [...band] },
    mark: { type: 'area', color: armColour(arm), opacity: BAND_OPACITY, aria: false },
    encoding: { y2: { field: 'highMs' } },
  };
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

/** All replicates merged, and the band that they span; null with too few requests for a line. @param label starts the tip of each point */
export function curveOf(
  arm: ArmView,
  { clock, kind, label }: { clock: Clock; kind: string; label: string },
): Curve | null {
  const histograms = arm.trials.map(({ measurement }) => measurement[clock]);
  const rows = percentileRows(mergeHistograms(histograms), label).map(row => ({
    ...row,
    arm: arm.label,
    kind,
  }));
  if (rows.filter(isDrawn).length < LEAST_POINTS) return null;
  return { arm, kind, rows, band: bandOf(histograms) };
}

/** A line needs them. */
const LEAST_POINTS = 2;
const BAND_OPACITY = 0.16;

/** From p50 on, to where fewer than 10 requests took longer. */
function isDrawn(
  { percentile, marks }: PercentileRow,
  index: number,
  rows: readonly PercentileRow[],
): boolean {
  return percentile >= 50 && marks.length === 0 && index < rows.length - 1;
}

function bandOf(histograms: readonly Histogram[]): BandRow[] {
  const curves = histograms
    .filter(({ count }) => count > 0)
    .map(histogram =>
      percentileCurve(histogram)
        .slice(0, -1)
        .filter(({ percentile }) => percentile >= 50 && !hasFewBeyond(1 - percentile / 100, histogram.count)),
    );
  const [first, ...others] = curves;
  if (first === undefined || others.length === 0) return [];
  // All have the same percentiles, and end sooner or later.
  return first.slice(0, Math.min(...others.map(({ length }) => length))).map(({ percentile }, index) => {
    const valuesUs = curves.map(curve => curve[index]!.valueUs);
    return {
      rarity: 1 / (1 - percentile / 100),
      ms: Math.min(...valuesUs) / 1000,
      highMs: Math.max(...valuesUs) / 1000,
    };
  });
}

/** Beyond this ratio of the highest time to the lowest median, a linear axis would flatten the fastest curve. */
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

/** Both axes, which span all that is drawn, and the ends of the upright one. */
function percentileAxes(of: {
  rarest: number;
  timesMs: readonly number[];
  limits: readonly LatencyLimit[];
  title: string;
}): { encoding: { x: X; y: Y }; endsMs: [number, number] } {
  const { timesMs, limits, title } = of;
  const rarest = Math.max(of.rarest, ...limits.map(({ endRarity }) => endRarity));
  const [lowest, highest] = reachWith(limits, [Math.min(...timesMs), Math.max(...timesMs)]);
  const isLog = highest / lowest > LOG_RATIO && lowest > 0;
  return {
    endsMs: [isLog ? lowest : 0, highest],
    encoding: {
      x: {
        field: 'rarity',
        type: 'quantitative',
        scale: { type: 'log', domain: [FIRST_RARITY, rarest], nice: false },
        axis: {
          title: 'percentile',
          values: [FIRST_RARITY, ...decadesTo(rarest)],
          labelExpr: "format(100 - 100 / datum.value, '~r') + ' %'",
        },
      },
      y: {
        field: 'ms',
        type: 'quantitative',
        ...(isLog
          ? {
              scale: { type: 'log', domain: [lowest, highest], nice: false },
              axis: logAxis(lowest, highest, title),
            }
          : {
              scale: { domain: [0, highest * HEADROOM], nice: false },
              axis: { title, tickCount: 6, format: ',~r' },
            }),
      },
    },
  };
}

/** Above the highest time on a linear axis, as a factor. */
const HEADROOM = 1.04;

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

/** With enough digits to distinguish it from 100 %. */
function formatPercentile(percentile: number): string {
  const digits = Math.max(2, Math.ceil(-Math.log10(1 - percentile / 100)) + 1);
  return `${Number(percentile.toFixed(digits - 1))} %`;
}
