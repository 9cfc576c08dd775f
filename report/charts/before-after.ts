// Pictures of two runs: how much each figure changed, and both over each other, scenario by scenario.
import type { TopLevelSpec } from 'vega-lite';
import type { GateLine } from '../../results/gate.ts';
import { isHigherBetter } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import type { MeasuredRun } from '../../results/page-data.ts';
import { INTERVAL_NAME } from '../../results/stats.ts';
import { armNames, type CellView, viewCell } from '../cell-view.ts';
import type { Figure, Table } from '../model.ts';
import {
  type Curve,
  curveOf,
  describeLimits,
  drawCurves,
  howMerged,
  latencyLimitsOf,
  percentileTable,
} from './percentiles.ts';
import { drawForest, type ForestRow, forestRows, tabulateForest } from './ratios.ts';
import {
  arrowLayers,
  CHART_PX,
  clip,
  figureLayer,
  framed,
  guideLine,
  INK,
  MUTED,
  quantity,
  silentLayer,
} from './theme.ts';

/** A line with the name, one with the change, and below them the interval. */
const ROW_PX = 58;
/** Names that are cut take no more than the picture, of which their estimated width is more. */
const NAME_PX = 1.1 * CHART_PX;
/** Below the rows. */
const AXIS_PX = 44;

/** What a line is called and how its change reads: chosen by the report. */
interface NamedChange {
  line: GateLine;
  name: string;
  change: string;
}

/** null where no line is about a ratio or a rate. @param table the same changes as a table */
export function changesFigure(changes: readonly NamedChange[], table: Table): Figure | null {
  const rows = changes.filter(({ line }) => line.kind !== 'count').map(rowOf);
  if (rows.length === 0) return null;
  return {
    name: 'changes',
    section: 'answer',
    title: 'How much each figure changed',
    caption: `Further right is better. Points and lines: the change and its ${INTERVAL_NAME}, with an arrow where it goes on. Grey: changes below the limit, which do not count; dotted: the noise between two copies of the same client, where it was measured.`,
    spec: drawChanges(rows),
    table,
  };
}

const COLOURS: Record<GateLine['state'], string> = {
  regression: 'var(--bad)',
  improvement: 'var(--good)',
  unsure: MUTED,
  within: INK,
};

function rowOf({ line, name, change }: NamedChange, index: number) {
  const { metric, state, effect, noiseFloor } = line;
  const isUp = isHigherBetter(metric as Metric);
  const { value, low, high } = line.change;
  const noise = noiseFloor ?? 0;
  return {
    at: index + 0.76,
    top: index + 0.6,
    bottom: index + 0.92,
    nameAt: index + 0.15,
    textAt: index + 0.42,
    name,
    text: change,
    colour: COLOURS[state],
    tip: `${name}: ${change}`,
    value: isUp ? value : 1 / value,
    low: isUp ? low : 1 / high,
    high: isUp ? high : 1 / low,
    limitLow: 1 / (1 + effect),
    limitHigh: 1 + effect,
    noiseLow: 1 / (1 + noise),
    noiseHigh: 1 + noise,
    hasNoise: noise > 0,
  };
}

type Row = ReturnType<typeof rowOf>;

/** Further right is better, with the limit and the noise as bands. */
function drawChanges(changes: readonly Row[]): TopLevelSpec {
  const near = changes.flatMap(({ value, limitLow, limitHigh, noiseLow, noiseHigh }) => [
    value,
    limitLow,
    limitHigh,
    noiseLow,
    noiseHigh,
  ]);
  const { extent, rows, arrows } = clip(changes, near);
  const x = (field: string) => ({ ...changeAxis(extent), field });
  const y = (field: string) => ({
    ...quantity(field),
    scale: { domain: [0, changes.length], reverse: true, nice: false },
    axis: null,
  });
  const band = (from: string, to: string) => ({
    x: x(from),
    x2: { field: to },
    y: y('top'),
    y2: { field: 'bottom' },
  });
  const left = { x: { value: 0 }, y: y('nameAt'), text: { field: 'name' } };
  const color = { field: 'colour', type: 'nominal', scale: null } as const;
  return framed({
    heightPx: changes.length * ROW_PX + AXIS_PX,
    layer: [
      silentLayer(rows, { type: 'rect', color: MUTED, opacity: 0.18 }, band('limitLow', 'limitHigh')),
      silentLayer(
        rows.filter(row => row.hasNoise),
        { type: 'rect', filled: false, stroke: MUTED, strokeDash: [2, 3] },
        band('noiseLow', 'noiseHigh'),
      ),
      silentLayer(
        [{ one: 1 }],
        { ...guideLine, strokeDash: [1, 0] },
        { x: x('one'), y: { value: 0 }, y2: { value: 'height' } },
      ),
      silentLayer(
        rows,
        { type: 'rule', strokeWidth: 2 },
        { x: x('low'), x2: { field: 'high' }, y: y('at'), color },
      ),
      ...arrowLayers(arrows, { x: changeAxis(extent), y: y('at'), color }),
      figureLayer(
        rows,
        { type: 'point', filled: true, opacity: 1, size: 80 },
        { x: x('value'), y: y('at'), color },
      ),
      silentLayer(rows, { type: 'text', align: 'left', fill: MUTED, limit: NAME_PX }, left),
      silentLayer(
        rows,
        { type: 'text', align: 'left', fill: INK },
        { ...left, y: y('textAt'), text: { field: 'text' } },
      ),
    ],
  });
}

