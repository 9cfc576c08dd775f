// In: a sweep and a measure. Out: each figure with its place in the sweep, of arms and of arms against the baseline.
import type { SweepValue } from '../../bench/core/scenario.ts';
import type { Interval } from '../../results/stats.ts';
import { comparisonMarks } from '../cell-view.ts';
import type { Mark } from '../report.ts';
import type { Measure } from './measures.ts';
import type { SweepView, SweptCell } from './sweep-view.ts';

/** A figure of one cell. */
export interface SweepFigure {
  cell: SweptCell;
  x: SweepValue;
  other: SweepValue | undefined;
  interval: Interval;
  marks: readonly Mark[];
}

/** What an arm did, cell by cell, where there is a figure. */
export function armFigures({ cells }: SweepView, arm: string, measure: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const view = cell.view.arms.find(({ name }) => name === arm);
    const interval = view === undefined ? null : measure.read(view);
    if (view === undefined || interval === null) return [];
    return [{ cell, x: cell.x, other: cell.other, interval, marks: measure.marksOf(view) }];
  });
}

/** How an arm did against the baseline, cell by cell. Of a single replicate the ratio has no interval. */
export function ratioFigures({ cells }: SweepView, candidate: string, { metric }: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const comparison = cell.view.result.comparisons.find(
      found => found.metric === metric && found.candidate === candidate,
    );
    const [only] = comparison?.replicateRatios ?? [];
    if (comparison === undefined || only === undefined) return [];
    const interval = comparison.ratio ?? { value: only, low: only, high: only };
    const marks = comparisonMarks(comparison, cell.view);
    return [{ cell, x: cell.x, other: cell.other, interval, marks }];
  });
}

/** The arms that are compared with the baseline. */
export function candidatesOf({ arms }: SweepView): string[] {
  return arms.filter(({ isBaseline }) => !isBaseline).map(({ name }) => name);
}

export function baselineOf({ arms }: SweepView): string {
  return arms.find(({ isBaseline }) => isBaseline)?.name ?? '';
}
