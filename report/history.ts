// In: the runs of a history, oldest first. Out: the report of it: what is at another level than before, since when, and the course.
import type { RunSummary } from '../results/run-summary.ts';
import {
  findTrends,
  LEAST_TREND_RUNS,
  openWorsening,
  type Trend,
  type TrendChange,
} from '../results/trend.ts';
import { relativeChangeText } from './change-text.ts';
import { countText } from './words/numbers.ts';
import type { Report } from './model.ts';
import { dayText } from './run-text.ts';
import { changeSentence, trendName } from './words/trend.ts';
import { isShown } from './history/shown-trends.ts';
import { trendFigure } from './charts/trend.ts';
import { trendTable } from './history/trend-table.ts';

/** @param runs at least one */
export function buildHistoryReport(runs: readonly [RunSummary, ...RunSummary[]]): Report {
  const [oldest] = runs;
  const newest = runs.at(-1)!;
  const trends = findTrends(runs).filter(isShown);
  return {
    title: 'conntax: the history of its runs',
    runId: newest.runId,
    startedAt: newest.startedAt,
    subtitle: `${runCount(runs.length)}, ${dayText(oldest.startedAt)} to ${dayText(newest.startedAt)}, the newest ${newest.runId}`,
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
  return count === 1 ? '1 run' : `${countText(count)} runs`;
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
    const more = others.length === 0 ? '' : ` and ${countText(others.length)} more`;
    const since = dayText(trend.points[change.after.from]!.run.startedAt);
    return `Worse since ${since}: ${trendName(trend)}, by ${relativeChangeText(change.change)}${more}.`;
  }
  const seen = Math.max(...trends.map(({ points }) => points.length));
  const runs = seen === count ? runCount(count) : `the newest ${countText(seen)} of ${runCount(count)}`;
  const none = `No change for the worse in ${countText(trends.length)} ratios over ${runs}.`;
  const better = trends.filter(({ changes }) => changes.at(-1)?.isWorse === false).length;
  return better === 0 ? none : `${none} ${countText(better)} of them improved.`;
}

/** All changes in words, the newest first. */
function changesOf(trends: readonly Trend[]): { text: string }[] {
  const told = (trend: Trend, change: TrendChange) => ({
    text: changeSentence(trend, change),
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
