// In: the runs of a history, oldest first. Out: the report of it: what is at another level than before, since when, and the course.
import type { RunSummary } from '../results/baselines.ts';
import type { GateLine, GateResult } from '../results/gate.ts';
import {
  findTrends,
  LEAST_TREND_RUNS,
  MOST_TREND_RUNS,
  openWorsening,
  type Trend,
  type TrendChange,
} from '../results/history.ts';
import { METRIC_TABLE } from '../results/metrics.ts';
import {
  describeChange,
  formatChance,
  formatLevel,
  isShown,
  trendFigure,
  trendName,
} from './charts/trend.ts';
import type { Report, Table, TableCell } from './model.ts';
import { createTable, figureColumn, keyColumn, nothing, wordColumn, words } from './tables/table.ts';
import { capitalize } from './words/load.ts';
import { formatCount, formatRatio, formatRelativeChange } from './words/numbers.ts';
import { formatDay } from './words/run.ts';

// From trends. Out: the table of them: a row each, with the level that it is at, since when, and the level before.

function trendTable(trends: readonly Trend[]): Table {
  return createTable({
    name: 'history',
    title: 'The history: arms against the baseline arm of their cell, run by run',
    columns: [
      keyColumn('cell', 'cell'),
      keyColumn('arm', 'arm'),
      keyColumn('metric', 'metric'),
      figureColumn('runs', 'runs'),
      figureColumn('newest', 'newest run'),
      figureColumn('level', 'level'),
      wordColumn('since', 'since'),
      figureColumn('levelBefore', 'level before'),
      figureColumn('change', 'change', '95 % interval'),
      figureColumn('p', 'p'),
      wordColumn('state', 'outcome'),
    ],
    rows: trends.map(trend => [
      words(trend.cell),
      words(trend.arm),
      words(METRIC_TABLE[trend.metric].title, trend.metric),
      words(formatCount(trend.points.length), trend.points.length),
      words(formatRatio(trend.points.at(-1)!.ratio), { ...trend.points.at(-1)!.ratio }),
      words(formatLevel(trend.levels.at(-1)!.ratio), { ...trend.levels.at(-1)!.ratio }),
      ...changeCells(trend),
    ]),
    notes: [
      `Runs under the same conditions as the newest, ${LEAST_TREND_RUNS} at least, the newest ${MOST_TREND_RUNS} at most. A level is the mean over a stretch of runs. A change of level is told where at most one in a hundred shuffled histories has a split as clear: three runs at the new level at least, and ten or more in all. p is that share.`,
      'The history informs and fails nothing: what fails is held against the baseline.',
    ],
  });
}

/** From `since` on; of the last change only, for the chart has them all. */
function changeCells({ points, changes }: Trend): TableCell[] {
  const last = changes.at(-1);
  if (last === undefined) return [nothing, nothing, nothing, nothing, words('no change shown', null)];
  const { before, after, change, p, isWorse } = last;
  const { run } = points[after.from]!;
  return [
    words(formatDay(run.startedAt), run.runId),
    words(formatLevel(before.ratio), { ...before.ratio }),
    words(formatRelativeChange(change), { ...change }),
    words(formatChance(p), p),
    words(isWorse ? 'worse' : 'better'),
  ];
}

// From a gate and the trends that end in its run. Out: what they add to its report: since when it has been slower, and the course.

/** Nothing where no trend has enough runs. */
export function gateHistory(
  { lines }: GateResult,
  trends: readonly Trend[],
): Pick<Report, 'remarks' | 'tables' | 'figures'> {
  const regressions = lines.filter(({ state, kind }) => state === 'regression' && kind === 'ratio');
  const isRegressed = (trend: Trend): boolean => regressions.some(line => isOf(line, trend));
  const shown = trends.filter(trend => isShown(trend) || isRegressed(trend));
  return {
    remarks: shown.filter(isRegressed).map(sinceWhen),
    tables: shown.length === 0 ? [] : [trendTable(shown)],
    figures: shown.map(trendFigure),
  };
}

