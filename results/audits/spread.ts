// spread.ts
import {
  headlineFigure,
  headlineOf,
  isHigherBetter,
  METRIC_TABLE,
  meanPortions,
  overall,
  ratePortion,
} from '../metrics.ts';
import type { Metric } from '../model/run.ts';
import type { CompletedTrial } from '../model/trial.ts';
import { findModes, shareInterval } from '../stats.ts';
import { type ArmRule, percent, type TrialRule, whole } from './rule.ts';

// From a trial. Out: whether its slices agree with each other.

const NOTABLE_BLOCK_SPREAD = 0.25;

/**
 * Standard deviation of the logarithm of requests/s over the slices. Drift that hits all arms alike cancels in the ratios,
 * but not in an arm's own figures.
 */
export const blockSpread: TrialRule = {
  rule: 'block-spread',
  check({ trial: { load }, measurement: { slices } }) {
    // The schedule of an open load sets the rate of its slices, and dice may set the schedule.
    if (load.model !== 'closed') return null;
    const logRates = slices
      .flatMap(slice => overall([ratePortion(slice, load)]) ?? [])
      .filter(perSec => perSec > 0)
      .map(Math.log);
    const silent = slices.length - logRates.length;
    if (silent > 0 && logRates.length > 0)
      return { state: 'warn', detail: `in ${silent} of the ${slices.length} slices nothing was answered` };
    if (logRates.length < 2) return { state: 'pass', detail: 'one slice only: no spread to look at' };
    const mean = logRates.reduce((sum, value) => sum + value, 0) / logRates.length;
    const variance = logRates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logRates.length - 1);
    const spread = Math.sqrt(variance);
    const detail = `requests/s of the ${logRates.length} slices vary by ${percent(spread)} (standard deviation)`;
    return { state: spread > NOTABLE_BLOCK_SPREAD ? 'warn' : 'pass', detail };
  },
};

// From all trials of an arm. Out: whether its processes agree with each other, or have modes.

const NOTABLE_REPLICATE_SPREAD = 0.15;

/**
 * Node processes have modes: some run slower for their whole life, with the same code and flags. Two groups of rates that
 * stand clear of each other (modes.ts) are named; any other spread above 15 % is too.
 */
export const replicateSpread: ArmRule = {
  rule: 'replicate-spread',
  check(trials) {
    const all = trials.flatMap(trial => headlineFigure(trial) ?? []);
    const figures = all.filter(figure => figure > 0).toSorted((a, b) => a - b);
    const silent = all.length - figures.length;
    if (silent > 0 && figures.length > 0)
      return {
        state: 'warn',
        detail: `replicates disagree: in ${silent} of ${all.length} nothing was answered`,
      };
    const [first] = trials;
    if (first === undefined || figures.length < 2)
      return { state: 'pass', detail: 'one replicate only: no spread to look at' };
    const { metric, noun } = headlineOf(first.trial.load);
    const { groups, isDistinct } = findModes(figures.map(Math.log));
    if (isDistinct && groups.length === 2) {
      const [low, high] = groups as [number[], number[]];
      return {
        state: 'warn',
        detail: `replicates disagree: two modes, ${low.length} of ${figures.length} at ${around(low, metric)} and ${high.length} at ${around(high, metric)}; a process keeps its mode for life, so more replicates are needed, not longer ones`,
      };
    }
    const spread = figures.at(-1)! / figures[0]! - 1;
    const detail = `${noun} of the ${figures.length} replicates lie within ${percent(spread)} of the ${isHigherBetter(metric) ? 'slowest' : 'fastest'}`;
    return spread > NOTABLE_REPLICATE_SPREAD
      ? { state: 'warn', detail: `replicates disagree: ${detail}` }
      : { state: 'pass', detail };
  },
};

/** The geometric mean of figures given by their logarithms. */
function around(logs: readonly number[], metric: Metric): string {
  const value = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  const { unit, factor } = METRIC_TABLE[metric];
  return unit === 'requests/s' ? `${whole(value)}/s` : `${(value * factor).toPrecision(3)} ${unit}`;
}

// From all trials of an arm, and those of the others. Out: whether it has slow slices that they do not have.

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
