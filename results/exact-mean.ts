// Means that can be merged exactly: times are summed in whole ticks, because integers add up to the same in any order.

/**
 * A sixteenth of a microsecond. Finer ticks would overflow the integers that a number holds exactly; these last for four years of
 * summed latency, such as 30,000 users for an hour.
 */
const TICKS_PER_US = 16;

export function ticksOf(us: number): number {
  return Math.round(us * TICKS_PER_US);
}

/** @returns the mean in µs; 0 of nothing */
export function meanOfTicks(ticks: number, count: number): number {
  return count === 0 ? 0 : ticks / count / TICKS_PER_US;
}

/** The sum that a mean was made of, exactly: rounding undoes the rounding of the division. */
export function ticksOfMean(meanUs: number, count: number): number {
  return Math.round(meanUs * count * TICKS_PER_US);
}

/** The mean over groups, from their means and counts. Exact for means made of ticks. */
export function mergeMeans(groups: readonly { meanUs: number; count: number }[]): number {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const ticks = groups.reduce((sum, group) => sum + ticksOfMean(group.meanUs, group.count), 0);
  return meanOfTicks(ticks, count);
}
