// Groups the cells of a run into sections: single cells, and sweeps with their cells in order.
import { armInterval, replicateValues } from '../../results/compare.ts';
import {
  comparedMetrics,
  headlineOf,
  isCompared,
  isSetByLoad,
  METRIC_ORDER,
  METRIC_TABLE,
  summaryFigure,
} from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import { type Interval, meanOf, overReplicates } from '../../results/stats.ts';
import type { ExpectedMetric, SweepPoint, SweepValue } from '../../scenarios/model/scenario.ts';
import {
  axesOf,
  combinations,
  describePoints,
  type SweepAxis,
  shortNames,
} from '../../scenarios/model/sweep.ts';
import { type ArmView, type CellView, comparisonMarks, figureMarks } from '../cell-view.ts';
import type { Mark } from '../model.ts';
import { type Dimension, describePlace, dimensionOf } from '../words/dimensions.ts';
import {
  formatComparison,
  formatInterval,
  formatOwnFigure,
  formatPercent,
  isKnown,
} from '../words/numbers.ts';

/** A swept setting. */
export interface SweptSetting extends Dimension {
  path: string;
  /** In ascending order if they are numbers, else as listed in the scenario. */
  values: readonly SweepValue[];
  isNumeric: boolean;
}

export interface SweptCell {
  view: CellView;
  /** Value of the setting along the axis, and of the other one, if there is one. */
  x: SweepValue;
  other: SweepValue | undefined;
  /** `round trip 20 ms`. */
  place: string;
  points: readonly SweepPoint[];
}

export interface SweepView {
  name: string;
  question: string;
  /** As listed in the scenario, their values in the order of the axis: to name some of the cells. */
  axes: readonly SweepAxis[];
  /** The setting along the axis of the pictures. */
  x: SweptSetting;
  /** The second setting, each value of which is a line. */
  other: SweptSetting | undefined;
  /** In order of their values. */
  cells: readonly SweptCell[];
  /** Combinations that the run did not reach. */
  missing: readonly (readonly SweepPoint[])[];
  /** In the order in which they were measured. */
  inOrder: readonly (readonly SweepPoint[])[];
  arms: readonly SweptArm[];
}

/** An arm over all cells of the sweep. */
type SweptArm = Pick<ArmView, 'name' | 'label' | 'look' | 'isBaseline'>;

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
  const measured = new Set(cells.map(({ points }) => describePoints(points)));
  return {
    name: scenario.name,
    question: scenario.question,
    axes,
    x: x!,
    other,
    cells,
    missing: combinations(axes).filter(points => !measured.has(describePoints(points))),
    inOrder: views.map(({ result }) => result.sweepPoints),
    arms: armsOf(views),
  };
}

/** The values that the scenario lists, and any others that a stored run contains. */
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

