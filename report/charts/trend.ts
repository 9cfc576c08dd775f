// In: a trend. Out: its picture: the ratio run by run with its interval, each level, and where it changed; the same as a table.
import type { TopLevelSpec } from 'vega-lite';
import type { Trend } from '../../results/history.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Figure, Table } from '../model.ts';
import { createTable, figureColumn, keyColumn, nothing, wordColumn, words } from '../tables/table.ts';
import { capitalize } from '../words/load.ts';
import { formatRatio } from '../words/numbers.ts';
import { formatCommit, formatDay } from '../words/run.ts';
import { describeChange, formatLevel, trendName } from '../words/trend.ts';
import {
  armColour,
  extentOf,
  figureAxis,
  framed,
  INK,
  isNarrow,
  type Layer,
  MUTED,
  within,
  type X,
} from './theme.ts';

/** Widths in px: the column of a page, and a phone held upright. */
const WIDE_PX = 1040;
const NARROW_PX = 340;
const HEIGHT_PX = 230;
/** A band may reach beyond all figures by this factor: a change of level is often of a few per cent only. */
const WIDEST_BAND = 1.15;
/** Days at the axis at most, by the room that there is. */
const TICKS = { wide: 7, narrow: 3 };

export function trendFigure(trend: Trend): Figure {
  return {
    name: [trend.cell, trend.arm, trend.metric].join('/'),
    title: capitalize(trendName(trend)),
    caption: captionOf(trend),
    wide: specOf(trend, WIDE_PX),
    narrow: specOf(trend, NARROW_PX),
    table: tableOf(trend),
  };
}

function captionOf(trend: Trend): string {
  const { baseline, points, changes } = trend;
  return [
    `Over that of ${baseline}, in ${points.length} runs, the newest at the right (a diamond); bands are 95 % intervals, cut off where they reach far beyond all points. A line stays at each level and breaks where it changed.`,
    ...changes.map(change => describeChange(trend, change)),
  ].join(' ');
}

function specOf(trend: Trend, widthPx: number): TopLevelSpec {
  const points = pointsOf(trend);
  const extent = extentOf(points, { alsoShown: [], widestBand: WIDEST_BAND });
  const rows = points.map(point => within(extent, point));
  const colour = armColour({ look: lookOf(trend) });
  const title = `${trend.arm} / ${trend.baseline}`;
  return framed(
    {
      encoding: { x: xOf(trend, widthPx), y: figureAxis(extent, { title, isRatio: true }, widthPx) },
      layer: [
        {
          data: { values: rows },
          mark: { type: 'area', opacity: 0.18, color: colour, aria: false },
          encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
        },
        {
          data: { values: rows },
          mark: { type: 'line', strokeWidth: 1, color: colour, opacity: 0.6, aria: false },
        },
        ...changeLayers(trend),
        levelLayer(trend),
        {
          data: { name: 'figures', values: rows },
          mark: { type: 'point', filled: true, color: colour, opacity: 1 },
          encoding: {
            shape: { condition: { test: 'datum.isNewest', value: 'diamond' }, value: 'circle' },
            size: { condition: { test: 'datum.isNewest', value: 160 }, value: isNarrow(widthPx) ? 26 : 44 },
            description: { field: 'tip' },
          },
        },
      ],
    },
    { widthPx, heightPx: HEIGHT_PX },
  );
}

interface Point {
  x: number;
  value: number;
  low: number;
  high: number;
  isNewest: boolean;
  tip: string;
}

function pointsOf({ points }: Trend): Point[] {
  return points.map(({ run, ratio }, x) => ({
    x,
    ...ratio,
    isNewest: x === points.length - 1,
    tip: `${formatDay(run.startedAt)}${run.git === null ? '' : `, commit ${formatCommit(run.git)}`}: ${formatRatio(ratio)}`,
  }));
}

/** Runs have equal places, whatever time lay between them; the axis tells their days. */
function xOf({ points }: Trend, widthPx: number): X {
  const last = points.length - 1;
  const step = Math.ceil((last + 1) / (isNarrow(widthPx) ? TICKS.narrow : TICKS.wide));
  const days = points.map(({ run }) => formatDay(run.startedAt));
  return {
    field: 'x',
    type: 'quantitative',
    scale: { domain: [-0.5, last + 0.5], nice: false, zero: false },
    axis: {
      title: null,
      grid: false,
      values: points.map((_, index) => index).filter(index => (last - index) % step === 0),
      labelExpr: `${JSON.stringify(days)}[datum.value]`,
    },
  };
}

function levelLayer({ levels }: Trend): Layer {
  return {
    data: {
      values: levels.map(({ from, to, ratio }) => ({
        x: from - 0.4,
        end: to - 0.6,
        value: ratio.value,
        tip: `level: ${formatLevel(ratio)}`,
      })),
    },
    mark: { type: 'rule', strokeWidth: 2, color: INK },
    encoding: { x2: { field: 'end' }, description: { field: 'tip' } },
  };
}

function changeLayers(trend: Trend): Layer[] {
  if (trend.changes.length === 0) return [];
  const values = trend.changes.map(change => ({
    x: change.after.from - 0.5,
    tip: describeChange(trend, change),
  }));
  return [
    {
      data: { values },
      mark: { type: 'rule', strokeDash: [4, 3], strokeWidth: 1.5 },
      encoding: {
        y: { value: 0 },
        y2: { value: 'height' },
        color: { value: MUTED },
        description: { field: 'tip' },
      },
    },
  ];
}

/** By its place in its cell, as in the report of the run. */
function lookOf({ cell, arm, points }: Trend): number {
  const arms = points.at(-1)!.run.cells.find(one => one.cell === cell)?.arms ?? [];
  return Math.max(
    0,
    arms.findIndex(one => one.arm === arm),
  );
}

function tableOf(trend: Trend): Table {
  return createTable({
    name: 'trend',
    title: capitalize(trendName(trend)),
    columns: [
      keyColumn('run', 'run'),
      wordColumn('commit', 'commit'),
      figureColumn('ratio', `${METRIC_TABLE[trend.metric].title} / ${trend.baseline}`, '95 % interval'),
      figureColumn('level', 'new level'),
    ],
    rows: trend.points.map(({ run, ratio }, index) => {
      const level = trend.levels.find(({ from }) => from === index);
      return [
        words(run.runId),
        run.git === null ? nothing : words(formatCommit(run.git), run.git.commit),
        words(formatRatio(ratio), { ...ratio }),
        level === undefined ? nothing : words(formatLevel(level.ratio), { ...level.ratio }),
      ];
    }),
  });
}