function changeAxis({ low, high }: { low: number; high: number }) {
  return {
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain: [low, high], nice: false, padding: 8 },
    axis: {
      title: 'better →',
      values: ticksOf(low, high, 4),
      labelExpr:
        "datum.value == 1 ? 'unchanged' : format(abs(datum.value - 1), '.0%') + (datum.value < 1 ? ' worse' : ' better')",
      labelOverlap: 'greedy' as const,
    },
  };
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100];

/** 1 and round changes on both sides of it, with the finest step that gives at most `most` of them. */
function ticksOf(low: number, high: number, most: number): number[] {
  for (const step of STEPS) {
    const count = Math.floor((high - low) / step);
    if (count > most) continue;
    const from = Math.ceil((low - 1) / step);
    const to = Math.floor((high - 1) / step);
    return Array.from({ length: to - from + 1 }, (_, index) => 1 + (from + index) * step).filter(
      tick => tick > 0,
    );
  }
  return [1];
}

const KINDS = ['after', 'before'] as const;
type Kind = (typeof KINDS)[number];
type Sides = Record<Kind, CellView>;

/** @param cells that were compared, by name; only those are drawn */
export function overlayRuns(
  { before, after }: Record<Kind, MeasuredRun>,
  cells: ReadonlySet<string>,
): Figure[] {
  const names = armNames(after.run);
  return after.run.cells
    .filter(({ cell }) => cells.has(cell))
    .flatMap(result => {
      const old = before.run.cells.find(({ cell }) => cell === result.cell);
      if (old === undefined) return [];
      const sides = {
        before: viewCell(old, before.trials, names),
        after: viewCell(result, after.trials, names),
      };
      return [overlayForest(sides), overlayCurves(sides)].filter(figure => figure !== null);
    });
}

function overlayForest({ before, after }: Sides): Figure | null {
  const old = forestRows(before);
  const rows = forestRows(after).flatMap((row): ForestRow[] => {
    const earlier = old.find(({ metric, candidate }) => metric === row.metric && candidate === row.candidate);
    if (earlier === undefined) return [];
    // In the colour of the newer run, whatever marks either has.
    return [
      { ...inRun(earlier, 'before'), arm: row.arm, isFaint: true },
      { ...inRun(row, 'after'), label: 'after' },
    ];
  });
  if (rows.length === 0) return null;
  const { cell, scenario } = after.result;
  const title = `Against ${scenario.baseline}, before and after: ${cell}`;
  return {
    name: `${cell}/forest`,
    section: 'answer',
    title,
    caption:
      'How many times better than the baseline client each client was in either run: faint before, full after. Further right is better. Lines are 95 % intervals, with an arrow where they go on; small dots are replicates.',
    spec: drawForest(rows, after),
    table: tabulateForest(rows, { name: 'forest', title }),
  };
}

function inRun(row: ForestRow, kind: Kind): ForestRow {
  return {
    ...row,
    title: `${row.title}, ${kind}`,
    label: `${row.label}, ${kind}`,
    tip: `${kind}: ${row.tip}`,
    dots: row.dots.map(dot => ({ ...dot, tip: `${kind}: ${dot.tip}` })),
  };
}

function overlayCurves(sides: Sides): Figure | null {
  const curves = sides.after.arms.flatMap((arm): Curve[] => {
    const pair = KINDS.flatMap(kind => {
      const own = sides[kind].arms.find(({ name }) => name === arm.name);
      const label = `${kind}: ${arm.label}`;
      return own === undefined ? [] : (curveOf(own, { clock: 'response', kind, label }) ?? []);
    });
    return pair.length < KINDS.length ? [] : pair.map(curve => inColourOf(arm.label, curve));
  });
  if (curves.length === 0) return null;
  const { cell } = sides.after.result;
  const limits = latencyLimitsOf(sides.after);
  const title = `Latency by percentile, before and after: ${cell}`;
  return {
    name: `${cell}/percentiles`,
    section: 'latency',
    title,
    caption: [
      `The response time that a share of the requests does not exceed; each step to the right is ten times rarer. Dotted: before; solid: after. ${howMerged('solid lines')} Lower is better.`,
      ...describeLimits(limits),
    ].join(' '),
    spec: drawCurves(curves, { kinds: KINDS, axisTitle: 'response time (ms)', limits }),
    table: percentileTable({ name: 'percentiles', title, kinds: KINDS }, curves),
  };
}

/** Both runs in one colour, whatever marks a client has in either. */
function inColourOf(label: string, { arm, rows, ...rest }: Curve): Curve {
  return { ...rest, arm: { ...arm, label }, rows: rows.map(row => ({ ...row, arm: label })) };
}