/** The setting along the axis first: the numeric one, then the one with more values. */
function settingsOf(axes: readonly SweepAxis[]): SweptSetting[] {
  const names = shortNames(axes.map(({ path }) => path));
  const settings = axes.map(({ path, values }, index) => ({
    path,
    ...dimensionOf(names[index]!),
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
  return { view, x: at(x) ?? '', other: at(other), place: describePlace(points), points };
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

/** Every load has it; it decides for a sweep over several kinds of load. */
const COMMON: Metric = 'meanUs';

export function decidingMetric({ cells }: Pick<SweepView, 'cells'>): Metric {
  const [first, ...others] = new Set(cells.map(({ view }) => headlineOf(view.result.scenario.load).metric));
  return first === undefined || others.length > 0 ? COMMON : first;
}

/** The metrics on which clients are compared in any of its cells, the deciding one first; then those that summaries also have. */
function metricsOf(sweep: Pick<SweepView, 'cells'>): ExpectedMetric[] {
  const compared = sweep.cells.flatMap(({ view }) => comparedMetrics(view.result.scenario.load));
  const others = METRIC_ORDER.filter(
    metric => !isCompared(metric) && METRIC_TABLE[metric].ofSummary !== undefined,
  );
  return [...new Set([decidingMetric(sweep), ...compared, ...others])];
}

/** A metric as a sweep shows it. */
export interface Measure {
  /** Stable name for machines; ends in its unit, which is that of `read`. */
  key: string;
  title: string;
  /** At an axis and over a column; undefined for plain counts and rates. */
  unit: string | undefined;
  /** Its row in the table of metrics. */
  of: ExpectedMetric;
  /** The metric of its ratios to the baseline; null if clients are not compared on it. */
  metric: Metric | null;
  /** Whether it is estimated over replicates and so has an interval. */
  hasInterval: boolean;
  /** The figure of a client in a cell; null if there is none. A value without an interval is its own bounds. */
  read(arm: ArmView): Interval | null;
  /** The figure of each replicate, if the interval is over replicates. */
  values?(arm: ArmView): number[];
  text(value: Interval): string;
}

function scaled(found: Interval | null, factor: number): Interval | null {
  return found && { value: found.value * factor, low: found.low * factor, high: found.high * factor };
}

export function measureOf(metric: ExpectedMetric): Measure {
  const { columnKey, title, unit, complement } = METRIC_TABLE[metric];
  return {
    key: complement?.columnKey ?? columnKey,
    title: complement?.title ?? title,
    // A title that is itself the unit needs no other.
    unit: unit === title ? undefined : unit,
    of: metric,
    metric: isCompared(metric) ? metric : null,
    text: formatInterval,
    ...readerOf(metric),
  };
}

type Reader = Pick<Measure, 'hasInterval' | 'read'> & Partial<Pick<Measure, 'values' | 'text'>>;

function readerOf(metric: ExpectedMetric): Reader {
  const { factor, interval, complement, ofTrial } = METRIC_TABLE[metric];
  if (isCompared(metric)) {
    return {
      hasInterval: true,
      read: ({ trials }) => scaled(armInterval(metric, trials), factor),
      values: ({ trials }) => replicateValues(metric, trials).map(value => value * factor),
    };
  }
  if (interval.of === 'logarithms') {
    const values = ({ trials }: ArmView): number[] =>
      trials.flatMap(trial => ofTrial(trial) ?? []).map(value => value * factor);
    return { hasInterval: true, read: arm => overReplicates(values(arm)), values };
  }
  if (complement !== undefined) {
    return {
      hasInterval: false,
      read: ({ summary }) => (summary === null ? null : pointAt(summary.errorRatio * factor)),
      text: ({ value }) => formatPercent(value / factor),
    };
  }
  return { hasInterval: false, read: ({ summary }) => scaled(summaryFigure(metric, summary), factor) };
}

/** The measures of a sweep that have something to show: a figure above 0 in some cell. */
export function measuresOf(sweep: SweepView): Measure[] {
  const arms = sweep.cells.flatMap(({ view }) => view.arms);
  return metricsOf(sweep)
    .map(measureOf)
    .filter(measure => arms.some(arm => (measure.read(arm)?.value ?? 0) > 0));
}

/** A figure of one cell. */
export interface SweepFigure {
  cell: SweptCell;
  /** Without width if it is unknown; `text` then lists the values of the replicates. */
  interval: Interval;
  /** As text, without marks and unit. */
  text: string;
  marks: readonly Mark[];
}

/** The figures of a client, cell by cell, where it has one. */
export function armFigures({ cells }: SweepView, arm: string, measure: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const view = cell.view.arms.find(({ name }) => name === arm);
    const interval = view === undefined ? null : measure.read(view);
    if (view === undefined || interval === null) return [];
    const values = measure.values?.(view);
    const text = values === undefined ? measure.text(interval) : formatOwnFigure(interval, values);
    const marks = figureMarks(view, measure.of);
    return [{ cell, interval: drawable(interval), text, marks }];
  });
}

/** The ratios of a client to the baseline, cell by cell. */
export function ratioFigures({ cells }: SweepView, candidate: string, { metric }: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const comparison = cell.view.result.comparisons.find(
      found => found.metric === metric && found.candidate === candidate,
    );
    if (comparison === undefined || comparison.replicateRatios.length === 0) return [];
    if (isSetByLoad(comparison.metric, cell.view.result.scenario.load)) return [];
    // Without an interval, their centre.
    const centre = pointAt(Math.exp(meanOf(comparison.replicateRatios.map(Math.log))));
    return [
      {
        cell,
        interval: drawable(comparison.ratio ?? centre),
        text: formatComparison(comparison),
        marks: comparisonMarks(comparison, cell.view),
      },
    ];
  });
}

/** The clients that are compared with the baseline. */
export function candidatesOf({ arms }: SweepView): string[] {
  return arms.filter(({ isBaseline }) => !isBaseline).map(({ name }) => name);
}

export function baselineOf({ arms }: SweepView): string {
  return arms.find(({ isBaseline }) => isBaseline)?.name ?? '';
}

/** An interval too wide to be useful is dropped: as a band it would dwarf all others. */
function drawable(interval: Interval): Interval {
  return isKnown(interval) ? interval : pointAt(interval.value);
}

/** Whether the interval is known: one that is not has no width. */
export function hasWidth({ low, high }: Interval): boolean {
  return high > low;
}

function pointAt(value: number): Interval {
  return { value, low: value, high: value };
}
