// History of runs: stored, and searched for changes in the ratios between clients.
import { join } from 'node:path';
import { NULL_ARM } from '../scenarios/model/sweep.ts';
import { type CellFigures, RunSummary } from './baselines.ts';
import { UsageError } from './errors.ts';
import { describeMisfit, readTextFile, replaceFile } from './files.ts';
import { isHigherBetter } from './metrics.ts';
import type { Metric } from './model/run.ts';
import { createRandom, type Random, shuffled } from './random.ts';
import { CONFIDENCE_LEVEL, type Interval, meanOf, ratioOfRatios, studentInterval, toRatio } from './stats.ts';

interface ChangePoint {
  /** Index of the first value of the new level. */
  index: number;
  /** Means of the stretches before and after, up to the neighbouring change points. */
  before: number;
  after: number;
  /** Share of shuffled series in which a split as clear was found by chance. */
  p: number;
}

/** The fewest runs that establish a level, because a single run may be an outlier. */
const MIN_RUNS = 3;
const SHUFFLES = 999;
const MAX_P = 0.01;

/**
 * The change points of a series, by binary segmentation: the split that separates two stretches best is tested against shuffled
 * series (a permutation test, as in E-divisive: D. S. Matteson, N. A. James, 2014); if it is significant, each stretch is searched
 * further. Values should vary equally at any level, so pass the logarithms of ratios.
 */
export function findChangePoints(values: readonly number[], random: Random): ChangePoint[] {
  const starts = segment(values, 0, random).sort((a, b) => a.index - b.index);
  return starts.map(({ index, p }, i) => {
    const from = starts[i - 1]?.index ?? 0;
    const to = starts[i + 1]?.index ?? values.length;
    return { index, p, before: meanOf(values.slice(from, index)), after: meanOf(values.slice(index, to)) };
  });
}

function segment(
  values: readonly number[],
  offset: number,
  random: Random,
): Pick<ChangePoint, 'index' | 'p'>[] {
  const best = bestSplit(values);
  if (best === null) return [];
  let asClear = 0;
  for (let i = 0; i < SHUFFLES; i++) {
    if (bestSplit(shuffled(values, random))!.clearness >= best.clearness) asClear++;
  }
  const p = (asClear + 1) / (SHUFFLES + 1);
  if (p > MAX_P) return [];
  return [
    ...segment(values.slice(0, best.index), offset, random),
    { index: offset + best.index, p },
    ...segment(values.slice(best.index), offset + best.index, random),
  ];
}

/** The split with the greatest difference of means, weighted by the number of runs on either side; null with too few. */
function bestSplit(values: readonly number[]): { index: number; clearness: number } | null {
  const n = values.length;
  if (n < 2 * MIN_RUNS) return null;
  const total = values.reduce((sum, value) => sum + value, 0);
  let best = { index: 0, clearness: -1 };
  let left = 0;
  for (let index = 1; index <= n - MIN_RUNS; index++) {
    left += values[index - 1]!;
    if (index < MIN_RUNS) continue;
    const apart = Math.abs(left / index - (total - left) / (n - index));
    const clearness = apart * Math.sqrt((index * (n - index)) / n);
    if (clearness > best.clearness) best = { index, clearness };
  }
  return best;
}

/** The fewest runs that make a trend. */
export const MIN_TREND_RUNS = 6;
/** Two months of nightly runs; older ones are ignored. */
export const MAX_TREND_RUNS = 60;

/** Seed of the shuffles, fixed so that the same history gives the same report. */
const SEED = 1;

/** A ratio in one run. */
interface TrendPoint {
  run: RunSummary;
  ratio: Interval;
}

/** A stretch of runs between two changes. */
export interface TrendLevel {
  /** Index of its first point, and of the first point after it. */
  from: number;
  to: number;
  /** Geometric mean of its points, with a 95 % interval from their variation. */
  ratio: Interval;
}

export interface TrendChange {
  before: TrendLevel;
  after: TrendLevel;
  /** after / before. */
  change: Interval;
  /** Share of shuffled histories in which a split as clear was found by chance. */
  p: number;
  isWorse: boolean;
}

/** The ratio of a client to the baseline client of its cell on one metric, in all runs under the same conditions as the newest. */
export interface Trend {
  cell: string;
  baseline: string;
  arm: string;
  metric: Metric;
  /** Whether it is the metric that decides under the load of the cell. */
  isDeciding: boolean;
  /** Oldest first; at least `MIN_TREND_RUNS` and at most the newest `MAX_TREND_RUNS`. */
  points: readonly TrendPoint[];
  levels: readonly TrendLevel[];
  changes: readonly TrendChange[];
}

/** The trends of all cells and clients with enough runs, except for the null arm. */
export function findTrends(runs: readonly RunSummary[]): Trend[] {
  const newest = new Map(runs.flatMap(({ cells }) => cells.map(cell => [cell.cell, cell] as const)));
  return [...newest.values()].flatMap(cell =>
    cell.ratios
      .filter(({ candidate }) => candidate !== NULL_ARM)
      .flatMap(ratio => trendOf(ratio, cell, runs) ?? []),
  );
}

/** The newest change for the worse that later changes have not made up for; undefined if there is none. */
export function openWorsening({ changes, metric }: Trend): TrendChange | undefined {
  const worse = changes.findLast(({ isWorse }) => isWorse);
  const now = changes.at(-1)?.after.ratio.value;
  if (worse === undefined || now === undefined) return undefined;
  return now > worse.before.ratio.value !== isHigherBetter(metric) ? worse : undefined;
}

/** The trends that end in a run, which need not be in the history itself; later runs are ignored. */
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
    .slice(-MAX_TREND_RUNS);
  if (points.length < MIN_TREND_RUNS) return null;
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

/** null if the run has none, or only under different conditions, or its lower bound is 0. */
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

/** On logarithms, because a ratio varies in proportion to its size. */
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
    return { from, to, ratio: toRatio(studentInterval(logs.slice(from, to), CONFIDENCE_LEVEL)) };
  });
  const changes = found.map(({ p }, at): TrendChange => {
    const [before, after] = [levels[at]!, levels[at + 1]!];
    const change = ratioOfRatios(before.ratio, after.ratio);
    return { before, after, change, p, isWorse: change.value > 1 !== isHigherBetter(metric) };
  });
  return { levels, changes };
}

const FILE = 'history.ndjson';

/** Adds a run unless the history has it already. The file is replaced as a whole, so it is never half written. */
export function appendHistory(resultsDir: string, summary: RunSummary): void {
  const history = readHistory(resultsDir);
  if (history.some(({ runId }) => runId === summary.runId)) return;
  const lines = [...history, summary].map(one => `${JSON.stringify(one)}\n`);
  replaceFile(join(resultsDir, FILE), lines.join(''));
}

/** All runs, oldest first; empty if there is no file. @throws UsageError naming the line that is invalid. */
export function readHistory(resultsDir: string): RunSummary[] {
  const file = join(resultsDir, FILE);
  const lines = (readTextFile(file) ?? '').split('\n');
  const runs = lines.flatMap((line, index) =>
    line === '' ? [] : [parseLine(line, `${file}, line ${index + 1}`)],
  );
  return runs.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

function parseLine(line: string, place: string): RunSummary {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    // The schema refuses it, too.
  }
  const parsed = RunSummary.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    describeMisfit(place, parsed.error.issues[0], {
      run: content,
      otherwise: 'is not a run of conntax (remove the line or the file)',
    }),
  );
}
