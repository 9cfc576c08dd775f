// In: all trials of an arm, and those of the others. Out: whether it has slow slices that they do not have.
import type { CompletedTrial } from '../model/trial.ts';
import { meanPortions, overall } from '../metrics.ts';
import { shareInterval } from '../share.ts';
import type { ArmRule } from './rule.ts';
import { percent } from './rule.ts';

/** A slice is slow if its mean response time is so many times that of the arm's usual slice. */
const SLOW = 2;
/** By how much slow slices make the arm's mean longer, before it is worth a word. */
const NOTABLE_EXCESS = 0.05;
const LEAST_SLICES = 5;
/** Two intervals at this level lie apart by chance in about 2 of 100 cases. */
const LEVEL = 0.85;

interface Slices {
  count: number;
  slow: number;
  /** Of the mean over all slices, over that of the usual slice. */
  excess: number;
}

/**
 * Bursts of the machine hit all arms alike. Where one arm has slow slices more often than the others by more than chance, it is
 * the arm: its client stops (a garbage collection, a call that blocks), or some of its requests are slow. Its ratios hold that,
 * and a reader who compares usual slices, or medians, sees less.
 */
export const ownStalls: ArmRule = {
  rule: 'own-stalls',
  check(trials, others) {
    const own = foldSlices(trials);
    const theirs = foldArms(others);
    if (own === null || theirs === null) return null;
    const detail = `${own.slow} of ${own.count} slices have a mean response time of ${SLOW} times the usual or more, ${theirs.slow} of ${theirs.count} of the other arms' have; the mean over all is ${percent(own.excess)} above that of the usual slice`;
    const isOwn =
      shareInterval(own.slow, own.count, LEVEL)!.low > shareInterval(theirs.slow, theirs.count, LEVEL)!.high;
    return isOwn && own.excess > NOTABLE_EXCESS
      ? { state: 'warn', detail: `the arm stalls by itself: ${detail}. Its ratios include that` }
      : { state: 'pass', detail };
  },
};

/** null where there are too few slices to know what is usual. */
function foldSlices(trials: readonly CompletedTrial[]): Slices | null {
  const portions = trials
    .flatMap(({ measurement }) => meanPortions(measurement.slices))
    .filter(({ per }) => per > 0);
  if (portions.length < LEAST_SLICES) return null;
  const means = portions.map(({ amount, per }) => amount / per).toSorted((a, b) => a - b);
  const usual = means[Math.floor(means.length / 2)]!;
  return {
    count: means.length,
    slow: means.filter(mean => mean >= SLOW * usual).length,
    excess: overall(portions)! / usual - 1,
  };
}

/** Each arm against what is usual for itself. */
function foldArms(trials: readonly CompletedTrial[]): Pick<Slices, 'count' | 'slow'> | null {
  const arms = Map.groupBy(trials, ({ trial }) => trial.arm);
  const folded = [...arms.values()].map(foldSlices).filter(slices => slices !== null);
  if (folded.length === 0) return null;
  return {
    count: folded.reduce((sum, { count }) => sum + count, 0),
    slow: folded.reduce((sum, { slow }) => sum + slow, 0),
  };
}
