// In: the same figure of two runs, each with its interval. Out: by how much it changed, and how sure that is.
import { type Interval, LEVEL, studentFactor } from './stats.ts';

/**
 * after - before with an interval from those of the two: the method of variance estimates recovery (G. Y. Zou, A. Donner,
 * 2008), which needs no symmetry: each end of the difference takes from each interval the arm that points its way.
 */
export function difference(before: Interval, after: Interval): Interval {
  const value = after.value - before.value;
  return {
    value,
    low: value - Math.hypot(after.value - after.low, before.high - before.value),
    high: value + Math.hypot(after.high - after.value, before.value - before.low),
  };
}

/** after / before, by the difference of logarithms. Both intervals must be above 0. */
export function ratioOfRatios(before: Interval, after: Interval): Interval {
  const { value, low, high } = difference(logOf(before), logOf(after));
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) };
}

/**
 * The same at another level than 95 %, of two ratios with the replicates that they rest on: widened as Student's interval is at
 * the degrees of freedom of both together (F. E. Satterthwaite, 1946). Those of each by itself are few, and would let no change
 * be seen among many figures.
 */
export function ratioOfRatiosAt(
  level: number,
  { before, after, counts }: { before: Interval; after: Interval; counts: { before: number; after: number } },
): Interval {
  const change = ratioOfRatios(before, after);
  const own = varianceOf(before);
  const other = varianceOf(after);
  if (level === LEVEL || own + other === 0) return change;
  const degrees = (own + other) ** 2 / (own ** 2 / (counts.before - 1) + other ** 2 / (counts.after - 1));
  const factor = studentFactor(level, degrees);
  const { value, low, high } = change;
  return { value, low: value * (low / value) ** factor, high: value * (high / value) ** factor };
}

/** Of the logarithm, up to a factor that nearly cancels. */
function varianceOf({ low, high }: Interval): number {
  return Math.log(high / low) ** 2;
}

function logOf({ value, low, high }: Interval): Interval {
  return { value: Math.log(value), low: Math.log(low), high: Math.log(high) };
}
