// In: numbers from blocks or replicates. Out: a robust mean, and an interval that holds the truth as often as it says.

import quantile from '@stdlib/stats-base-dists-t-quantile';
import { LEAST_REPLICATES } from '../bench/core/replicates.ts';
import { findModes } from './modes.ts';

/** A ratio (or a rate) and its 95 % interval; low <= value <= high. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

/** Turns one log ratio per replicate into a ratio with its interval, or null when there are too few. */
export type Estimator = (logRatios: readonly number[], level?: number) => Interval | null;

/** Mean without the lowest and highest `share` (0 to below 0.5) of the values, rounded down; null for none. */
export function trimmedMean(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const cut = Math.floor(values.length * share);
  return meanOf(sorted.slice(cut, sorted.length - cut));
}

/** How often an interval is to hold the truth, unless several are judged at once (results/holm.ts). */
export const LEVEL = 0.95;
/**
 * Of the share of intervals that may miss the truth, what Student's is asked for: 97 % for 95 %, so that 95 % remain where
 * the truth is skewed or has modes (docs/statistics.md).
 */
const NOMINAL_SHARE = 0.6;
/** By how many replicates the main mode must lead the next, before those outside it are set aside. */
const LEAST_LEAD = 4;
const LEAST_MAIN = 3;

/**
 * The ratio and its interval (95 % unless another level is asked for), from one log ratio per replicate; null below three.
 * The truth that it holds is the ratio in the mode that most processes run in; where there are no modes, the geometric mean of the ratio.
 *
 *     replicates                         interval
 *     ----***-*----  one group           Student's t over all
 *     *---***-*----  a main mode that    Student's t over the main mode: another mode says nothing of this one
 *                    leads by 4
 *     **--***------  a main mode that    Student's t over all, widened to every replicate: the truth may be in either
 *                    does not
 *
 * Chosen by simulation among Student's t, Yuen's trimmed t, Hodges-Lehmann, order statistics and bootstrap-t:
 * docs/statistics.md has the table, `node bench/studies/estimators.ts` prints it anew.
 */
export const replicateInterval: Estimator = (logRatios, level = LEVEL) => {
  if (logRatios.length < LEAST_REPLICATES) return null;
  const nominal = 1 - NOMINAL_SHARE * (1 - level);
  const { groups, main, isDistinct } = findModes(logRatios);
  const all = studentInterval(logRatios, nominal);
  if (!isDistinct || main.length < LEAST_MAIN) return toRatio(all);
  const next = Math.max(...groups.filter(group => group !== main).map(group => group.length));
  if (main.length - next >= LEAST_LEAD) return toRatio(studentInterval(main, nominal));
  return toRatio({
    value: all.value,
    low: Math.min(all.low, ...logRatios),
    high: Math.max(all.high, ...logRatios),
  });
};

/** How far the interval of so many replicates reaches to either side, in standard deviations of a replicate. */
export function studentReach(replicates: number): number {
  return quantile(1 - (NOMINAL_SHARE * (1 - LEVEL)) / 2, replicates - 1) / Math.sqrt(replicates);
}

/** By how much an interval of 95 % is to be widened for a level, at so many degrees of freedom, which need not be whole. */
export function studentFactor(level: number, degrees: number): number {
  const reach = (at: number): number => quantile(1 - (NOMINAL_SHARE * (1 - at)) / 2, degrees);
  return reach(level) / reach(LEVEL);
}

/** Widened as far as needed to hold a value. */
export function holding(interval: Interval, value: number): Interval {
  return { ...interval, low: Math.min(interval.low, value), high: Math.max(interval.high, value) };
}

/**
 * The interval of replicates at a level above 95 %. It reaches at least as far as the one at 95 %, which may have been
 * widened for a reason of its own.
 */
export function widened(interval: Interval, replicateRatios: readonly number[], level: number): Interval {
  const wider = level > LEVEL ? replicateInterval(replicateRatios.map(Math.log), level) : null;
  return wider === null ? interval : holding(holding(interval, wider.low), wider.high);
}

/**
 * What an arm did in each replicate, as one figure: the location and interval of the logarithms, back in their unit. Of
 * fewer than three replicates, or where one is 0, it is the mean without an interval (low = high = value); null for none.
 */
export function overReplicates(values: readonly number[]): Interval | null {
  if (values.length === 0) return null;
  const interval = values.every(value => value > 0) ? replicateInterval(values.map(Math.log)) : null;
  if (interval !== null) return interval;
  const value = meanOf(values);
  return { value, low: value, high: value };
}

/** Student's t interval of the mean at a level such as 0.95, for at least two values. W. S. Gosset ("Student"), 1908. */
export function studentInterval(values: readonly number[], level: number): Interval {
  const n = values.length;
  const mean = meanOf(values);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = quantile((1 + level) / 2, n - 1) * Math.sqrt(variance / n);
  return { value: mean, low: mean - half, high: mean + half };
}

/** Logarithms that far out have no ratio left that a JSON number could hold. */
const LARGEST_LOG = 700;

/** From logarithms to ratios. */
export function toRatio({ value, low, high }: Interval): Interval {
  const exp = (log: number) => Math.exp(Math.max(-LARGEST_LOG, Math.min(LARGEST_LOG, log)));
  return { value: exp(value), low: exp(low), high: exp(high) };
}

/** NaN for none. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
