// Charts of latency by percentile, on the axis of HDR plots, where each further nine takes the same width, with the limits on it.

import type { TopLevelSpec } from 'vega-lite';
import { mergeHistograms, percentileCurve } from '../../results/histogram.ts';
import { hasFewBeyond, METRIC_TABLE } from '../../results/metrics.ts';
import type { Histogram } from '../../results/model/trial.ts';
import { type ArmView, type CellView, latencyMarks, quantileMarks } from '../cell-view.ts';
import type { Mark, Table } from '../model.ts';
import { describeExpectation } from '../tables/expectations.ts';
import {
  figure,
  figureColumn,
  keyColumn,
  nothing,
  type ReadColumn,
  tabulate,
  words,
} from '../tables/table.ts';
import { signsOf } from '../words/marks.ts';
import { formatLatency, formatMs } from '../words/numbers.ts';
import { capitalize } from '../words/text.ts';
import type { Chart } from './chart.ts';
import {
  armColour,
  armLegend,
  armMarks,
  figureLayer,
  framed,
  INK,
  type Layer,
  linearAxis,
  logAxis,
  powersOfTen,
  silentLayer,
  tippedLayer,
  type X,
  type Y,
} from './theme.ts';

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
    caption: view => [of.caption, ...describeLimits(latencyLimitsOf(view))].join(' '),
    spec: view => drawCurves(curvesIn(view), { kinds: clocks, axisTitle, limits: latencyLimitsOf(view) }),
    table: view => percentileTable({ name, title, kinds: clocks }, curvesIn(view)),
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
  const axes = percentileAxes({
    rarest: Math.max(...rows.map(({ rarity }) => rarity)),
    timesMs: [
      ...rows.map(({ ms }) => ms),
      ...banded.flatMap(({ band }) => band.flatMap(({ ms, highMs }) => [ms, highMs])),
    ],
    limits,
    title: axisTitle,
  });
  const { colour: color, dash } = armMarks(arms, armLegend(arms, 'stroke'));
  const kindDash = {
    field: 'kind',
    type: 'nominal',
    scale: { domain: [...kinds], range: DASHES },
    // There is no room for it; the caption says the same.
    legend: null,
  } as const;
  return framed({
    heightPx: HEIGHT_PX,
    encoding: axes.encoding,
    layer: [
      ...banded.map(({ arm, band }) =>
        silentLayer(
          band,
          { type: 'area', color: armColour(arm), opacity: BAND_OPACITY },
          { y2: { field: 'highMs' } },
        ),
      ),
      silentLayer(
        rows,
        { type: 'line', strokeWidth: 2.2 },
        { color, strokeDash: kinds.length > 1 ? kindDash : dash },
      ),
      ...limitLayers(limits, axes.endsMs),
      figureLayer(rows, { type: 'point', filled: true, size: 60, color: 'transparent', opacity: 1 }),
    ],
  });
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
  if (rows.filter(isDrawn).length < MIN_POINTS) return null;
  return { arm, kind, rows, band: bandOf(histograms) };
}

/** A line needs them. */
const MIN_POINTS = 2;
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

interface PercentileRow {
  percentile: number;
  /** One in `rarity` requests is slower. */
  rarity: number;
  ms: number;
  /** The marks of the quantile; the maximum, which is what it is of any number of requests, has none. */
  marks: readonly Mark[];
  tip: string;
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
  const rarest = Math.max(of.rarest, ...limits.map(({ rarity }) => rarity * STROKE));
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
          values: [FIRST_RARITY, ...powersOfTen(1, Math.floor(Math.log10(rarest)))],
          labelExpr: "format(100 - 100 / datum.value, '~r') + ' %'",
        },
      },
      y: isLog
        ? logAxis('ms', [lowest, highest], title)
        : linearAxis('ms', [0, highest * HEADROOM], { title, ticks: 6 }),
    },
  };
}

/** Above the highest time on a linear axis, as a factor. */
const HEADROOM = 1.04;

