// In: the cells of a run. Out: the same in sections: cells that stand alone, and sweeps with their cells in order.
import { armInterval, replicateValues } from '../../results/compare.ts';
import { comparedMetrics, headlineOf, METRIC_TABLE, summaryFigure } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import { type Interval, meanOf, overReplicates } from '../../results/stats.ts';
import type { ExpectedMetric, SweepPoint, SweepValue } from '../../scenarios/model/scenario.ts';
import { axesOf, combinations, placeText, type SweepAxis, shortNames } from '../../scenarios/model/sweep.ts';
import { type ArmView, type CellView, comparisonMarks } from '../cell-view.ts';
import type { Mark } from '../model.ts';
import {
  formatComparison,
  formatInterval,
  formatPercent,
  formatReplicates,
  isKnown,
} from '../words/numbers.ts';

/** A swept setting. */
export interface SweptSetting {
  path: string;
  /** Its last keys. */
  name: string;
  /** Rising where they are numbers, else as they are listed. */
  values: readonly SweepValue[];
  isNumeric: boolean;
}

export interface SweptCell {
  view: CellView;
  /** Of the setting along the axis, and of the other one, if there is one. */
  x: SweepValue;
  other: SweepValue | undefined;
  /** `roundTripMs = 20`. */
  place: string;
  points: readonly SweepPoint[];
}

export interface SweepView {
  name: string;
  question: string;
  /** As they are listed, their values in the order of the axis: for words about some of the cells. */
  axes: readonly SweepAxis[];
  /** The setting along the axis of the pictures. */
  x: SweptSetting;
  /** Of two settings, the one of which each value is a line. */
  other: SweptSetting | undefined;
  /** In order of their values. */
  cells: readonly SweptCell[];
  /** Combinations that the run never came to. */
  missing: readonly (readonly SweepPoint[])[];
  /** As they were measured. */
  inOrder: readonly (readonly SweepPoint[])[];
  arms: readonly SweptArm[];
}

/** An arm over all cells of the sweep. */
export type SweptArm = Pick<ArmView, 'name' | 'label' | 'look' | 'isBaseline'>;

export type Section = { kind: 'cell'; view: CellView } | { kind: 'sweep'; sweep: SweepView };

/** In order of first appearance. */
export function sectionsOf(views: readonly CellView[]): Section[] {
  const groups = Map.groupBy(views, ({ result }) =>
    result.sweepPoints.length === 0 ? result.cell : `sweep ${result.scenario.name}`,
  );
  return [...groups.values()].flatMap((group): Section[] =>
    group[0]!.result.sweepPoints.length === 0
      ? group.map(view => ({ kind: 'cell', view }))
      : [{ kind: 'sweep', sweep: viewSweep(group) }],
  );
}

function viewSweep(views: readonly CellView[]): SweepView {
  const { scenario } = views[0]!.result;
  const axes = axesIn(views);
  const [x, other] = settingsOf(axes);
  const cells = views
    .map(view => sweptCell(view, x!, other))
    .toSorted((a, b) => rankOf(a.other, other) - rankOf(b.other, other) || rankOf(a.x, x) - rankOf(b.x, x));
  const measured = new Set(cells.map(({ points }) => placeText(points)));
  return {
    name: scenario.name,
    question: scenario.question,
    axes,
    x: x!,
    other,
    cells,
    missing: combinations(axes).filter(points => !measured.has(placeText(points))),
    inOrder: views.map(({ result }) => result.sweepPoints),
    arms: armsOf(views),
  };
}

/** What was asked for; and whatever else a stored run may say that it has measured. */
function axesIn(views: readonly CellView[]): SweepAxis[] {
  const asked = new Map(axesOf(views[0]!.result.scenario).map(({ path, values }) => [path, values]));
  const paths = views[0]!.result.sweepPoints.map(({ path }) => path);
  return paths.map(path => {
    const found = views.flatMap(({ result }) =>
      result.sweepPoints.flatMap(point => (point.path === path ? [point.value] : [])),
    );
    const values = [...new Set([...(asked.get(path) ?? []), ...found])];
    return { path, values: isNumeric(values) ? values.toSorted((a, b) => Number(a) - Number(b)) : values };
  });
}

