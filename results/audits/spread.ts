// Audits of spread: across slices, across replicates, and slow slices that only one client has.

import { apart, percent, whole } from '../figures.ts';
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
import { findModes, meanOf, sampleVariance, shareInterval, sumOf } from '../stats.ts';
import { type ArmRule, pass, type TrialRule, warn } from './rule.ts';

const NOTABLE_BLOCK_SPREAD = 0.25;

/**
 * Standard deviation of the logarithm of requests/s over the slices. Drift that affects all clients equally cancels in the
 * ratios, but not in a client's own figures.
 */
export const blockSpread: TrialRule = {
  rule: 'block-spread',
  check({ trial: { load }, measurement: { slices } }) {
    // Under an open load, the schedule sets the rate of the slices, which may be random.
    if (load.model !== 'closed') return null;
    const logRates = slices
      .flatMap(slice => overall([ratePortion(slice, load)]) ?? [])
      .filter(perSec => perSec > 0)
      .map(Math.log);
    const silent = slices.length - logRates.length;
    if (silent > 0 && logRates.length > 0)
      return warn(`no request was answered in ${silent} of the ${slices.length} slices`);
    if (logRates.length < 2) return null;
    const spread = Math.sqrt(sampleVariance(logRates));
    const detail = `requests/s of the ${logRates.length} slices vary by ${percent(spread)} (standard deviation)`;
    return { state: spread > NOTABLE_BLOCK_SPREAD ? 'warn' : 'pass', detail };
  },
};

const NOTABLE_REPLICATE_SPREAD = 0.15;

/**
 * Node processes have modes: some run slower for their whole life, with the same code and flags. Two distinct groups of rates
 * are reported, and any other spread above 15 %.
 */
export const replicateSpread: ArmRule = {
  rule: 'replicate-spread',
  check(trials) {
    const all = trials.flatMap(trial => headlineFigure(trial) ?? []);
    const figures = all.filter(figure => figure > 0).toSorted((a, b) => a - b);
    const silent = all.length - figures.length;
    if (silent > 0 && figures.length > 0)
      return warn(`replicates disagree: no request was answered in ${silent} of ${all.length}`);
    const [first] = trials;
    if (first === undefined || figures.length < 2) return null;
    const { metric, noun } = headlineOf(first.trial.load);
    const { groups, isDistinct } = findModes(figures.map(Math.log));
    if (isDistinct && groups.length === 2) {
      const [low, high] = groups as [number[], number[]];
      return warn(
        `replicates disagree: two modes, ${low.length} of ${figures.length} at ${around(low, metric)} and ${high.length} at ${around(high, metric)}; a process keeps its mode for life, so measure more replicates rather than longer ones`,
      );
    }
    const ratio = figures.at(-1)! / figures[0]!;
    const spread = ratio - 1;
    const detail =
      ratio < 2
        ? `${noun}: the ${figures.length} replicates lie within ${percent(spread)} of the ${isHigherBetter(metric) ? 'slowest' : 'fastest'}`
        : `${noun}: the highest of ${figures.length} replicates is ${ratio.toFixed(1)} times the lowest`;
    return spread > NOTABLE_REPLICATE_SPREAD ? warn(`replicates disagree: ${detail}`) : pass(detail);
  },
};

/** The geometric mean of figures given by their logarithms. */
function around(logs: readonly number[], metric: Metric): string {
  const value = Math.exp(meanOf(logs));
  const { unit, factor } = METRIC_TABLE[metric];
  return unit === 'requests/s' ? `${whole(value)}/s` : `${(value * factor).toPrecision(3)} ${unit}`;
}

/** A slice is slow if its mean response time is at least this many times that of the client's median slice. */
const SLOW = 2;
/** Slow slices are reported if they lengthen the client's mean by more than this share. */
const NOTABLE_EXCESS = 0.05;
const MIN_SLICES = 5;
/** Two intervals at this level do not overlap by chance in about 2 of 100 cases. */
const STALL_LEVEL = 0.85;

interface Slices {
  count: number;
  slow: number;
  /** How far the mean over all slices exceeds that of the median slice, as a share. */
  excess: number;
}

/**
 * Bursts of the machine affect all clients equally. If one has slow slices significantly more often than the others, the client
 * itself stalls (a garbage collection, a blocking call), or some of its requests are slow. Its ratios include that; medians show
 * less of it.
 */
export const ownStalls: ArmRule = {
  rule: 'own-stalls',
  check(trials, others) {
    const own = foldSlices(trials);
    const theirs = foldArms(others);
    if (own === null || theirs === null) return null;
    const detail = `${own.slow} of ${own.count} slices have a mean response time of at least ${SLOW} times the median slice, compared with ${theirs.slow} of ${theirs.count} slices of the other clients; the mean over all is ${apart(own.excess)} that of the median slice`;
    const isOwn =
      shareInterval(own.slow, own.count, STALL_LEVEL)!.low >
      shareInterval(theirs.slow, theirs.count, STALL_LEVEL)!.high;
    return isOwn && own.excess > NOTABLE_EXCESS
      ? warn(`the client itself stalls: ${detail}. Its ratios include that`)
      : pass(detail);
  },
};

/** null if there are too few slices for a median. */
function foldSlices(trials: readonly CompletedTrial[]): Slices | null {
  const portions = trials
    .flatMap(({ measurement }) => meanPortions(measurement.slices))
    .filter(({ per }) => per > 0);
  if (portions.length < MIN_SLICES) return null;
  const means = portions.map(({ amount, per }) => amount / per).toSorted((a, b) => a - b);
  const usual = means[Math.floor(means.length / 2)]!;
  return {
    count: means.length,
    slow: means.filter(mean => mean >= SLOW * usual).length,
    excess: overall(portions)! / usual - 1,
  };
}

/** Each client relative to its own median. */
function foldArms(trials: readonly CompletedTrial[]): Pick<Slices, 'count' | 'slow'> | null {
  const arms = Map.groupBy(trials, ({ trial }) => trial.arm);
  const folded = [...arms.values()].map(foldSlices).filter(slices => slices !== null);
  if (folded.length === 0) return null;
  return {
    count: sumOf(folded, ({ count }) => count),
    slow: sumOf(folded, ({ slow }) => slow),
  };
}
