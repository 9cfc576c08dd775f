// In: comparisons that are read together. Out: which of them are shown to be better or worse.
import type { Comparison, Metric } from './model/run.ts';
import { isHigherBetter } from './metrics.ts';
import { shownTogether } from './holm.ts';
import { type Interval, widened } from './stats.ts';

export type Verdict = Comparison['verdict'];

/**
 * The verdict by where the interval lies; never "the same", for which there is no evidence in a finite run.
 *
 *     metric where higher is better        metric where lower is better
 *               1                                    1
 *      |--*--|  |            worse          |--*--|  |            better
 *            |--*--|         unsure               |--*--|         unsure
 *               |  |--*--|   better                  |  |--*--|   worse
 *
 * No interval (fewer than three replicates): unsure.
 */
export function verdictOf(ratio: Interval | null, isMoreBetter: boolean): Verdict {
  if (ratio === null || (ratio.low <= 1 && ratio.high >= 1)) return 'unsure';
  return ratio.low > 1 === isMoreBetter ? 'better' : 'worse';
}

/**
 * The verdicts on comparisons that a reader sees side by side: several candidates, several cells. Their error is held for all
 * together, so one whose 95 % interval does not hold 1 can still be unsure.
 */
export function verdictsOf<Own extends Pick<Comparison, 'metric' | 'ratio' | 'replicateRatios'>>(
  comparisons: readonly Own[],
): Map<Own, Verdict> {
  const isSure = ({ ratio, replicateRatios }: Own, level: number): boolean =>
    ratio !== null && verdictOf(widened(ratio, replicateRatios, level), true) !== 'unsure';
  const known = comparisons.filter(({ ratio }) => ratio !== null);
  const sure = shownTogether(known, isSure);
  return new Map(
    comparisons.map(comparison => [
      comparison,
      sure.has(comparison) ? verdictOf(comparison.ratio, isHigherBetter(comparison.metric)) : 'unsure',
    ]),
  );
}

/** A verdict is given on the metric that decides alone: of five that are judged at 95 % each, one is soon wrong. */
export function withVerdicts(comparisons: readonly Comparison[], deciding: Metric): Comparison[] {
  const verdicts = verdictsOf(comparisons.filter(({ metric }) => metric === deciding));
  return comparisons.map(comparison => ({
    ...comparison,
    isDeciding: comparison.metric === deciding,
    verdict: verdicts.get(comparison) ?? 'unsure',
  }));
}