/** @param kinds which a picture shows; of several, columns have names of their own */
export function percentileTable(
  { name, title, kinds }: { name: string; title: string; kinds: readonly string[] },
  curves: readonly Curve[],
): Table {
  const rows = curves.flatMap(curve => curve.rows);
  const percentiles = [...new Set(rows.map(({ percentile }) => percentile))].sort((a, b) => a - b);
  const columns = curves.map(({ arm, kind, rows }): ReadColumn<number> => {
    const [key, heading] = kinds.length > 1 ? [capitalize(kind), ` ${kind}`] : ['', ''];
    return [
      figureColumn(`${arm.name}${key}Ms`, `${arm.label}${heading}`, 'ms'),
      percentile => {
        const row = rows.find(found => found.percentile === percentile);
        if (row === undefined) return nothing;
        const us = row.ms * 1000;
        return figure(formatMs(us), row.ms, [...latencyMarks(arm, us), ...row.marks]);
      },
    ];
  });
  return tabulate(percentiles, {
    name,
    title,
    columns: [
      [keyColumn('percentile', 'percentile'), percentile => words(formatPercentile(percentile), percentile)],
      ...columns,
    ],
    notes: ['The last figure of each column is the maximum, placed according to the number of requests.'],
  });
}

/** With enough digits to distinguish it from 100 %. */
function formatPercentile(percentile: number): string {
  const digits = Math.max(2, Math.ceil(-Math.log10(1 - percentile / 100)) + 1);
  return `${Number(percentile.toFixed(digits - 1))} %`;
}

/** The rarity of p50, where the axis of percentiles begins: one in two requests is slower. */
const FIRST_RARITY = 2;

interface LatencyLimit {
  /** One in `rarity` requests may be slower. */
  rarity: number;
  ms: number;
  colour: string;
  text: string;
}

/** The limits that single clients are expected to keep, and those of the objective of a capacity search. */
export function latencyLimitsOf({ arms, result }: CellView): LatencyLimit[] {
  const { load } = result.scenario;
  const expected = result.expectations.flatMap(({ expectation }): LatencyLimit[] => {
    const { metric, of, over, atMost } = expectation;
    const { shareBeyond } = METRIC_TABLE[metric];
    const arm = arms.find(({ name }) => name === of);
    if (shareBeyond === undefined || over !== undefined || atMost === undefined || arm === undefined)
      return [];
    const text = describeExpectation(expectation);
    return [{ rarity: 1 / shareBeyond, ms: atMost / 1_000, colour: armColour(arm), text }];
  });
  if (load.model !== 'capacity') return expected;
  const { p50Ms, p99Ms } = load.objective;
  const asked = [
    { name: 'p50', rarity: 2, ms: p50Ms },
    { name: 'p99', rarity: 100, ms: p99Ms },
  ].flatMap(({ name, rarity, ms }) =>
    ms === undefined ? [] : [{ rarity, ms, colour: INK, text: `${name} latency ≤ ${ms} ms` }],
  );
  return [...expected, ...asked];
}

/** To either side of a limit, as a factor of the rarity: its stroke. */
const STROKE = 1.35;

/** Behind a caption. */
export function describeLimits(limits: readonly LatencyLimit[]): string[] {
  const texts = [...new Set(limits.map(({ text }) => text))];
  return texts.length === 0
    ? []
    : [`Strokes across are limits, with an arrow where one lies beyond the picture: ${texts.join('; ')}.`];
}

/** How many times as high as the highest time, or as low as the lowest, a limit may be for the axis to include it. */
const REACH = 2;

/** The ends of the axis, ms: those of the times, and of the limits that are near. */
function reachWith(
  limits: readonly LatencyLimit[],
  [lowestMs, highestMs]: readonly [number, number],
): [number, number] {
  const near = limits.map(({ ms }) => ms).filter(ms => ms <= highestMs * REACH && ms >= lowestMs / REACH);
  return [Math.min(lowestMs, ...near), Math.max(highestMs, ...near)];
}

/** A stroke at the percentile, or an arrow at the end of the axis beyond which the limit lies. */
function limitLayers(
  limits: readonly LatencyLimit[],
  [lowestMs, highestMs]: readonly [number, number],
): Layer[] {
  return limits.map(({ rarity, colour, text, ...limit }) => {
    const tip = `limit: ${text}`;
    const ms = Math.min(Math.max(limit.ms, lowestMs), highestMs);
    if (ms === limit.ms)
      return tippedLayer(
        [{ rarity: Math.max(FIRST_RARITY, rarity / STROKE), to: rarity * STROKE, ms, tip }],
        { type: 'rule', strokeWidth: 3, color: colour },
        { x2: { field: 'to' } },
      );
    const shape = limit.ms > ms ? 'triangle-up' : 'triangle-down';
    return tippedLayer([{ rarity, ms, tip }], {
      type: 'point',
      shape,
      filled: true,
      size: 70,
      color: colour,
      opacity: 1,
    });
  });
}
