// Report of a history of runs: which ratios changed, since when, and how they developed.
import type { RunSummary } from '../results/baselines.ts';
import { joinWords } from '../results/figures.ts';
import type { GateResult } from '../results/gate.ts';
import {
  findTrends,
  MAX_TREND_RUNS,
  MIN_TREND_RUNS,
  openWorsening,
  type Trend,
  type TrendChange,
} from '../results/history.ts';
import { METRIC_TABLE } from '../results/metrics.ts';
import { commitPage } from '../results/repository.ts';
import { INTERVAL_NAME, type Interval } from '../results/stats.ts';
import {
  describeChange,
  describeDifferences,
  formatChance,
  formatLevel,
  isShown,
  trendFigures,
  trendName,
  worseFirst,
} from './charts/trend.ts';
import { type Answer, type Badge, type Report, type Table, type TableCell, WITHOUT_CELLS } from './model.ts';
import {
  countCell,
  figureColumn,
  keyColumn,
  linked,
  nothing,
  type ReadColumn,
  tabulate,
  withoutInterval,
  wordColumn,
  words,
} from './tables/table.ts';
import {
  describeMove,
  formatCount,
  formatQuantity,
  formatRatio,
  formatRelativeChange,
} from './words/numbers.ts';
import { formatDay } from './words/run.ts';
import { capitalize, compact, listFacts } from './words/text.ts';

/** First, so that it is seen on a phone too. */
const outcomeColumn: ReadColumn<Trend> = [
  wordColumn('state', 'outcome'),
  ({ changes }) => {
    const last = changes.at(-1);
    return last === undefined
      ? words('no significant change', null)
      : words(last.isWorse ? 'worse' : 'better');
  },
];

/** A column that reads the last change; the chart shows all. */
function lastChange(read: (last: TrendChange, trend: Trend) => TableCell) {
  return (trend: Trend): TableCell => {
    const last = trend.changes.at(-1);
    return last === undefined ? nothing : read(last, trend);
  };
}

const sinceColumn: ReadColumn<Trend> = [
  wordColumn('since', 'since'),
  lastChange(({ after }, { points }) => {
    const { startedAt, git, runId } = points[after.from]!.run;
    return linked(formatDay(startedAt), git === null ? undefined : commitPage(git), runId);
  }),
];
const changeColumn: ReadColumn<Trend> = [
  figureColumn('change', 'change', INTERVAL_NAME),
  lastChange(({ change }) => words(formatRelativeChange(change), { ...change })),
];
const levelColumn: ReadColumn<Trend> = [
  figureColumn('level', 'level'),
  ({ levels }) => levelCell(levels.at(-1)!.ratio),
];

function levelCell(level: Interval): TableCell {
  return words(formatLevel(level), { ...level });
}

function trendTable(trends: readonly Trend[]): Table {
  return tabulate(trends, {
    name: 'history',
    title: 'History: clients relative to the baseline client of their scenario, run by run',
    columns: [
      outcomeColumn,
      [keyColumn('cell', 'scenario'), ({ cell }) => words(cell)],
      [keyColumn('arm', 'client'), ({ arm }) => words(arm)],
      [keyColumn('metric', 'metric'), ({ metric }) => words(METRIC_TABLE[metric].title, metric)],
      [figureColumn('runs', 'runs'), ({ points }) => countCell(points.length)],
      [figureColumn('newest', 'newest run'), newestCell],
      levelColumn,
      sinceColumn,
      [figureColumn('levelBefore', 'level before'), lastChange(({ before }) => levelCell(before.ratio))],
      changeColumn,
      [figureColumn('p', 'p'), lastChange(({ p }) => words(formatChance(p), p))],
    ],
    notes: [
      `Runs under the same conditions as the newest: at least ${MIN_TREND_RUNS}, and no more than the newest ${MAX_TREND_RUNS}. A level is the mean over a stretch of runs. A change of level is reported if at most one in a hundred shuffled histories has a split as clear, which takes at least three runs at the new level and ten in total. p is that share.`,
      'The history is for information only; whether a run fails is decided by comparison with the baseline.',
    ],
  });
}

function newestCell({ points }: Trend): TableCell {
  const { ratio } = points.at(-1)!;
  return words(formatRatio(ratio), { ...ratio });
}

