// In: the same figure of two runs, each with its interval. Out: by how much it changed, and how sure that is.
import type { Interval } from './stats.ts';

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

function logOf({ value, low, high }: Interval): Interval {
  return { value: Math.log(value), low: Math.log(low), high: Math.log(high) };
}
