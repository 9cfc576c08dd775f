// In: how many of so many. Out: the share and its exact interval.
import betaQuantile from '@stdlib/stats-base-dists-beta-quantile';
import type { Interval } from './stats.ts';

/** The exact binomial interval of a share (C. J. Clopper, E. S. Pearson, 1934); null of nothing. */
export function shareInterval(good: number, total: number, level: number): Interval | null {
  if (total === 0) return null;
  const tail = (1 - level) / 2;
  const bad = total - good;
  return {
    value: good / total,
    low: good === 0 ? 0 : betaQuantile(tail, good, bad + 1),
    high: bad === 0 ? 1 : betaQuantile(1 - tail, good + 1, bad),
  };
}
