// Chart: how many times better each client is than the baseline, metric by metric: intervals and replicates on one logarithmic axis.
import type { TopLevelSpec } from 'vega-lite';
import { comparedMetrics, isHigherBetter, isSetByLoad, METRIC_TABLE } from '../../results/metrics.ts';
import type { Comparison, Metric } from '../../results/model/run.ts';
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { type CellView, comparisonMarks, signsOf } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, words } from '../tables/table.ts';
import { ratioSign } from '../words/bound.ts';
import {
  formatComparison,
  formatSignificant,
  formatValues,
  knownRatio,
  missingReplicates,
} from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import {
  armMarks,
  arrowLayers,
  CHARACTER_PX,
  CHART_PX,
  framed,
  guideLine,
  INK,
  type Layer,
  LEFT,
  logTicks,
  RIGHT,
  WIDEST_WHISKER,
} from './theme.ts';

const NAME = 'forest';

/** Least ratio of the ends of the axis: equal values lie in the middle of something. */
const LEAST_RATIO = 1.1;
/** Left of the data, of the width that they take. */
const MARGIN_SHARE = 0.06;
/** Of the picture, at most, for names and figures together; if figures with their intervals need more, they stand without. */
const MOST_WORDS_SHARE = 0.62;
const ROW_PX = { few: 34, many: 18, least: 14 };
/** More rows are set more densely. */
const FEW_ROWS = 6;
/** So that many rows end on the first screen too. */
const MOST_PX = 350;
/** Below the rows. */
const AXIS_PX = 44;
/** Between the figure furthest to the right and the texts. */
const BETWEEN_PX = 24;
/** The most that names of metrics and clients take. */
const NAMES_PX = 200;
/** Of rows that stand behind others. */
const faint = { condition: { test: 'datum.isFaint', value: 0.45 }, value: 1 };

const chart: Chart = {
  name: NAME,
  section: 'answer',
  title: 'Against the baseline',
  applies: view => rowsOf(view).length > 0,
  caption: ({ result }) =>
    `How many times better than ${result.scenario.baseline}: more requests, less time, less CPU. Further right is better. Line: ${INTERVAL_NAME}, with an arrow where it goes on; small dots: replicates.`,
  spec: view => drawForest(rowsOf(view), view),
  table: view => tabulateForest(rowsOf(view), { name: NAME, title: 'Against the baseline' }),
};
export default chart;

/** @param view has the clients of all rows, and their baseline */
export function drawForest(rows: readonly ForestRow[], view: CellView): TopLevelSpec {
  const plot = plotOf(rows, view);
  const manyPx = Math.max(ROW_PX.least, Math.min(ROW_PX.many, Math.floor(MOST_PX / rows.length)));
  const rowPx = rows.length <= FEW_ROWS ? ROW_PX.few : manyPx;
  return framed(
    {
      layer: [
        baselineLayer(plot, view.result.scenario.baseline),
        whiskerLayer(plot),
        ...arrowLayers(arrowsOf(rows, plot), { x: plot.x, y: plot.y, color: plot.colour }),
        dotLayer(plot),
        figureLayer(plot),
        textLayer(plot),
      ],
    },
    { heightPx: rows.length * rowPx + AXIS_PX },
  );
}

export function tabulateForest(
  rows: readonly ForestRow[],
  { name, title }: Pick<Table, 'name' | 'title'>,
): Table {
  const replicates = Math.max(...rows.map(({ dots }) => dots.length));
  return createTable({
    name,
    title,
    columns: [
      keyColumn('metric', 'metric'),
      keyColumn('arm', 'client'),
      figureColumn('gain', 'times better', INTERVAL_NAME),
      ...Array.from({ length: replicates }, (_, index) =>
        figureColumn(`replicate${index + 1}`, `replicate ${index + 1}`),
      ),
    ],
    rows: rows.map(row => [
      words(row.title, row.metric),
      words(row.candidate),
      figure(row.plain, { value: row.value, low: row.low, high: row.high }, row.marks),
      ...Array.from({ length: replicates }, (_, index) => {
        const dot = row.dots[index];
        return dot === undefined
          ? words('–', null)
          : figure(`${formatSignificant(dot.value)}×`, dot.value, row.marks);
      }),
    ]),
  });
}

