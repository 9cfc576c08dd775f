// Charts and sentences of trends: ratios run by run with their intervals, their levels, and where they changed.

import type { TopLevelSpec } from 'vega-lite';
import type { RunSummary } from '../../results/baselines.ts';
import type { Trend, TrendChange } from '../../results/history.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import { commitPage } from '../../results/repository.ts';
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import type { Figure, SmallFigure, Table, TableCell } from '../model.ts';
import { figureColumn, keyColumn, linked, nothing, tabulate, wordColumn, words } from '../tables/table.ts';
import { describeMove, formatRatio, roundInterval } from '../words/numbers.ts';
import { formatCommit, formatDay } from '../words/run.ts';
import { capitalize } from '../words/text.ts';
import {
  armColour,
  either,
  extentOf,
  figureAxis,
  figureLayer,
  framed,
  INK,
  type Layer,
  MUTED,
  quantity,
  silentLayer,
  tippedLayer,
  WORSE,
  within,
  type X,
} from './theme.ts';

/** Whether reports always show it: the deciding metric, and CPU time, which is the least noisy. */
export function isShown({ isDeciding, metric }: Pick<Trend, 'isDeciding' | 'metric'>): boolean {
  return isDeciding || METRIC_TABLE[metric].isAlwaysInTrends === true;
}

/** `requests/s of persistent in ci-reuse`. */
export function trendName({ metric, arm, cell }: Pick<Trend, 'metric' | 'arm' | 'cell'>): string {
  return `${METRIC_TABLE[metric].title} of ${arm} in ${cell}`;
}

/** `5.10×`, to the digits that its interval supports. */
export function formatLevel(ratio: Interval): string {
  return `${roundInterval(ratio, 1).value}×`;
}

/** `0.002`. */
export function formatChance(p: number): string {
  return p.toFixed(3);
}

/**
 * `Requests/s of persistent in ci-reuse fell by 9.8 % (8.1 to 11.5 %, p = 0.002) on 2026-11-20, from 5.10× to 4.60× that of short, in
 * run R. Changed since the previous run: undici 8.11.0 to 8.12.4.`
 */
export function describeChange(trend: Trend, change: TrendChange): string {
  const { before, after, p } = change;
  const { run } = trend.points[after.from]!;
  const { move, bounds } = describeMove(change.change);
  return [
    `${capitalize(trendName(trend))} ${move} (${bounds}, p = ${formatChance(p)}) on ${formatDay(run.startedAt)},`,
    `from ${formatLevel(before.ratio)} to ${formatLevel(after.ratio)} that of ${trend.baseline}, in run ${run.runId}.`,
    describeDifferences(trend, change),
  ].join(' ');
}

/** What the first run of the new level has that the one before had not. */
export function describeDifferences({ points }: Trend, { after }: TrendChange): string {
  const known = new Map(listTraits(points[after.from - 1]!.run));
  const differences = listTraits(points[after.from]!.run).flatMap(([name, value]) => {
    const old = known.get(name);
    return old === undefined || old === value ? [] : [`${name} ${old} to ${value}`];
  });
  return differences.length === 0
    ? 'Nothing that conntax records changed since the previous run.'
    : `Changed since the previous run: ${differences.join(', ')}.`;
}

/** What a run records about its code and machine, by name. */
function listTraits({ git, conntax, host }: RunSummary): [name: string, value: string][] {
  return [
    ...(git === null ? [] : [['commit', formatCommit(git)] as [string, string]]),
    ['conntax', conntax],
    ...Object.entries(host.packages),
    ['Node', host.node],
    ['kernel', host.kernel],
    ['CPU', `${host.cpuModel} with ${host.cpuCount} cores`],
  ];
}

const HEIGHT_PX = 190;
/** A band may reach beyond all figures by this factor; a change of level is often only a few per cent. */
const WIDEST_BAND = 1.15;
/** The most days at the axis. */
const MAX_TICKS = 4;

/** Those that became worse first, all over the same runs. */
export function trendFigures(trends: readonly Trend[]): Figure[] {
  const runs = [...new Set(trends.flatMap(({ points }) => points.map(({ run }) => run)))].toSorted((a, b) =>
    a.startedAt < b.startedAt ? -1 : 1,
  );
  return worseFirst(trends).map(trend => ({
    name: [trend.cell, trend.arm, trend.metric].join('/'),
    section: 'course',
    title: capitalize(trendName(trend)),
    caption: captionOf(trend),
    spec: drawTrend(trend, runs),
    table: tabulateTrend(trend),
    small: smallOf(trend),
  }));
}

/** By the last change: for the worse, for the better, none. */
export function worseFirst(trends: readonly Trend[]): Trend[] {
  const rank = ({ changes }: Trend): number => {
    const last = changes.at(-1);
    return last === undefined ? 2 : last.isWorse ? 0 : 1;
  };
  return trends.toSorted((a, b) => rank(a) - rank(b));
}

const HOW_TO_READ = `Each figure is that of the client divided by that of the baseline client in the same run, the newest run at the right (a diamond). All pictures have the same runs below each other, evenly spaced. Bands are ${INTERVAL_NAME}s, cut off where they reach far beyond all points. A horizontal line is a level; a dashed line is a change of level, in amber if it is for the worse.`;

