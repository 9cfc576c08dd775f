// Charts of clients against the baseline: how many times better by each metric, and the deciding metric's ratio in each replicate.

import type { TopLevelSpec } from 'vega-lite';
import {
  comparedMetrics,
  headlineOf,
  isHigherBetter,
  isSetByLoad,
  METRIC_TABLE,
} from '../../results/metrics.ts';
import type { Comparison, Metric } from '../../results/model/run.ts';
import { INTERVAL_NAME, type Interval, meanOf } from '../../results/stats.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { type CellView, comparisonMarks } from '../cell-view.ts';
import type { Table } from '../model.ts';
import {
  cellsIn,
  createTable,
  figure,
  figureColumn,
  keyColumn,
  type ReadColumn,
  tabulate,
  words,
} from '../tables/table.ts';
import { ratioSign } from '../words/bound.ts';
import { headlinePhrases } from '../words/load.ts';
import { signsOf } from '../words/marks.ts';
import {
  formatComparison,
  formatMissing,
  formatSignificant,
  formatValues,
  knownRatio,
  missingReplicates,
  withoutBounds,
} from '../words/numbers.ts';
import { capitalize } from '../words/text.ts';
import type { Chart } from './chart.ts';
import {
  armMarks,
  arrowLayers,
  arrowsBeyond,
  CHARACTER_PX,
  CHART_PX,
  clip,
  either,
  extentOf,
  figureLayer,
  framed,
  guideLine,
  INK,
  type Layer,
  linearAxis,
  logAxis,
  logTicks,
  quantity,
  rowAxis,
  silentLayer,
  tippedLayer,
  WIDEST_WHISKER,
  within,
  type X,
} from './theme.ts';

/** Least ratio of the ends of the axis: equal values lie in the middle of something. */
const MIN_RATIO = 1.1;
/** Left of the data, of the width that they take. */
const MARGIN_SHARE = 0.06;
/** The most of the picture's width that names and figures take together; if figures with their intervals need more, they stand without. */
const MAX_WORDS_SHARE = 0.62;
const ROW_PX = { few: 34, many: 18, least: 14 };
/** More rows are set more densely. */
const FEW_ROWS = 6;
/** So that many rows end on the first screen too. */
const MAX_PX = 350;
/** Below the rows. */
const AXIS_PX = 44;
/** Between the figure furthest to the right and the texts. */
const BETWEEN_PX = 24;
/** The most that names of metrics and clients take. */
const NAMES_PX = 200;
/** Opacity: rows that stand behind others are faint. */
const faint = either('datum.isFaint', 0.45, 1);

/** Every metric that can be compared, on one logarithmic axis. */
export const forest: Chart = {
  name: 'forest',
  section: 'answer',
  title: 'Against the baseline',
  applies: view => forestRows(view).length > 0,
  caption: ({ result }) =>
    `How many times better than ${result.scenario.baseline}: more requests, less time, less CPU. Further right is better. Line: ${INTERVAL_NAME}, with an arrow where it goes on; small dots: replicates.`,
  spec: view => drawForest(forestRows(view), view),
  table: view => tabulateForest(forestRows(view), { name: 'forest', title: 'Against the baseline' }),
};

/** @param view has the clients of all rows, and their baseline */
export function drawForest(rows: readonly ForestRow[], view: CellView): TopLevelSpec {
  const { field, extent, shown, arrows, x, y } = placeRows(rows);
  const color = armMarks(view.arms).colour;
  const manyPx = Math.max(ROW_PX.least, Math.min(ROW_PX.many, Math.floor(MAX_PX / rows.length)));
  const rowPx = rows.length <= FEW_ROWS ? ROW_PX.few : manyPx;
  const whisker = { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, color, opacity: faint };
  const value = { x: { ...x, field: 'value' }, y, color };
  const shape = either('datum.isInvalid', 'cross', 'circle');
  // A little below the figure.
  const dots = shown.flatMap(({ at, arm, dots }) =>
    dots
      .filter(dot => dot.value >= extent.low && dot.value <= extent.high)
      .map(dot => ({ ...dot, at: at + 0.28, arm })),
  );
  return framed({
    heightPx: rows.length * rowPx + AXIS_PX,
    layer: [
      baselineLayer(view, x, { strokeDash: [1, 0] }),
      tippedLayer(shown, { type: 'rule', strokeWidth: 2 }, whisker),
      ...arrowLayers(arrows, { x, y, color }),
      tippedLayer(dots, { type: 'point', filled: true, size: 14, opacity: 0.75 }, value),
      figureLayer(shown, { type: 'point', filled: true, size: 70 }, { ...value, shape, opacity: faint }),
      silentLayer(
        shown,
        { type: 'text', align: 'right', fill: INK },
        { x: { value: 'width' }, y, text: { field } },
      ),
    ],
  });
}