/** Under an open load the schedule sets the rate; in a search for the capacity, each client has its own. */
function isFair(metric: Metric, { model }: Load): boolean {
  return model === 'capacity'
    ? metric === 'capacityPerSec' || metric === 'cpuUsPerRequest'
    : !isSetByLoad(metric, { model });
}

/** One per metric and client, those of a metric together; more than 1 is better in all. */
export function rowsOf(view: CellView): ForestRow[] {
  const { comparisons, scenario } = view.result;
  const candidates = new Set(comparisons.map(({ candidate }) => candidate));
  const names = view.arms.map(({ name }) => name).filter(name => candidates.has(name));
  return comparedMetrics(scenario.load)
    .filter(metric => isFair(metric, scenario.load))
    .flatMap(metric =>
      names.flatMap(name => {
        const found = comparisons.find(one => one.metric === metric && one.candidate === name);
        return found === undefined ? [] : (rowOf(found, view, candidates.size > 1) ?? []);
      }),
    );
}

function rowOf(comparison: Comparison, view: CellView, hasSeveral: boolean) {
  const { metric, candidate, replicateRatios } = comparison;
  const turn = (ratio: number): number => (isHigherBetter(metric) ? ratio : 1 / ratio);
  const ratios = replicateRatios.filter(ratio => ratio > 0).map(turn);
  if (ratios.length === 0) return null;
  const known = knownRatio(comparison);
  const gain = known === null ? null : turned(known, metric);
  const { value, low, high } = gain ?? spanOf(ratios);
  const { title } = METRIC_TABLE[metric];
  const marks = comparisonMarks(comparison, view);
  const plain = `${ratioSign(comparison, view)}${formatComparison({ ratio: gain, replicateRatios: ratios })}`;
  const values = missingReplicates(ratios.length) > 0 ? formatValues(ratios, '×') : 'not known';
  const text = `${gain === null ? values : plain}${signsOf(marks)}`;
  return {
    metric,
    candidate,
    title,
    label: `${title.replace(' per request', '')}${hasSeveral ? `: ${candidate}` : ''}`,
    arm: view.arms.find(({ name }) => name === candidate)?.label ?? candidate,
    value,
    low,
    high,
    isKnown: gain !== null,
    marks,
    isInvalid: marks.includes('invalid'),
    /** Drawn behind another. */
    isFaint: false,
    plain,
    text,
    brief: gain === null ? '?' : `${plain.replace(/ \(.*/, '')}${signsOf(marks)}`,
    tip: `${title}, ${candidate}: ${plain}${signsOf(marks)}; above 1 is better`,
    dots: ratios.map((ratio, index) => ({
      value: ratio,
      tip: `${title}, ${candidate}, replicate ${index + 1}: ${formatSignificant(ratio)}×`,
    })),
  };
}

function turned({ value, low, high }: Interval, metric: Metric): Interval {
  return isHigherBetter(metric) ? { value, low, high } : { value: 1 / value, low: 1 / high, high: 1 / low };
}

/** Without an interval: the replicates' centre and reach. */
function spanOf(ratios: readonly number[]): Interval {
  const logs = ratios.map(Math.log);
  const centre = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  return { value: Math.exp(centre), low: Math.min(...ratios), high: Math.max(...ratios) };
}

export type ForestRow = NonNullable<ReturnType<typeof rowOf>>;

/** 1 and all values, whiskers and replicates as far as they are not cut off. */
function extentOf(rows: readonly ForestRow[]): { low: number; high: number } {
  const values = [1, ...rows.map(({ value }) => value)];
  const ends = rows.map(reachOf);
  const low = Math.max(Math.min(1, ...ends.map(end => end.low)), Math.min(...values) / WIDEST_WHISKER);
  const high = Math.min(Math.max(1, ...ends.map(end => end.high)), Math.max(...values) * WIDEST_WHISKER);
  return { low, high: Math.max(high, low * LEAST_RATIO) };
}

/** Of the interval and the replicates. */
function reachOf({ low, high, dots }: ForestRow): { low: number; high: number } {
  const values = dots.map(({ value }) => value);
  return { low: Math.min(low, ...values), high: Math.max(high, ...values) };
}

