// In: a sweep. Out: what it is looked at for: every compared metric, then the target's CPU, connections and errors.
import type { Metric } from '../../results/model/run.ts';
import { armInterval, replicateValues } from '../../results/arm-interval.ts';
import { type Interval, overReplicates } from '../../results/stats.ts';
import type { ArmView } from '../cell-view.ts';
import { METRIC_TITLES } from '../metrics.ts';
import { intervalText, percentText } from '../words/numbers.ts';
import type { Mark } from '../model.ts';
import { metricsOf } from './deciding.ts';
import type { SweepView } from './view.ts';

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
  /** Of an arm's marks, those that touch this figure. */
  marksOf(arm: ArmView): readonly Mark[];
}

/** Figures that the client's own speed does not bound are not marked for it. */
function soundMarks({ marks }: ArmView): readonly Mark[] {
  return marks.filter(mark => mark !== 'clientBound');
}

function scaled({ value, low, high }: Interval, factor: number): Interval {
  return { value: value * factor, low: low * factor, high: high * factor };
}

function point(value: number): Interval {
  return { value, low: value, high: value };
}

/** A metric's name ends in its unit; times are shown in ms, CPU per request in µs; a rate may have its unit in its title. */
function shownUnit(metric: Metric): { key: string; unit: string | undefined; factor: number } {
  if (metric.endsWith('UsPerRequest')) return { key: metric, unit: 'µs', factor: 1 };
  if (metric.endsWith('Us')) return { key: `${metric.slice(0, -2)}Ms`, unit: 'ms', factor: 1 / 1_000 };
  const isRate = metric.endsWith('PerSec') && !METRIC_TITLES[metric].endsWith('/s');
  return { key: metric, unit: isRate ? 'requests/s' : undefined, factor: 1 };
}

export function metricMeasure(metric: Metric): Measure {
  const { key, unit, factor } = shownUnit(metric);
  return {
    key,
    title: METRIC_TITLES[metric],
    unit,
    metric,
    hasInterval: true,
    read({ trials }) {
      const interval = armInterval(metric, trials);
      return interval === null ? null : scaled(interval, factor);
    },
    values: ({ trials }) => replicateValues(metric, trials).map(value => value * factor),
    text: intervalText,
    marksOf: ({ marks }) => marks,
  };
}

function targetCpus(trials: ArmView['trials']): number[] {
  return trials.flatMap(({ measurement: { target } }) => (target === null ? [] : [target.cpuUsPerRequest]));
}

/** What arms are not compared on. */
const OTHER_MEASURES: readonly Measure[] = [
  {
    key: 'targetCpuUsPerRequest',
    title: 'target CPU per request',
    unit: 'µs',
    metric: null,
    hasInterval: true,
    read: ({ trials }) => overReplicates(targetCpus(trials)),
    values: ({ trials }) => targetCpus(trials),
    text: intervalText,
    marksOf: soundMarks,
  },
  {
    key: 'connectionsPer1000Count',
    title: 'connections per 1,000 requests',
    unit: undefined,
    metric: null,
    hasInterval: false,
    read: ({ summary }) =>
      summary === null || summary.requestsSent === 0 || summary.openedBy === 'unknown'
        ? null
        : point((summary.opened / summary.requestsSent) * 1_000),
    text: intervalText,
    marksOf: soundMarks,
  },
  {
    key: 'errorPercent',
    title: 'error rate',
    unit: '%',
    metric: null,
    hasInterval: false,
    read: ({ summary }) => (summary === null ? null : point(summary.errorRatio * 100)),
    text: ({ value }) => percentText(value / 100),
    marksOf: soundMarks,
  },
];

/** The one that decides under the sweep's load first; of all those that have something to show: a figure above 0 somewhere. */
export function measuresOf(sweep: SweepView): Measure[] {
  const arms = sweep.cells.flatMap(({ view }) => view.arms);
  return [...metricsOf(sweep).map(metricMeasure), ...OTHER_MEASURES].filter(measure =>
    arms.some(arm => (measure.read(arm)?.value ?? 0) > 0),
  );
}