export function tabulateForest(rows: readonly ForestRow[], about: Pick<Table, 'name' | 'title'>): Table {
  const replicates = Math.max(...rows.map(({ dots }) => dots.length));
  return tabulate(rows, {
    ...about,
    columns: [
      [keyColumn('metric', 'metric'), row => words(row.title, row.metric)],
      [keyColumn('arm', 'client'), row => words(row.candidate)],
      [
        figureColumn('gain', 'times better', INTERVAL_NAME),
        ({ plain, value, low, high, marks }) => figure(plain, { value, low, high }, marks),
      ],
      ...Array.from(
        { length: replicates },
        (_, index): ReadColumn<ForestRow> => [
          figureColumn(`replicate${index + 1}`, `replicate ${index + 1}`),
          ({ dots, marks }) => ratioCell(dots[index]?.value, marks),
        ],
      ),
    ],
  });
}

const ratioCell = cellsIn(formatTimes);

function formatTimes(ratio: number): string {
  return `${formatSignificant(ratio)}×`;
}

/** Under an open load the schedule sets the rate; in a search for the capacity, each client has its own. */
function isFair(metric: Metric, { model }: Load): boolean {
  return model === 'capacity'
    ? metric === 'capacityPerSec' || metric === 'cpuUsPerRequest'
    : !isSetByLoad(metric, { model });
}

/** One per metric and client, those of a metric together; more than 1 is better in all. */
export function forestRows(view: CellView): ForestRow[] {
  const { comparisons, scenario } = view.result;
  const candidates = new Set(comparisons.map(({ candidate }) => candidate));
  const names = view.arms.map(({ name }) => name).filter(name => candidates.has(name));
  return comparedMetrics(scenario.load)
    .filter(metric => isFair(metric, scenario.load))
    .flatMap(metric =>
      names.flatMap(name => {
        const found = comparisons.find(one => one.metric === metric && one.candidate === name);
        return found === undefined ? [] : (forestRow(found, view, candidates.size > 1) ?? []);
      }),
    );
}

function forestRow(comparison: Comparison, view: CellView, hasSeveral: boolean) {
  const { metric, candidate, replicateRatios } = comparison;
  const turn = (ratio: number): number => (isHigherBetter(metric) ? ratio : 1 / ratio);
  const ratios = replicateRatios.filter(ratio => ratio > 0).map(turn);
  if (ratios.length === 0) return null;
  const known = knownRatio(comparison);
  const gain = known === null ? null : turnInterval(known, metric);
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
    brief: gain === null ? '?' : `${withoutBounds(plain)}${signsOf(marks)}`,
    tip: `${title}, ${candidate}: ${plain}${signsOf(marks)}; above 1 is better`,
    dots: ratios.map((ratio, index) => ({
      value: ratio,
      tip: `${title}, ${candidate}, replicate ${index + 1}: ${formatTimes(ratio)}`,
    })),
  };
}

function turnInterval({ value, low, high }: Interval, metric: Metric): Interval {
  return isHigherBetter(metric) ? { value, low, high } : { value: 1 / value, low: 1 / high, high: 1 / low };
}

/** Without an interval: the replicates' centre and reach. */
function spanOf(ratios: readonly number[]): Interval {
  const value = Math.exp(meanOf(ratios.map(Math.log)));
  return { value, low: Math.min(...ratios), high: Math.max(...ratios) };
}

export type ForestRow = NonNullable<ReturnType<typeof forestRow>>;

/** The interval with the replicates. */
function reachOf({ low, high, dots }: ForestRow): { low: number; high: number } {
  const values = dots.map(({ value }) => value);
  return { low: Math.min(low, ...values), high: Math.max(high, ...values) };
}

