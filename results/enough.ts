// In: an interval of so many replicates, and what it is to tell. Out: how many replicates that takes, if they go on to vary as they did.
import { LEAST_REPLICATES } from '../bench/core/replicates.ts';
import { type Interval, studentReach } from './stats.ts';

const MOST = 10_000;

/**
 * The least number of replicates at which the interval of a ratio, around the same value, no longer holds 1, or reaches no
 * further than `precision` where the value is nearer to 1 than that; null where no number would do.
 */
export function replicatesToTell(
  { value, low, high }: Interval,
  replicates: number,
  precision: number,
): number | null {
  const half = Math.log(high / low) / 2;
  const wanted = Math.max(Math.abs(Math.log(value)), Math.log1p(precision));
  if (!(half > 0) || replicates < LEAST_REPLICATES) return null;
  const share = (wanted / half) * studentReach(replicates);
  for (let count = replicates; count <= MOST; count++) if (studentReach(count) < share) return count;
  return null;
}
