// In: trends. Out: the table of them: a row each, with the level that it is at, since when, and the level before.
import type { Trend } from '../../results/trend.ts';
import { LEAST_TREND_RUNS, MOST_TREND_RUNS } from '../../results/trend.ts';
import { relativeChangeText } from '../change-text.ts';
import { METRIC_TITLES } from '../metrics.ts';
import { countText, ratioText } from '../words/numbers.ts';
import type { Table, TableCell } from '../model.ts';
import { dayText } from '../run-text.ts';
import { createTable, figureColumn, keyColumn, nothing, wordColumn, words } from '../tables/table.ts';
import { chanceText, levelText } from '../words/trend.ts';

export function trendTable(trends: readonly Trend[]): Table {
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
      words(METRIC_TITLES[trend.metric], trend.metric),
      words(countText(trend.points.length), trend.points.length),
      words(ratioText(trend.points.at(-1)!.ratio), { ...trend.points.at(-1)!.ratio }),
      words(levelText(trend.levels.at(-1)!.ratio), { ...trend.levels.at(-1)!.ratio }),
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
    words(dayText(run.startedAt), run.runId),
    words(levelText(before.ratio), { ...before.ratio }),
    words(relativeChangeText(change), { ...change }),
    words(chanceText(p), p),
    words(isWorse ? 'worse' : 'better'),
  ];
}
