// Report of a history of runs: which ratios changed, since when, and how they developed.
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
import { commitPage } from '../results/repository.ts';
import { INTERVAL_NAME } from '../results/stats.ts';
import {
  describeChange,
  formatChance,
  formatLevel,
  isShown,
  trendFigures,
  trendName,
  worseFirst,
} from './charts/trend.ts';
import type { Answer, Report, Table, TableCell } from './model.ts';
import { createTable, figureColumn, keyColumn, linked, nothing, wordColumn, words } from './tables/table.ts';
import { capitalize } from './words/load.ts';
import { formatCount, formatRatio, formatRelativeChange } from './words/numbers.ts';
import { formatDay } from './words/run.ts';

function trendTable(trends: readonly Trend[]): Table {
  return createTable({
    name: 'history',
    title: 'History: clients relative to the baseline client of their scenario, run by run',
    columns: [
      outcomeColumn,
      keyColumn('cell', 'scenario'),
      keyColumn('arm', 'client'),
      keyColumn('metric', 'metric'),
      figureColumn('runs', 'runs'),
      figureColumn('newest', 'newest run'),
      figureColumn('level', 'level'),
      wordColumn('since', 'since'),
      figureColumn('levelBefore', 'level before'),
      figureColumn('change', 'change', INTERVAL_NAME),
      figureColumn('p', 'p'),
    ],
    rows: trends.map(trend => [
      outcomeOf(trend),
      words(trend.cell),
      words(trend.arm),
      words(METRIC_TABLE[trend.metric].title, trend.metric),
      words(formatCount(trend.points.length), trend.points.length),
      words(formatRatio(trend.points.at(-1)!.ratio), { ...trend.points.at(-1)!.ratio }),
      words(formatLevel(trend.levels.at(-1)!.ratio), { ...trend.levels.at(-1)!.ratio }),
      ...changeCells(trend),
    ]),
    notes: [
      `Runs under the same conditions as the newest: at least ${LEAST_TREND_RUNS}, and no more than the newest ${MOST_TREND_RUNS}. A level is the mean over a stretch of runs. A change of level is reported if at most one in a hundred shuffled histories has a split as clear, which takes at least three runs at the new level and ten in total. p is that share.`,
      'The history is for information only; whether a run fails is decided by comparison with the baseline.',
    ],
  });
}

/** The columns from `since` on, for the last change; the chart shows all. */
function changeCells({ points, changes }: Trend): TableCell[] {
  const last = changes.at(-1);
  if (last === undefined) return [nothing, nothing, nothing, nothing];
  const { before, after, change, p } = last;
  const { run } = points[after.from]!;
  return [
    linked(formatDay(run.startedAt), run.git === null ? undefined : commitPage(run.git), run.runId),
    words(formatLevel(before.ratio), { ...before.ratio }),
    words(formatRelativeChange(change), { ...change }),
    words(formatChance(p), p),
  ];
}

/** Of the last change. */
function outcomeOf({ changes }: Trend): TableCell {
  const last = changes.at(-1);
  return last === undefined ? words('no significant change', null) : words(last.isWorse ? 'worse' : 'better');
}

/** First, so that it is seen on a phone too. */
const outcomeColumn = wordColumn('state', 'outcome');

/** A line for each ratio, those that became worse first. */
function briefTable(trends: readonly Trend[]): Table {
  const hasSeveral = new Set(trends.map(({ cell }) => cell)).size > 1;
  return createTable({
    name: 'ratios',
    title: 'Ratios over the runs',
    columns: [
      outcomeColumn,
      keyColumn('figure', 'figure'),
      figureColumn('change', 'change', INTERVAL_NAME),
      wordColumn('since', 'since'),
      figureColumn('newest', 'newest run'),
    ],
    rows: worseFirst(trends).map(trend => {
      const [since, , change] = changeCells(trend);
      const { ratio } = trend.points.at(-1)!;
      return [
        outcomeOf(trend),
        words(`${METRIC_TABLE[trend.metric].title} of ${trend.arm}${hasSeveral ? ` in ${trend.cell}` : ''}`),
        change!,
        since!,
        words(formatRatio(ratio), { ...ratio }),
      ];
    }),
  });
}

/**
 * What trends that end in the gate's run add to its report, and how many of those shown became worse, which the gate's answer must
 * not contradict. Empty if no trend has enough runs.
 */