function isOf({ cell, arm, metric }: GateLine, trend: Trend): boolean {
  return trend.cell === cell && trend.arm === arm && trend.metric === metric;
}

function sinceWhen(trend: Trend): string {
  const worse = openWorsening(trend);
  return worse !== undefined
    ? describeChange(trend, worse)
    : `${capitalize(trendName(trend))}: the ${formatCount(trend.points.length)} runs of the history show no change for the worse yet; a new level is told after three runs at least.`;
}

/** @param runs at least one */
export function buildHistoryReport(runs: readonly [RunSummary, ...RunSummary[]]): Report {
  const [oldest] = runs;
  const newest = runs.at(-1)!;
  const trends = findTrends(runs).filter(isShown);
  return {
    title: 'conntax: the history of its runs',
    runId: newest.runId,
    startedAt: newest.startedAt,
    subtitle: `${runCount(runs.length)}, ${formatDay(oldest.startedAt)} to ${formatDay(newest.startedAt)}, the newest ${newest.runId}`,
    state: 'complete',
    verdict: null,
    headline: headlineOf(trends, runs.length),
    remarks: [...changesOf(trends).map(({ text }) => text), ...gapsOf(trends, runs)],
    tables: trends.length === 0 ? [] : [trendTable(trends)],
    figures: trends.map(trendFigure),
    sweeps: [],
    cells: [],
    checks: [],
    facts: [],
    caveats: [
      'Ratios between arms of the same run are shown, since machines agree on them; what hits all arms alike is not in them.',
      'A run is as it was when it was added: one that was measured in a bad night is in it too.',
    ],
  };
}

function runCount(count: number): string {
  return count === 1 ? '1 run' : `${formatCount(count)} runs`;
}

function headlineOf(trends: readonly Trend[], count: number): string {
  if (trends.length === 0) {
    return `Too few for a trend: ${runCount(count)}, and a trend takes ${LEAST_TREND_RUNS} under the same conditions.`;
  }
  const [worst, ...others] = trends
    .flatMap(trend => {
      const change = openWorsening(trend);
      return change === undefined ? [] : [{ trend, change }];
    })
    .toSorted(
      (a, b) => Math.abs(Math.log(b.change.change.value)) - Math.abs(Math.log(a.change.change.value)),
    );
  if (worst !== undefined) {
    const { trend, change } = worst;
    const more = others.length === 0 ? '' : ` and ${formatCount(others.length)} more`;
    const since = formatDay(trend.points[change.after.from]!.run.startedAt);
    return `Worse since ${since}: ${trendName(trend)}, by ${formatRelativeChange(change.change)}${more}.`;
  }
  const seen = Math.max(...trends.map(({ points }) => points.length));
  const runs = seen === count ? runCount(count) : `the newest ${formatCount(seen)} of ${runCount(count)}`;
  const none = `No change for the worse in ${formatCount(trends.length)} ratios over ${runs}.`;
  const better = trends.filter(({ changes }) => changes.at(-1)?.isWorse === false).length;
  return better === 0 ? none : `${none} ${formatCount(better)} of them improved.`;
}

/** All changes in words, the newest first. */
function changesOf(trends: readonly Trend[]): { text: string }[] {
  const told = (trend: Trend, change: TrendChange) => ({
    text: describeChange(trend, change),
    at: trend.points[change.after.from]!.run.startedAt,
  });
  return trends
    .flatMap(trend => trend.changes.map(change => told(trend, change)))
    .toSorted((a, b) => (a.at > b.at ? -1 : 1));
}

/** Cells that have no trend yet, while others have one. */
function gapsOf(trends: readonly Trend[], runs: readonly RunSummary[]): string[] {
  if (trends.length === 0) return [];
  const all = new Set(runs.flatMap(({ cells }) => cells.map(({ cell }) => cell)));
  const without = [...all].filter(name => trends.every(({ cell }) => cell !== name));
  return without.length === 0
    ? []
    : [
        `Too few runs for a trend of ${without.join(', ')}: it takes ${LEAST_TREND_RUNS} under the same conditions.`,
      ];
}