/** A line for each ratio, those that became worse first. */
function briefTable(trends: readonly Trend[]): Table {
  const hasSeveral = new Set(trends.map(({ cell }) => cell)).size > 1;
  return tabulate(worseFirst(trends), {
    name: 'ratios',
    title: 'Ratios over the runs',
    columns: [
      outcomeColumn,
      [
        keyColumn('figure', 'figure'),
        ({ metric, arm, cell }) =>
          words(`${METRIC_TABLE[metric].title} of ${arm}${hasSeveral ? ` in ${cell}` : ''}`),
      ],
      changeColumn,
      sinceColumn,
      levelColumn,
      [figureColumn('newest', 'newest run'), trend => withoutInterval(newestCell(trend))],
    ],
    notes: [
      `× is a ratio: the figure divided by that of ${joinWords([...new Set(trends.map(({ baseline }) => baseline))])}, the baseline client, in the same run, so that machines of unlike speed can be compared. The level is its mean since the last change.`,
    ],
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
  const isRegressed = ({ cell, arm, metric }: Trend): boolean =>
    regressions.some(line => line.cell === cell && line.arm === arm && line.metric === metric);
  const shown = trends.filter(trend => isShown(trend) || isRegressed(trend));
  const isWorse = (trend: Trend): boolean => openWorsening(trend) !== undefined;
  return {
    worseCount: shown.filter(isWorse).length,
    remarks: shown.filter(trend => isRegressed(trend) || isWorse(trend)).map(sinceWhen),
    tables: shown.length === 0 ? [] : [trendTable(shown)],
    figures: trendFigures(shown),
  };
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
  return {
    ...WITHOUT_CELLS,
    title: 'conntax: history of runs',
    runId: newest.runId,
    startedAt: newest.startedAt,
    subtitle: `${formatQuantity(runs.length, 'run')}, ${formatDay(oldest.startedAt)} to ${formatDay(newest.startedAt)}, the newest ${newest.runId}`,
    state: 'complete',
    verdict: null,
    answer: historyAnswer(trends, runs),
    headline: headlineOf(trends, runs),
    remarks: compact([...changesOf(trends), describeGaps(trends, runs)]),
    brief: trends.length === 0 ? null : briefTable(trends),
    tables: trends.length === 0 ? [] : [trendTable(trends)],
    figures: trendFigures(trends),
    words: trends.length === 0 ? [] : WORDS,
    caveats: [
      'The history shows ratios between clients of the same run, which are comparable between machines; anything that affects all clients equally is not visible in them.',
      'Runs are kept as they were recorded, including those measured under unusual conditions.',
    ],
  };
}

/** For a reader of the page alone. */
const WORDS = listFacts({
  Ratio: "A client's figure divided by that of the baseline client, both measured in turns in the same run.",
  Level: 'The mean of a ratio over the runs between two changes.',
  [INTERVAL_NAME]:
    'Where the true change lies, as far as the runs of both levels agree; few or unequal ones make it wide.',
  p: 'The share of shuffled histories in which runs before and after differ as clearly: how easily chance alone does it.',
});

/** A change that still holds. */
interface Finding {
  trend: Trend;
  change: TrendChange;
}

/** What became worse and was not made up for, the largest change first; else what improved. */
function findingsOf(trends: readonly Trend[]): { worse: Finding[]; better: Finding[] } {
  const size = ({ change: { change } }: Finding): number => Math.abs(Math.log(change.value));
  const sorted = (findings: Finding[]): Finding[] => findings.toSorted((a, b) => size(b) - size(a));
  return {
    worse: sorted(
      trends.flatMap(trend => {
        const change = openWorsening(trend);
        return change === undefined ? [] : [{ trend, change }];
      }),
    ),
    better: sorted(
      trends.flatMap(trend => {
        const change = trend.changes.at(-1);
        return change === undefined || change.isWorse ? [] : [{ trend, change }];
      }),
    ),
  };
}

function dayOf({ trend, change }: Finding): string {
  return formatDay(trend.points[change.after.from]!.run.startedAt);
}

/** All in a sentence or two, for machines. */
function headlineOf(trends: readonly Trend[], runs: readonly RunSummary[]): string {
  const { worse, better } = findingsOf(trends);
  const [worst, ...others] = worse;
  if (worst !== undefined) {
    const { move, bounds } = describeMove(worst.change.change);
    const more = others.length === 0 ? '' : `, and ${formatCount(others.length)} more became worse`;
    return `${capitalize(trendName(worst.trend))} ${move} (${bounds}) on ${dayOf(worst)}${more}.`;
  }
  return compact([
    `${describeNone(trends)} ${describeRuns(trends, runs)}.`,
    better.length > 0 && `${formatCount(better.length)} of them improved.`,
  ]).join(' ');
}

function describeNone(trends: readonly Trend[]): string {
  const ratios = formatQuantity(trends.length, 'ratio');
  return trends.length === 0 ? 'Too few runs for a trend:' : `No change for the worse in ${ratios}`;
}

/** What was looked through; without a trend, how many it takes. */
function describeRuns(trends: readonly Trend[], { length }: readonly RunSummary[]): string {
  if (trends.length === 0)
    return `${formatQuantity(length, 'run')}; a trend needs ${MIN_TREND_RUNS} under the same conditions`;
  const seen = Math.max(...trends.map(({ points }) => points.length));
  return `over ${seen === length ? formatQuantity(length, 'run') : `the newest ${formatCount(seen)} of ${formatQuantity(length, 'run')}`}`;
}

/** The largest change in at most 15 words, how sure it is, and what came with it; all other changes are notes. */
function historyAnswer(trends: readonly Trend[], runs: readonly RunSummary[]): Answer {
  const { worse, better } = findingsOf(trends);
  const main = worse[0] ?? better[0];
  const others = changesOf(trends, main?.change);
  const worseOf = `${worse.length} of ${formatCount(trends.length)} ratios worse`;
  const badges: Badge[] = compact([
    main !== undefined && { text: worseOf, tone: worse.length === 0 ? 'plain' : 'doubt' },
    better.length > 0 && { text: `${better.length} improved`, tone: 'good' },
  ]);
  return {
    ...(main === undefined ? describeQuiet(trends, runs) : describeFinding(main, worse.length - 1)),
    badges,
    notes: compact([...others, describeGaps(trends, runs)]),
  };
}

const WHAT_RATIO_IS =
  ' A ratio is the figure of a client divided by that of the baseline client of its scenario, in the same run.';

type Worded = Pick<Answer, 'verdict' | 'precision' | 'context'>;

function describeQuiet(trends: readonly Trend[], runs: readonly RunSummary[]): Worded {
  return {
    verdict: describeNone(trends).replace(/:$/, ''),
    precision: `${capitalize(describeRuns(trends, runs))}.${trends.length === 0 ? '' : WHAT_RATIO_IS}`,
    context: '',
  };
}

/** @param more how many others became worse; -1 if none did */
function describeFinding(finding: Finding, more: number): Worded {
  const { trend, change } = finding;
  const { metric, arm, baseline, cell } = trend;
  const { before, after, isWorse, p } = change;
  const { move, bounds } = describeMove(change.change);
  const figure = `${METRIC_TABLE[metric].title} of ${arm}`;
  const chance = formatCount(Math.round(p * SHUFFLED));
  return {
    verdict: `${isWorse ? capitalize(figure) : `Improved: ${figure}`} ${move} on ${dayOf(finding)}${more > 0 ? `; ${formatCount(more)} more worse` : ''}`,
    precision: [
      `Relative to ${baseline}, the baseline client of ${cell}: ${formatLevel(before.ratio)} before, ${formatLevel(after.ratio)} since.`,
      `${INTERVAL_NAME} of the change: ${bounds}; chance alone shows one as clear in ${chance} of ${formatCount(SHUFFLED)} shuffled histories (p = ${formatChance(p)}).`,
    ].join(' '),
    context: describeDifferences(trend, change),
  };
}

/** The number that p is said of. */
const SHUFFLED = 1_000;

/** All changes, the newest first. @param except one that is said already */
function changesOf(trends: readonly Trend[], except?: TrendChange): string[] {
  const describe = (trend: Trend, change: TrendChange) => ({
    text: describeChange(trend, change),
    at: trend.points[change.after.from]!.run.startedAt,
  });
  return trends
    .flatMap(trend =>
      trend.changes.filter(change => change !== except).map(change => describe(trend, change)),
    )
    .toSorted((a, b) => (a.at > b.at ? -1 : 1))
    .map(({ text }) => text);
}

/** Cells that have no trend yet, while others have one. */
function describeGaps(trends: readonly Trend[], runs: readonly RunSummary[]): string | false {
  const all = new Set(runs.flatMap(({ cells }) => cells.map(({ cell }) => cell)));
  const without = [...all].filter(name => trends.every(({ cell }) => cell !== name));
  return (
    trends.length > 0 &&
    without.length > 0 &&
    `Too few runs for a trend of ${without.join(', ')}; it needs ${MIN_TREND_RUNS} under the same conditions.`
  );
}