function smallOf(trend: Trend): SmallFigure {
  const { baseline, points, changes } = trend;
  const last = changes.at(-1);
  if (last === undefined) {
    const note = `No significant change; ${formatRatio(points.at(-1)!.ratio)} that of ${baseline} in the newest run.`;
    return { howToRead: HOW_TO_READ, note, link: null };
  }
  const { before, after, change, isWorse } = last;
  const { run } = points[after.from]!;
  const levels = `from ${formatLevel(before.ratio)} to ${formatLevel(after.ratio)} that of ${baseline}`;
  const { move, bounds } = describeMove(change);
  return {
    howToRead: HOW_TO_READ,
    note: `${isWorse ? 'Worse' : 'Better'} since ${formatDay(run.startedAt)}: ${move} (${bounds}), ${levels}.`,
    link: run.git === null ? null : { text: `commit ${formatCommit(run.git)}`, href: commitPage(run.git) },
  };
}

/** The commit of a run, with a link to its page if that is known. */
function commitCell({ git }: RunSummary): TableCell {
  return git === null ? nothing : linked(formatCommit(git), commitPage(git), git.commit);
}

function captionOf(trend: Trend): string {
  const { baseline, points, changes } = trend;
  return [
    `Ratio to ${baseline} over ${points.length} runs; the newest is on the right (a diamond). Bands are ${INTERVAL_NAME}s, cut off where they reach far beyond all points. A horizontal line marks each level and breaks where the level changed.`,
    ...changes.map(change => describeChange(trend, change)),
  ].join(' ');
}

/** @param runs at the axis, oldest first */
function drawTrend(trend: Trend, runs: readonly RunSummary[]): TopLevelSpec {
  const places = trend.points.map(({ run }) => runs.indexOf(run));
  const points = listPoints(trend, places);
  const extent = extentOf(points, { widestBand: WIDEST_BAND });
  const rows = points.map(point => within(extent, point));
  const color = armColour({ look: lookOf(trend) });
  const title = `${trend.arm} / ${trend.baseline}`;
  return framed({
    heightPx: HEIGHT_PX,
    encoding: { x: axisOf(runs), y: figureAxis(extent, { title, isRatio: true }) },
    layer: [
      silentLayer(
        rows,
        { type: 'area', opacity: 0.18, color },
        { y: quantity('low'), y2: { field: 'high' } },
      ),
      silentLayer(rows, { type: 'line', strokeWidth: 1, color, opacity: 0.6 }),
      ...(trend.changes.length === 0 ? [] : [changeLayer(trend, places)]),
      levelLayer(trend, places),
      figureLayer(
        rows,
        { type: 'point', filled: true, color, opacity: 1 },
        {
          shape: either('datum.isNewest', 'diamond', 'circle'),
          size: either('datum.isNewest', 160, 34),
        },
      ),
    ],
  });
}

function listPoints({ points }: Trend, places: readonly number[]) {
  return points.map(({ run, ratio }, index) => ({
    x: places[index]!,
    ...ratio,
    isNewest: index === points.length - 1,
    tip: `${formatDay(run.startedAt)}${run.git === null ? '' : `, commit ${formatCommit(run.git)}`}: ${formatRatio(ratio)}`,
  }));
}

/** Runs are evenly spaced, whatever time lies between them; the axis shows their days. */
function axisOf(runs: readonly RunSummary[]): X {
  const last = runs.length - 1;
  const step = Math.ceil((last + 1) / MAX_TICKS);
  const days = runs.map(({ startedAt }) => formatDay(startedAt));
  return {
    field: 'x',
    type: 'quantitative',
    scale: { domain: [-0.5, last + 0.5], nice: false, zero: false },
    axis: {
      title: null,
      grid: false,
      values: runs.map((_, index) => index).filter(index => (last - index) % step === 0),
      labelExpr: `${JSON.stringify(days)}[datum.value]`,
    },
  };
}

function levelLayer({ levels }: Trend, places: readonly number[]): Layer {
  const values = levels.map(({ from, to, ratio }) => ({
    x: places[from]! - 0.4,
    end: places[to - 1]! + 0.4,
    value: ratio.value,
    tip: `level: ${formatLevel(ratio)}`,
  }));
  return tippedLayer(values, { type: 'rule', strokeWidth: 2, color: INK }, { x2: { field: 'end' } });
}

function changeLayer(trend: Trend, places: readonly number[]): Layer {
  const values = trend.changes.map(change => ({
    x: places[change.after.from]! - 0.5,
    colour: change.isWorse ? WORSE : MUTED,
    tip: describeChange(trend, change),
  }));
  return tippedLayer(
    values,
    { type: 'rule', strokeDash: [4, 3], strokeWidth: 1.5 },
    {
      y: { value: 0 },
      y2: { value: 'height' },
      color: { field: 'colour', type: 'nominal', scale: null },
    },
  );
}

/** By its place in its cell, as in the report of the run. */
function lookOf({ cell, arm, points }: Trend): number {
  const arms = points.at(-1)!.run.cells.find(one => one.cell === cell)?.arms ?? [];
  return Math.max(
    0,
    arms.findIndex(one => one.arm === arm),
  );
}

function tabulateTrend(trend: Trend): Table {
  const rows = trend.points.map((point, index) => ({
    ...point,
    level: trend.levels.find(({ from }) => from === index),
  }));
  return tabulate(rows, {
    name: 'trend',
    title: capitalize(trendName(trend)),
    columns: [
      [keyColumn('run', 'run'), ({ run }) => words(run.runId)],
      [wordColumn('commit', 'commit'), ({ run }) => commitCell(run)],
      [
        figureColumn('ratio', `${METRIC_TABLE[trend.metric].title} / ${trend.baseline}`, INTERVAL_NAME),
        ({ ratio }) => words(formatRatio(ratio), { ...ratio }),
      ],
      [
        figureColumn('level', 'new level'),
        ({ level }) => (level === undefined ? nothing : words(formatLevel(level.ratio), { ...level.ratio })),
      ],
    ],
  });
}
