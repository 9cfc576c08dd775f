// In: cells. Out: that requests failed, or that error rates of arms differ, in a sentence to stand before any figure of them; else ''.
import type { Comparison } from '../results/model/run.ts';
import { areErrorsUnlike, errorRatioOf } from '../results/unlike-errors.ts';
import { type CellView, comparisonMarks, signsOf } from './cell-view.ts';
import { percentText } from './words/numbers.ts';

export function hasErrorGap(view: CellView): boolean {
  return unlikeComparisons(view).length > 0;
}

/** Those that show a ratio. */
function unlikeComparisons(view: CellView): Comparison[] {
  return view.result.comparisons.filter(
    comparison =>
      comparison.replicateRatios.length > 0 && comparisonMarks(comparison, view).includes('unlikeErrors'),
  );
}

/**
 * `Error rates differ (short 0 %, persistent 12 %), so ratios marked § compare different work.`, and a blank. Where they are
 * alike, or there is one arm, `Requests failed (persistent 70 %).`
 */
export function errorText(view: CellView): string {
  return errorGapText(view) || failedText(view);
}

const NONE_FAILED = { completed: 1, failed: 0 };

function failedText({ arms }: CellView): string {
  const failing = arms.flatMap(({ name, summary }) =>
    summary !== null && summary.completed > 0 && areErrorsUnlike(summary, NONE_FAILED)
      ? [`${name} ${percentText(errorRatioOf(summary))}`]
      : [],
  );
  return failing.length === 0 ? '' : `Requests failed (${failing.join(', ')}). `;
}

function errorGapText(view: CellView): string {
  const unlike = unlikeComparisons(view);
  const names = new Set(unlike.flatMap(({ baseline, candidate }) => [baseline, candidate]));
  return gapText(
    view.arms.flatMap(({ name, summary }) =>
      names.has(name) && summary !== null ? [`${name} ${percentText(errorRatioOf(summary))}`] : [],
    ),
  );
}

/** The same of several cells: `Error rates differ (in a, b), ...`. */
export function errorGapsText(places: readonly string[]): string {
  return gapText(places.length === 0 ? [] : [`in ${places.join(', ')}`]);
}

function gapText(details: readonly string[]): string {
  return details.length === 0
    ? ''
    : `Error rates differ (${details.join(', ')}), so ratios marked ${signsOf(['unlikeErrors'])} compare different work. `;
}
