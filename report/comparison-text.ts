// In: the ratios of replicates, and the interval from them. Out: what is known of the ratio, in words: never an interval that says nothing.
import { LEAST_REPLICATES } from '../bench/core/replicates.ts';
import type { Comparison } from '../results/model/run.ts';
import type { Interval } from '../results/stats.ts';
import { intervalText, isKnown, NO_FIGURE, ratioText, valuesText } from './words/numbers.ts';

type Compared = Pick<Comparison, 'ratio' | 'replicateRatios'>;

/** `7.1× (6.6 to 7.7)`; else what the replicates gave: `1.05×, 1.61× (1 more replicate needed)`, `0.5×, 2.1×, 9× (not known)`. */
export function comparisonText({ ratio, replicateRatios }: Compared): string {
  return ratio !== null && isKnown(ratio) ? ratioText(ratio) : listedText(replicateRatios, '×');
}

/** The same of what an arm did. */
export function replicatesText(interval: Interval, values: readonly number[]): string {
  return isKnown(interval) && values.length >= LEAST_REPLICATES
    ? intervalText(interval)
    : listedText(values, '');
}

function listedText(values: readonly number[], unit: string): string {
  if (values.length === 0) return NO_FIGURE;
  const missing = missingReplicates(values.length);
  return `${valuesText(values, unit)} (${missing === 0 ? 'not known' : `${neededText(missing)} needed`})`;
}

/** The interval where it says something; else null. */
export function knownRatio({ ratio }: Pick<Comparison, 'ratio'>): Interval | null {
  return ratio !== null && isKnown(ratio) ? ratio : null;
}

/** How many more replicates an interval takes at least. */
export function missingReplicates(count: number): number {
  return Math.max(0, LEAST_REPLICATES - count);
}

/** `1 more replicate`. */
export function neededText(missing: number): string {
  return `${missing} more ${missing === 1 ? 'replicate' : 'replicates'}`;
}

/** What stands below a table in which figures are without an interval. */
export const FEW_NOTE = `Fewer than ${LEAST_REPLICATES} replicates are too few for an interval. Not known: a bound would lie more than a factor of 10 away. What the replicates gave stands there in its place.`;
