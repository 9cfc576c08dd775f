// Pictures of two runs over each other, scenario by scenario: latency by percentile, and the ratios to the baseline client.
import type { MeasuredRun } from '../../results/page-data.ts';
import { armNames, type CellView, viewCell } from '../cell-view.ts';
import type { Figure } from '../model.ts';
import { drawForest, type ForestRow, rowsOf, tabulateForest } from './forest.ts';
import { describeLimits, limitsOf } from './latency-limits.ts';
import { type Curve, columnOf, curveOf, drawCurves, howMerged, percentileTable } from './percentiles.ts';

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
  const old = rowsOf(before);
  const rows = rowsOf(after).flatMap((row): ForestRow[] => {
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
  const limits = limitsOf(sides.after);
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
    table: percentileTable({
      name: 'percentiles',
      title,
      columns: curves.map(curve => ({
        ...columnOf(curve),
        key: `${curve.arm.name}${curve.kind === 'before' ? 'Before' : 'After'}`,
        heading: `${curve.arm.label} ${curve.kind}`,
      })),
    }),
  };
}

/** Both runs in one colour, whatever marks a client has in either. */
function inColourOf(label: string, { arm, rows, ...rest }: Curve): Curve {
  return { ...rest, arm: { ...arm, label }, rows: rows.map(row => ({ ...row, arm: label })) };
}