export function gateHistory(
  { lines }: GateResult,
  trends: readonly Trend[],
): Pick<Report, 'remarks' | 'tables' | 'figures'> & { worseCount: number } {
  const regressions = lines.filter(({ state, kind }) => state === 'regression' && kind === 'ratio');
  const isRegressed = (trend: Trend): boolean => regressions.some(line => isOf(line, trend));
  const shown = trends.filter(trend => isShown(trend) || isRegressed(trend));
  const isWorse = (trend: Trend): boolean => openWorsening(trend) !== undefined;
  return {
    worseCount: shown.filter(isWorse).length,
    remarks: shown.filter(trend => isRegressed(trend) || isWorse(trend)).map(sinceWhen),
    tables: shown.length === 0 ? [] : [trendTable(shown)],
    figures: trendFigures(shown),
  };
}

function isOf({ cell, arm, metric }: GateLine, trend: Trend): boolean {
  return trend.cell === cell && trend.arm === arm && trend.metric === metric;
}

function sinceWhen(trend: Trend): string {
  const worse = openWorsening(trend);
  return worse !== undefined
    ? describeChange(trend, worse)
    : `${capitalize(trendName(trend))}: the regression is not visible in the ${formatCount(trend.points.length)} runs of the history yet, because a change of level needs at least three runs.`;
}

/** @param runs at least one */
export function buildHistoryReport(runs: readonly [RunSummary, ...RunSummary[]]): Report {
  const [oldest] = runs;
  const newest = runs.at(-1)!;
  const trends = findTrends(runs).filter(isShown);
  const remarks = [...changesOf(trends).map(({ text }) => text), ...gapsOf(trends, runs)];
  return {
    title: 'conntax: history of runs',
    runId: newest.runId,
    startedAt: newest.startedAt,
    subtitle: `${runCount(runs.length)}, ${formatDay(oldest.startedAt)} to ${formatDay(newest.startedAt)}, the newest ${newest.runId}`,
    state: 'complete',
    verdict: null,
    answer: historyAnswer(trends, runs.length, remarks),
    limits: null,
    overview: null,
    headline: headlineOf(trends, runs.length),
    remarks,
    brief: trends.length === 0 ? null : briefTable(trends),
    tables: trends.length === 0 ? [] : [trendTable(trends)],
    figures: trendFigures(trends),
    sweeps: [],
    cells: [],
    scenarioCaveats: [],
    checks: [],
    words: [],
    facts: [],
    caveats: [
      'The history shows ratios between clients of the same run, which are comparable between machines; anything that affects all clients equally is not visible in them.',
      'Runs are kept as they were recorded, including those measured under unusual conditions.',
    ],
  };
}

function runCount(count: number): string {
  return count === 1 ? '1 run' : `${formatCount(count)} runs`;
}

function headlineOf(trends: readonly Trend[], count: number): string {
  if (trends.length === 0) {
    return `Too few runs for a trend: ${runCount(count)}; a trend needs ${LEAST_TREND_RUNS} under the same conditions.`;
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

/** In at most 15 words; the headline is the line below it. */
function historyAnswer(trends: readonly Trend[], count: number, notes: readonly string[]): Answer {
  const worse = trends.filter(trend => openWorsening(trend) !== undefined).length;
  const better = trends.filter(({ changes }) => changes.at(-1)?.isWorse === false).length;
  const ratios = `${formatCount(trends.length)} ${trends.length === 1 ? 'ratio' : 'ratios'}`;
  const verdict =
    trends.length === 0
      ? 'Too few runs for a trend'
      : worse > 0
        ? `${formatCount(worse)} of ${ratios} became worse and stayed so`
        : `No change for the worse in ${ratios}`;
  return {
    verdict,
    precision: headlineOf(trends, count),
    context: '',
    badges: [
      ...(worse === 0 ? [] : [{ text: `${worse} worse`, tone: 'doubt' } as const]),
      ...(better === 0 ? [] : [{ text: `${better} improved`, tone: 'good' } as const]),
      { text: runCount(count), tone: 'plain' },
    ],
    notes,
  };
}

/** All changes, the newest first. */
function changesOf(trends: readonly Trend[]): { text: string }[] {
  const describe = (trend: Trend, change: TrendChange) => ({
    text: describeChange(trend, change),
    at: trend.points[change.after.from]!.run.startedAt,
  });
  return trends
    .flatMap(trend => trend.changes.map(change => describe(trend, change)))
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
        `Too few runs for a trend of ${without.join(', ')}; it needs ${LEAST_TREND_RUNS} under the same conditions.`,
      ];
}