/** The rows at their places, whiskers cut off at the ends of the axis, and the axes. */
function placeRows(rows: readonly ForestRow[]) {
  const placed = rows.map((row, index) => ({ ...row, at: index + 0.5 }));
  const reaching = placed.map(row => ({ ...row, ...reachOf(row) }));
  const { low, high: end } = extentOf(reaching, { alsoShown: [1], widestBand: WIDEST_WHISKER });
  const extent = { low, high: Math.max(end, low * MIN_RATIO) };
  const { field, share } = chooseWords(rows);
  const span = extent.high / low;
  const domain = [low / span ** MARGIN_SHARE, extent.high * span ** share] as const;
  const x = logAxis('value', domain, 'better →');
  const names = rows.map(({ label }) => label);
  return {
    field,
    extent,
    shown: placed.map(row => within(extent, row)),
    arrows: arrowsBeyond(extent, reaching),
    // No values where the words stand, right of all figures.
    x: { ...x, axis: { ...x.axis, values: logTicks(domain[0], extent.high), grid: true } },
    y: rowAxis('at', names, { labelLimit: NAMES_PX, labelOverlap: false }),
  };
}

/** Which figures there is room for beside the names, and the width that they take, as a share of that of the data. */
function chooseWords(rows: readonly ForestRow[]): { field: 'text' | 'brief'; share: number } {
  const widthOf = (read: (row: ForestRow) => string): number =>
    Math.max(...rows.map(row => read(row).length)) * CHARACTER_PX;
  const namesPx = Math.min(
    NAMES_PX,
    widthOf(({ label }) => label),
  );
  const isRoomy = namesPx + widthOf(({ text }) => text) <= CHART_PX * MAX_WORDS_SHARE;
  const field = isRoomy ? 'text' : 'brief';
  const textPx = widthOf(row => row[field]) + BETWEEN_PX;
  return { field, share: textPx / (CHART_PX - namesPx - textPx) };
}

/** Marks a ratio of 1. */
function baselineLayer({ result }: CellView, x: object, look: object = {}): Layer {
  return tippedLayer(
    [{ one: 1, tip: `1: the same as ${result.scenario.baseline}` }],
    { ...guideLine, strokeWidth: 1.5, ...look },
    { x: { ...x, field: 'one' } as X, y: { value: 0 }, y2: { value: 'height' } },
  );
}

/** If ratios come nearer to 1 than this factor, the picture includes the baseline. */
const NEAR_BASELINE = 1.5;
/** Beyond this spread, a linear axis would squeeze the small ratios. */
const LOG_SPREAD = 2;
/** Share of a row's height that its band takes. */
const BAND = 0.8;

