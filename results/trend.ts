// In: the figures of runs, oldest first. Out: how each ratio between arms went from run to run, and since when it is at another level.
import { NULL_ARM } from '../bench/core/null-arm.ts';
import { createRandom } from './random.ts';
import type { Metric } from './model/run.ts';
import { ratioOfRatios } from './change.ts';
import { findChangePoints } from './change-point.ts';
import { isHigherBetter } from './metrics.ts';
import type { CellFigures, RunSummary } from './run-summary.ts';
import { type Interval, studentInterval, toRatio } from './stats.ts';

/** With fewer runs there is nothing that could be called a trend. */
export const LEAST_TREND_RUNS = 6;
/** Two months of nights: what was before them was other code, and no table of it is read. */
export const MOST_TREND_RUNS = 60;

const LEVEL = 0.95;
/** Of the shuffles: the same history gives the same report. */
const SEED = 1;

/** A ratio as one run found it. */
export interface TrendPoint {
  run: RunSummary;
  ratio: Interval;
}

/** A stretch of runs between two changes. */
export interface TrendLevel {
  /** Index of its first point, and of the first point after it. */
  from: number;
  to: number;
  /** Geometric mean of its points, with its 95 % interval by how they vary. */
  ratio: Interval;
}

export interface TrendChange {
  before: TrendLevel;
  after: TrendLevel;
  /** after / before. */
  change: Interval;
  /** Share of shuffled histories in which a split as clear as this was found by chance. */
  p: number;
  isWorse: boolean;
}

/** One metric of an arm against the baseline arm of its cell, in all runs under the same conditions as the newest. */
export interface Trend {
  cell: string;
  baseline: string;
  arm: string;
  metric: Metric;
  /** Whether it is the metric that decides under the load of the cell. */
  isDeciding: boolean;
  /** Oldest first, at least `LEAST_TREND_RUNS`, the newest `MOST_TREND_RUNS` at most. */
  points: readonly TrendPoint[];
  levels: readonly TrendLevel[];
  changes: readonly TrendChange[];
}

/** The trends of all cells and arms that have enough runs, the null arm left out. */
export function findTrends(runs: readonly RunSummary[]): Trend[] {
  const newest = new Map(runs.flatMap(({ cells }) => cells.map(cell => [cell.cell, cell] as const)));
  return [...newest.values()].flatMap(cell =>
    cell.ratios
      .filter(({ candidate }) => candidate !== NULL_ARM)
      .flatMap(ratio => trendOf(ratio, cell, runs) ?? []),
  );
}

/** The newest change for the worse that what came after has not made up for; undefined where there is none. */
export function openWorsening({ changes, metric }: Trend): TrendChange | undefined {
  const worse = changes.findLast(({ isWorse }) => isWorse);
  const now = changes.at(-1)?.after.ratio.value;
  if (worse === undefined || now === undefined) return undefined;
  return now > worse.before.ratio.value !== isHigherBetter(metric) ? worse : undefined;
}

/** The trends that end in a run, which need not be in the history itself; later runs are left out. */
export function findTrendsUpTo(run: RunSummary, history: readonly RunSummary[]): Trend[] {
  const earlier = history.filter(({ startedAt }) => startedAt < run.startedAt);
  return findTrends([...earlier, run]).filter(({ points }) => points.at(-1)?.run === run);
}

type Ratio = CellFigures['ratios'][number];

function trendOf({ candidate, metric }: Ratio, cell: CellFigures, runs: readonly RunSummary[]): Trend | null {
  const points = runs
    .flatMap(run => {
      const ratio = ratioIn(run, { candidate, metric }, cell);
      return ratio === null ? [] : [{ run, ratio }];
    })
    .slice(-MOST_TREND_RUNS);
  if (points.length < LEAST_TREND_RUNS) return null;
  return {
    cell: cell.cell,
    baseline: cell.baseline,
    arm: candidate,
    metric,
    isDeciding: cell.ratios.find(ratio => ratio.candidate === candidate)?.metric === metric,
    points,
    ...levelsOf(points, metric, [cell.cell, candidate, metric]),
  };
}

/** null where the run has none, or one under other conditions, or one whose logarithm is not known. */
function ratioIn(
  run: RunSummary,
  { candidate, metric }: Pick<Ratio, 'candidate' | 'metric'>,
  { cell, conditions, baseline }: CellFigures,
): Interval | null {
  const same = run.cells.find(
    other => other.cell === cell && other.conditions === conditions && other.baseline === baseline,
  );
  const interval = same?.ratios.find(
    ratio => ratio.candidate === candidate && ratio.metric === metric,
  )?.interval;
  return interval != null && interval.low > 0 ? interval : null;
}

/** On logarithms, since a ratio varies in proportion to itself. */
function levelsOf(
  points: readonly TrendPoint[],
  metric: Metric,
  name: readonly string[],
): Pick<Trend, 'levels' | 'changes'> {
  const logs = points.map(({ ratio }) => Math.log(ratio.value));
  const found = findChangePoints(logs, createRandom(SEED, ...name));
  const starts = [0, ...found.map(({ index }) => index)];
  const levels = starts.map((from, at): TrendLevel => {
    const to = starts[at + 1] ?? logs.length;
    return { from, to, ratio: toRatio(studentInterval(logs.slice(from, to), LEVEL)) };
  });
  const changes = found.map(({ p }, at): TrendChange => {
    const [before, after] = [levels[at]!, levels[at + 1]!];
    const change = ratioOfRatios(before.ratio, after.ratio);
    return { before, after, change, p, isWorse: change.value > 1 !== isHigherBetter(metric) };
  });
  return { levels, changes };
}