function isNumeric(values: readonly SweepValue[]): boolean {
  return values.every(value => typeof value === 'number');
}

/** The setting along the axis first: of two the one with numbers, then the one with more values. */
function settingsOf(axes: readonly SweepAxis[]): SweptSetting[] {
  const names = shortNames(axes.map(({ path }) => path));
  const settings = axes.map(({ path, values }, index) => ({
    path,
    name: names[index]!,
    values,
    isNumeric: isNumeric(values),
  }));
  return settings.toSorted(
    (a, b) => Number(b.isNumeric) - Number(a.isNumeric) || b.values.length - a.values.length,
  );
}

function sweptCell(view: CellView, x: SweptSetting, other: SweptSetting | undefined): SweptCell {
  const points = view.result.sweepPoints;
  const at = (setting: SweptSetting | undefined) => points.find(({ path }) => path === setting?.path)?.value;
  return { view, x: at(x) ?? '', other: at(other), place: placeText(points), points };
}

function rankOf(value: SweepValue | undefined, setting: SweptSetting | undefined): number {
  return value === undefined || setting === undefined ? 0 : setting.values.indexOf(value);
}

function armsOf(views: readonly CellView[]): SweptArm[] {
  const arms = new Map(
    views.flatMap(view => view.arms).map(({ name, look, isBaseline }) => [name, { name, look, isBaseline }]),
  );
  return [...arms.values()].map(arm => ({
    ...arm,
    label: arm.isBaseline && arms.size > 1 ? `${arm.name} (baseline)` : arm.name,
  }));
}

// From a sweep. Out: the metric that decides under its load, by which it is told; and all metrics, that one first.

/** What every load has, where a sweep goes over several kinds of load. */
const COMMON: Metric = 'meanUs';

export function decidingMetric({ cells }: Pick<SweepView, 'cells'>): Metric {
  const [first, ...others] = new Set(cells.map(({ view }) => headlineOf(view.result.scenario.load).metric));
  return first === undefined || others.length > 0 ? COMMON : first;
}

/** Those that any of its cells has. */
function metricsOf(sweep: Pick<SweepView, 'cells'>): Metric[] {
  const compared = sweep.cells.flatMap(({ view }) => comparedMetrics(view.result.scenario.load));
  return [...new Set([decidingMetric(sweep), ...compared])];
}

// From a sweep. Out: what it is looked at for: every compared metric, then the target's CPU, connections and errors.

export interface Measure {
  /** Stable name for machines; ends in its unit, which is that of `read`. */
  key: string;
  title: string;
  /** As it stands at an axis and over a column; undefined for plain counts and rates. */
  unit: string | undefined;
  /** Of which there are ratios to the baseline; null where arms are not compared. */
  metric: Metric | null;
  /** Whether it is estimated over replicates, so that it has an interval. */
  hasInterval: boolean;
  /** What an arm did in a cell; null without a figure. A value that has no interval is its own bounds. */
  read(arm: ArmView): Interval | null;
  /** Of each replicate, where the interval is over replicates. */
  values?(arm: ArmView): number[];
  text(value: Interval): string;
}

function scaled({ value, low, high }: Interval, factor: number): Interval {
  return { value: value * factor, low: low * factor, high: high * factor };
}

function point(value: number): Interval {
  return { value, low: value, high: value };
}

export function metricMeasure(metric: Metric): Measure {
  const { factor } = METRIC_TABLE[metric];
  return {
    ...namesOf(metric),
    metric,
    hasInterval: true,
    read({ trials }) {
      const interval = armInterval(metric, trials);
      return interval === null ? null : scaled(interval, factor);
    },
    values: ({ trials }) => replicateValues(metric, trials).map(value => value * factor),
    text: formatInterval,
  };
}

/** A title that is a unit itself needs no other. */
function namesOf(metric: ExpectedMetric): Pick<Measure, 'key' | 'title' | 'unit'> {
  const { columnKey: key, title, unit } = METRIC_TABLE[metric];
  return { key, title, unit: unit === title ? undefined : unit };
}

