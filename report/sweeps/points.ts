// In: a sweep and a measure. Out: each figure with its place in the sweep, of arms and of arms against the baseline.
import type { SweepValue } from '../../scenarios/model/scenario.ts';
import { type Interval, meanOf } from '../../results/stats.ts';
import { comparisonMarks } from '../cell-view.ts';
import { comparisonText, replicatesText } from '../comparison-text.ts';
import { isKnown } from '../words/numbers.ts';
import type { Mark } from '../model.ts';
import type { Measure } from './measures.ts';
import type { SweepView, SweptCell } from './view.ts';

/** A figure of one cell. */
export interface SweepFigure {
  cell: SweptCell;
  x: SweepValue;
  other: SweepValue | undefined;
  /** Without width where it is not known: then nothing is told by it, and `text` has what the replicates gave. */
  interval: Interval;
  /** In words, without its marks and unit. */
  text: string;
  marks: readonly Mark[];
}

/** What an arm did, cell by cell, where there is a figure. */
export function armFigures({ cells }: SweepView, arm: string, measure: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const view = cell.view.arms.find(({ name }) => name === arm);
    const interval = view === undefined ? null : measure.read(view);
    if (view === undefined || interval === null) return [];
    const values = measure.values?.(view);
    const text = values === undefined ? measure.text(interval) : replicatesText(interval, values);
    const marks = measure.marksOf(view);
    return [{ cell, x: cell.x, other: cell.other, interval: drawable(interval), text, marks }];
  });
}

/** How an arm did against the baseline, cell by cell. */
export function ratioFigures({ cells }: SweepView, candidate: string, { metric }: Measure): SweepFigure[] {
  return cells.flatMap(cell => {
    const comparison = cell.view.result.comparisons.find(
      found => found.metric === metric && found.candidate === candidate,
    );
    if (comparison === undefined || comparison.replicateRatios.length === 0) return [];
    const interval = drawable(comparison.ratio ?? pointOf(comparison.replicateRatios));
    const text = comparisonText(comparison);
    const marks = comparisonMarks(comparison, cell.view);
    return [{ cell, x: cell.x, other: cell.other, interval, text, marks }];
  });
}

/** The arms that are compared with the baseline. */
export function candidatesOf({ arms }: SweepView): string[] {
  return arms.filter(({ isBaseline }) => !isBaseline).map(({ name }) => name);
}

export function baselineOf({ arms }: SweepView): string {
  return arms.find(({ isBaseline }) => isBaseline)?.name ?? '';
}

/** An interval that says nothing is none: as a band it would dwarf all that is known. */
function drawable(interval: Interval): Interval {
  const { value } = interval;
  return isKnown(interval) ? interval : { value, low: value, high: value };
}

/** Ratios without an interval, at their centre. */
function pointOf(ratios: readonly number[]): Interval {
  const value = Math.exp(meanOf(ratios.map(Math.log)));
  return { value, low: value, high: value };
}