/** The deciding metric in each replicate; modes show as groups. */
export const replicateRatios: Chart = {
  name: 'replicate-ratios',
  section: 'course',
  title: 'Ratios by replicate',
  applies: view => listDots(view).length > 0,
  caption: ({ result }) =>
    `${capitalize(headlinePhrases(result.scenario.load).noun)} relative to ${result.scenario.baseline}, one dot per replicate, the first at the top; 1 is the baseline. The band is the ${INTERVAL_NAME}, with an arrow where it goes on, the line its value. Dots in two groups are processes in two modes.`,
  spec(view) {
    const dots = listDots(view);
    const ratios = dots.map(({ ratio }) => ratio);
    const { rows: bands, arrows, extent } = clip(listBands(view), ratios);
    const { domain, isLog } = domainOf(extent);
    const title = `ratio of ${headlineOf(view.result.scenario.load).noun}`;
    const x = isLog ? logAxis('low', domain, title) : linearAxis('low', domain, { title, ticks: 5 });
    const { scale } = x;
    const names = decidingRatios(view).map(comparison => nameRow(comparison, view));
    const replicates = Math.max(...decidingRatios(view).map(({ replicateRatios }) => replicateRatios.length));
    const color = armMarks(view.arms).colour;
    return framed({
      heightPx: names.length * Math.max(46, Math.min(120, replicates * 12)) + 54,
      encoding: { y: rowAxis('top', names) },
      layer: [
        ...(domain[0] < 1 && domain[1] > 1 ? [baselineLayer(view, quantity('one'))] : []),
        tippedLayer(
          bands,
          { type: 'rect', opacity: 0.2, cornerRadius: 3 },
          { y2: { field: 'bottom' }, x, x2: { field: 'high' }, color },
        ),
        silentLayer(
          bands,
          { type: 'rule', strokeWidth: 2, color: INK },
          { x: quantity('value'), y2: { field: 'bottom' } },
        ),
        ...arrowLayers(
          arrows.map(({ at, ...arrow }) => ({ ...arrow, top: at })),
          { x: { scale } as X, color },
        ),
        figureLayer(
          dots,
          { type: 'point', filled: true, size: 56, opacity: 0.95 },
          {
            x: { ...quantity('ratio'), scale } as X,
            y: quantity('at'),
            color,
            shape: either('datum.isInvalid', 'cross', 'circle'),
          },
        ),
      ],
    });
  },
  table(view) {
    const dots = listDots(view);
    const replicates = [...new Set(dots.map(({ replicate }) => replicate))].sort((a, b) => a - b);
    const ratios = decidingRatios(view).filter(({ replicateRatios }) => replicateRatios.length > 0);
    return createTable({
      name: 'replicate-ratios',
      title: 'Ratios by replicate',
      columns: [
        keyColumn('replicate', 'replicate'),
        ...ratios.map(({ candidate, baseline }) =>
          figureColumn(`${candidate}Ratio`, `${candidate} / ${baseline}`),
        ),
      ],
      rows: [
        ...replicates.map(replicate => [
          words(String(replicate + 1), replicate + 1),
          ...ratios.map(comparison =>
            ratioCell(comparison.replicateRatios[replicate], comparisonMarks(comparison, view)),
          ),
        ]),
        [
          words(`all, with ${INTERVAL_NAME}`, 'all'),
          ...ratios.map(comparison =>
            knownRatio(comparison) === null
              ? words(
                  comparison.ratio === null
                    ? `${formatMissing(missingReplicates(comparison.replicateRatios.length))} needed`
                    : 'unknown',
                  [...comparison.replicateRatios],
                )
              : figure(formatComparison(comparison), comparison.ratio, comparisonMarks(comparison, view)),
          ),
        ],
      ],
      notes: ['Replicates are those in which both clients completed.'],
    });
  },
};

function decidingRatios({ result }: CellView) {
  const deciding = headlineOf(result.scenario.load).metric;
  return result.comparisons.filter(({ metric }) => metric === deciding);
}

function labelOf(name: string, { arms }: CellView): string {
  return arms.find(arm => arm.name === name)?.label ?? name;
}

/** The name of a client, with the marks that only its ratio has. */
function nameRow(comparison: Comparison, view: CellView): string {
  const own = view.arms.find(({ name }) => name === comparison.candidate)?.marks ?? [];
  const further = comparisonMarks(comparison, view).filter(mark => !own.includes(mark));
  return `${labelOf(comparison.candidate, view)}${signsOf(further)}`;
}

function listDots(view: CellView) {
  return decidingRatios(view).flatMap((comparison, row) => {
    const arm = labelOf(comparison.candidate, view);
    const marks = comparisonMarks(comparison, view);
    return comparison.replicateRatios.map((ratio, replicate) => ({
      arm,
      ratio,
      replicate,
      at: row + (1 - BAND) / 2 + (BAND * (replicate + 0.5)) / comparison.replicateRatios.length,
      isInvalid: marks.includes('invalid'),
      tip: `${arm}, replicate ${replicate + 1}: ${formatTimes(ratio)}${signsOf(marks)}`,
    }));
  });
}

function listBands(view: CellView) {
  return decidingRatios(view).flatMap((comparison, row) => {
    const { candidate } = comparison;
    const ratio = knownRatio(comparison);
    if (ratio === null) return [];
    const arm = labelOf(candidate, view);
    const edge = (1 - BAND) / 2;
    const tip = `${arm}: ${formatComparison(comparison)}${signsOf(comparisonMarks(comparison, view))}`;
    return [{ arm, ...ratio, top: row + edge, at: row + 0.5, bottom: row + 1 - edge, tip }];
  });
}

/** Slightly more than the figures span, and the baseline if it is near. */
function domainOf(extent: { low: number; high: number }): { domain: [number, number]; isLog: boolean } {
  const low = extent.low > 1 && extent.low < NEAR_BASELINE ? 1 : extent.low;
  const high = extent.high < 1 && extent.high > 1 / NEAR_BASELINE ? 1 : extent.high;
  const margin = Math.max((high / low) ** 0.08, 1.005);
  return { domain: [low / margin, high * margin], isLog: high / low > LOG_SPREAD };
}