function targetCpus(trials: ArmView['trials']): number[] {
  return trials.flatMap(trial => METRIC_TABLE.targetCpuUsPerRequest.ofTrial(trial) ?? []);
}

/** What arms are not compared on. */
const OTHER_MEASURES: readonly Measure[] = [
  {
    ...namesOf('targetCpuUsPerRequest'),
    metric: null,
    hasInterval: true,
    read: ({ trials }) => overReplicates(targetCpus(trials)),
    values: ({ trials }) => targetCpus(trials),
    text: formatInterval,
  },
  {
    ...namesOf('connectionsPer1kRequests'),
    metric: null,
    hasInterval: false,
    read: ({ summary }) => summaryFigure('connectionsPer1kRequests', summary),
    text: formatInterval,
  },
  {
    key: 'errorPercent',
    title: 'error rate',
    unit: '%',
    metric: null,
    hasInterval: false,
    read: ({ summary }) => (summary === null ? null : point(summary.errorRatio * 100)),
    text: ({ value }) => formatPercent(value / 100),
  },
];

/** The one that decides under the sweep's load first; of all those that have something to show: a figure above 0 somewhere. */
export function measuresOf(sweep: SweepView): Measure[] {
  const arms = sweep.cells.flatMap(({ view }) => view.arms);
  return [...metricsOf(sweep).map(metricMeasure), ...OTHER_MEASURES].filter(measure =>
    arms.some(arm => (measure.read(arm)?.value ?? 0) > 0),
  );
}

// From a sweep and a measure. Out: each figure with its place in the sweep, of arms and of arms against the baseline.

/** A figure of one cell. */
export interface SweepFigure {
  cell: SweptCell;
  x: SweepValue;
  other: SweepValue | undefined;
  /** Without width where it is not known: then nothing is told by it, and `text` has what the replicates gave. */
  interval: Interval;
  /** In words, without its marks and unit. */
  text: string;
  marks: readonly Mark[];
}

/** What an arm did, cell by cell, where there is a figure. */
export function armFigures({ cells }: SweepView, arm: string, measure: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const view = cell.view.arms.find(({ name }) => name === arm);
    const interval = view === undefined ? null : measure.read(view);
    if (view === undefined || interval === null) return [];
    const values = measure.values?.(view);
    const text = values === undefined ? measure.text(interval) : formatReplicates(interval, values);
    const { marks } = view;
    return [{ cell, x: cell.x, other: cell.other, interval: drawable(interval), text, marks }];
  });
}

/** How an arm did against the baseline, cell by cell. */
export function ratioFigures({ cells }: SweepView, candidate: string, { metric }: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const comparison = cell.view.result.comparisons.find(
      found => found.metric === metric && found.candidate === candidate,
    );
    if (comparison === undefined || comparison.replicateRatios.length === 0) return [];
    const interval = drawable(comparison.ratio ?? pointOf(comparison.replicateRatios));
    const text = formatComparison(comparison);
    const marks = comparisonMarks(comparison, cell.view);
    return [{ cell, x: cell.x, other: cell.other, interval, text, marks }];
  });
}

/** The arms that are compared with the baseline. */
export function candidatesOf({ arms }: SweepView): string[] {
  return arms.filter(({ isBaseline }) => !isBaseline).map(({ name }) => name);
}

export function baselineOf({ arms }: SweepView): string {
  return arms.find(({ isBaseline }) => isBaseline)?.name ?? '';
}

/** An interval that says nothing is none: as a band it would dwarf all that is known. */
function drawable(interval: Interval): Interval {
  const { value } = interval;
  return isKnown(interval) ? interval : { value, low: value, high: value };
}

/** Ratios without an interval, at their centre. */
function pointOf(ratios: readonly number[]): Interval {
  const value = Math.exp(meanOf(ratios.map(Math.log)));
  return { value, low: value, high: value };
}

// From the value of a swept setting. Out: the same as text.

/** As it was written, numbers with separators: `1,000`, `0.5`, `unlimited`. */
export function valueText(value: SweepValue): string {
  if (typeof value !== 'number') return String(value);
  return value.toLocaleString('en-US', { maximumFractionDigits: 12 });
}