/** What all layers share: the rows at their places, whiskers cut off at the ends of the axis, and the scales. */
function plotOf(rows: readonly ForestRow[], view: CellView) {
  const { low, high } = extentOf(rows);
  const { field, share } = wordsOf(rows);
  const domain = [low / (high / low) ** MARGIN_SHARE, high * (high / low) ** share] as const;
  return {
    field,
    low,
    high,
    rows: rows.map((row, index) => ({
      ...row,
      at: index + 0.5,
      low: Math.max(row.low, low),
      high: Math.min(row.high, high),
    })),
    colour: armMarks(view.arms).colour,
    x: {
      type: 'quantitative' as const,
      scale: { type: 'log' as const, domain: [...domain], nice: false },
      axis: {
        title: 'better →',
        values: logTicks(domain[0], high),
        format: ',~r',
        grid: true,
      },
    },
    y: {
      field: 'at',
      type: 'quantitative' as const,
      scale: { domain: [0, rows.length], reverse: true, nice: false },
      axis: {
        title: null,
        domain: false,
        grid: false,
        values: rows.map((_, index) => index + 0.5),
        labelExpr: `${JSON.stringify(rows.map(({ label }) => label))}[floor(datum.value)]`,
        labelLimit: NAMES_PX,
        labelOverlap: false,
      },
    },
  };
}

type Plot = ReturnType<typeof plotOf>;

/** Which figures there is room for beside the names, and the width that they take, as a share of that of the data. */
function wordsOf(rows: readonly ForestRow[]): { field: 'text' | 'brief'; share: number } {
  const widthOf = (read: (row: ForestRow) => string): number =>
    Math.max(...rows.map(row => read(row).length)) * CHARACTER_PX;
  const namesPx = Math.min(
    NAMES_PX,
    widthOf(({ label }) => label),
  );
  const isRoomy = namesPx + widthOf(({ text }) => text) <= CHART_PX * MOST_WORDS_SHARE;
  const field = isRoomy ? 'text' : 'brief';
  const textPx = widthOf(row => row[field]) + BETWEEN_PX;
  return { field, share: textPx / (CHART_PX - namesPx - textPx) };
}

function baselineLayer({ x }: Plot, baseline: string): Layer {
  return {
    data: { values: [{ one: 1, tip: `1: the same as ${baseline}` }] },
    mark: { ...guideLine, strokeWidth: 1.5, strokeDash: [1, 0] },
    encoding: {
      x: { ...x, field: 'one' },
      y: { value: 0 },
      y2: { value: 'height' },
      description: { field: 'tip' },
    },
  };
}

function whiskerLayer({ rows, x, y, colour }: Plot): Layer {
  return {
    data: { values: rows },
    mark: { type: 'rule', strokeWidth: 2 },
    encoding: {
      x: { ...x, field: 'low' },
      x2: { field: 'high' },
      y,
      color: colour,
      opacity: faint,
      description: { field: 'tip' },
    },
  };
}

/** At the ends of whiskers that go on beyond the axis, or where a replicate lies there. @param rows with whiskers of their full length */
function arrowsOf(rows: readonly ForestRow[], { low, high }: Plot) {
  return rows.flatMap((row, index) => {
    const reach = reachOf(row);
    const place = { at: index + 0.5, arm: row.arm };
    return [
      ...(reach.low < low ? [{ ...place, end: low, shape: LEFT } as const] : []),
      ...(reach.high > high ? [{ ...place, end: high, shape: RIGHT } as const] : []),
    ];
  });
}

/** The replicates, a little below the figure. */
function dotLayer({ rows, low, high, x, y, colour }: Plot): Layer {
  const values = rows.flatMap(({ at, arm, dots }) =>
    dots
      .filter(({ value }) => value >= low && value <= high)
      .map(({ value, tip }) => ({ at: at + 0.28, arm, value, tip })),
  );
  return {
    data: { values },
    mark: { type: 'point', filled: true, size: 14, opacity: 0.75 },
    encoding: { x: { ...x, field: 'value' }, y, color: colour, description: { field: 'tip' } },
  };
}

function figureLayer({ rows, x, y, colour }: Plot): Layer {
  return {
    data: { name: 'figures', values: rows },
    mark: { type: 'point', filled: true, size: 70 },
    encoding: {
      x: { ...x, field: 'value' },
      y,
      color: colour,
      shape: { condition: { test: 'datum.isInvalid', value: 'cross' }, value: 'circle' },
      opacity: faint,
      description: { field: 'tip' },
    },
  };
}

function textLayer({ rows, y, field }: Plot): Layer {
  return {
    data: { values: rows },
    mark: { type: 'text', align: 'right', aria: false, fill: INK },
    encoding: { x: { value: 'width' }, y, text: { field } },
  };
}
