// Robust means, and intervals that hold the truth as often as they claim.
import { createRequire } from 'node:module';

/**
 * Two replicates are not an interval: Student's t has one degree of freedom then, and reaches 21 standard errors to either
 * side. Three hold the truth as often as more do (results/stats.test.ts).
 */
export const MIN_REPLICATES = 3;

/** Neighbours further apart than this (8 %) are in different groups; replicates of one mode lie within 2 to 5 %. */
const MIN_GAP = 0.08;
/** A mode is only believed where the next group is at least this many of its own widths away. */
const MIN_GAP_IN_WIDTHS = 2;

interface Modes {
  /** The values, sorted, in groups from low to high. */
  groups: number[][];
  /** The largest group. */
  main: number[];
  /** Whether the main group has more than one value and stands clear of its neighbours; false when all are one group. */
  isDistinct: boolean;
}

/**
 * Groups values (at least one) by the gaps between neighbours. With distinct modes the picture is
 *
 *     -0.25        0          the group at 0 is the main one; it is distinct, as the gap is many times its width
 *       **       *****
 *
 * and without, the gaps are those that any wide distribution shows between few values:
 *
 *     *   * ** *    *   *     not distinct: gaps no wider than the groups
 */
export function findModes(values: readonly number[]): Modes {
  const groups: number[][] = [];
  for (const value of values.toSorted((a, b) => a - b)) {
    const last = groups.at(-1);
    if (last === undefined || value - last.at(-1)! > MIN_GAP) groups.push([value]);
    else last.push(value);
  }
  const main = groups.reduce((largest, group) => (group.length > largest.length ? group : largest), []);
  return { groups, main, isDistinct: groups.length > 1 && main.length > 1 && isClear(groups, main) };
}

function isClear(groups: readonly number[][], main: number[]): boolean {
  const low = main[0]!;
  const high = main.at(-1)!;
  const index = groups.indexOf(main);
  const below = groups[index - 1]?.at(-1) ?? Number.NEGATIVE_INFINITY;
  const above = groups[index + 1]?.[0] ?? Number.POSITIVE_INFINITY;
  return Math.min(low - below, above - high) >= MIN_GAP_IN_WIDTHS * (high - low);
}

/** A ratio (or a rate) and its 95 % interval; low <= value <= high. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

/**
 * Turns one log ratio per replicate into a ratio with its interval, or null when there are too few.
 *
 * @param usualLogRatios of the same replicates, by their usual slices alone; absent where a replicate is not made of slices
 */
export type Estimator = (
  logRatios: readonly number[],
  level?: number,
  usualLogRatios?: readonly number[],
) => Interval | null;

/** Mean without the lowest and highest `share` (0 to below 0.5) of the values, rounded down; null for none. */
export function trimmedMean(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const cut = Math.floor(values.length * share);
  return meanOf(sorted.slice(cut, sorted.length - cut));
}

/** How often an interval must hold the truth, unless several are judged at once (`shownTogether`). */
export const CONFIDENCE_LEVEL = 0.95;
/** The level, what remains of it, and such an interval as reports write them. */
export const LEVEL_PERCENT = `${Math.round(CONFIDENCE_LEVEL * 100)} %`;
export const ERROR_PERCENT = `${Math.round((1 - CONFIDENCE_LEVEL) * 100)} %`;
export const INTERVAL_NAME = `${LEVEL_PERCENT} interval`;
/**
 * What Student's interval is asked for, as part of the share of intervals that may miss the truth: 97 % for 95 %, so that 95 % remain where
 * the truth is skewed or has modes (docs/method.md).
 */
const NOMINAL_SHARE = 0.6;
/** By how many replicates the main mode must lead the next, before those outside it are set aside. */
const MIN_LEAD = 4;
const MIN_MAIN = 3;

/**
 * The ratio and its interval (95 % unless another level is asked for), from one log ratio per replicate; null below three.
 * The truth that it holds is the ratio in the mode that most processes run in; where there are no modes, the geometric mean of the ratio.
 *
 *     replicates                         interval
 *     ----***-*----  one group           Student's t over all
 *     *---***-*----  a main mode that    Student's t over the main mode: another mode says nothing of this one
 *                    leads by 4          (over all, where the usual slices have no such groups)
 *     **--***------  a main mode that    Student's t over all, widened to every replicate: the truth may be in either
 *                    does not
 *
 * Chosen by simulation among Student's t, Yuen's trimmed t, Hodges-Lehmann, order statistics and bootstrap-t:
 * docs/measured.md has the table.
 */
export const replicateInterval: Estimator = (
  logRatios,
  level = CONFIDENCE_LEVEL,
  usualLogRatios = logRatios,
) => {
  if (logRatios.length < MIN_REPLICATES) return null;
  const nominal = 1 - NOMINAL_SHARE * (1 - level);
  const { groups, main, isDistinct } = findModes(logRatios);
  const all = studentInterval(logRatios, nominal);
  if (!isDistinct || main.length < MIN_MAIN || !areProcessModes(main, logRatios, usualLogRatios)) {
    return toRatio(all);
  }
  const next = Math.max(...groups.filter(group => group !== main).map(group => group.length));
  if (main.length - next >= MIN_LEAD) return toRatio(studentInterval(main, nominal));
  return toRatio({
    value: all.value,
    low: Math.min(all.low, ...logRatios),
    high: Math.max(all.high, ...logRatios),
  });
};

/**
 * A process in another mode is slower in all of its slices, so the usual slices of a replicate are in the same groups as its
 * totals. Replicates that differ by how many pauses of an arm they hold are not: those with fewer say no more than the others.
 */
function areProcessModes(
  main: readonly number[],
  logRatios: readonly number[],
  usualLogRatios: readonly number[],
): boolean {
  if (usualLogRatios === logRatios) return true;
  const usual = findModes(usualLogRatios);
  return (
    usual.isDistinct &&
    logRatios.every((value, index) => main.includes(value) === usual.main.includes(usualLogRatios[index]!))
  );
}

/** How far the interval of n replicates reaches to either side, in standard deviations of a replicate. */
export function studentReach(replicates: number): number {
  return (
    studentQuantile(1 - (NOMINAL_SHARE * (1 - CONFIDENCE_LEVEL)) / 2, replicates - 1) / Math.sqrt(replicates)
  );
}

/** The factor by which a 95 % interval is widened for another level; degrees of freedom need not be whole. */
function studentFactor(level: number, degrees: number): number {
  const reach = (at: number): number => studentQuantile(1 - (NOMINAL_SHARE * (1 - at)) / 2, degrees);
  return reach(level) / reach(CONFIDENCE_LEVEL);
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
  if (level <= CONFIDENCE_LEVEL || replicateRatios.length < MIN_REPLICATES) return interval;
  const wider = intervalOfParts([{ interval, replicateRatios }], level)!;
  return holding(holding(interval, wider.low), wider.high);
}

/**
 * The interval over the replicates of one or more measurements, of which only the figures are left, at a level; null below three
 * replicates. Where one of them did not believe the modes that its replicates seem to have, all are of one mode.
 */
export function intervalOfParts(
  parts: readonly { interval: Interval | null; replicateRatios: readonly number[] }[],
  level = CONFIDENCE_LEVEL,
): Interval | null {
  const logRatios = parts.flatMap(({ replicateRatios }) => replicateRatios.map(Math.log));
  const interval = replicateInterval(logRatios, level);
  if (interval === null || !parts.some(isOfOneMode)) return interval;
  return toRatio(studentInterval(logRatios, 1 - NOMINAL_SHARE * (1 - level)));
}

/** Whether an interval is wider than the modes of its replicates would make it. */
function isOfOneMode({
  interval,
  replicateRatios,
}: {
  interval: Interval | null;
  replicateRatios: readonly number[];
}): boolean {
  const byModes = replicateInterval(replicateRatios.map(Math.log));
  return (
    interval !== null &&
    byModes !== null &&
    (byModes.high / byModes.low) * (1 + ROUNDING) < interval.high / interval.low
  );
}

/**
 * What an arm did in each replicate, as one figure: geometric mean and interval. It knows no modes: only a pair tells a slow
 * process from a slow machine, and the means of two arms are as far apart as their ratio. Of fewer than three replicates, or
 * where one is 0, it is the mean without an interval (low = high = value); null for none.
 */
export function overReplicates(values: readonly number[]): Interval | null {
  if (values.length === 0) return null;
  if (values.length >= MIN_REPLICATES && values.every(value => value > 0)) {
    return toRatio(replicateMeanInterval(values.map(Math.log))!);
  }
  return exactly(meanOf(values));
}

/** A figure without an interval. */
export function exactly(value: number): Interval {
  return { value, low: value, high: value };
}

/** Student's t interval of the mean at a level such as 0.95, for at least two values. W. S. Gosset ("Student"), 1908. */
export function studentInterval(values: readonly number[], level: number): Interval {
  const n = values.length;
  const mean = meanOf(values);
  const half = studentQuantile((1 + level) / 2, n - 1) * Math.sqrt(sampleVariance(values) / n);
  return { value: mean, low: mean - half, high: mean + half };
}

/**
 * The mean of one value per replicate with its 95 % interval, where the values may be near or below 0 and have no logarithm,
 * such as differences; null below three. Asks Student's t for as much as `replicateInterval` does, and knows no modes.
 */
export function replicateMeanInterval(values: readonly number[]): Interval | null {
  return values.length < MIN_REPLICATES
    ? null
    : studentInterval(values, 1 - NOMINAL_SHARE * (1 - CONFIDENCE_LEVEL));
}

/** Logarithms that far out have no ratio left that a JSON number could hold. */
const LARGEST_LOG = 700;

/** Relative error of taking the logarithm of an exponential. */
const ROUNDING = 1e-9;

/** From logarithms to ratios. */
export function toRatio({ value, low, high }: Interval): Interval {
  const exp = (log: number) => Math.exp(Math.max(-LARGEST_LOG, Math.min(LARGEST_LOG, log)));
  return { value: exp(value), low: exp(low), high: exp(high) };
}

export function sumOf<Item>(items: readonly Item[], read: (item: Item) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}

/** null if one of them is unknown. */
export function sumKnown<Item>(items: readonly Item[], read: (item: Item) => number | null): number | null {
  const values = items.map(read);
  return values.includes(null) ? null : sumOf(values, value => value!);
}

/** NaN for no values. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Variance of the population from which these at least two values are drawn. */
export function sampleVariance(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

/** NaN for no values. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

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
  if (level === CONFIDENCE_LEVEL || own + other === 0) return change;
  const degrees = (own + other) ** 2 / (own ** 2 / (counts.before - 1) + other ** 2 / (counts.after - 1));
  const factor = studentFactor(level, degrees);
  const { value, low, high } = change;
  return { value, low: value * (low / value) ** factor, high: value * (high / value) ** factor };
}

/** Variance of the logarithm, up to a factor that nearly cancels. */
function varianceOf({ low, high }: Interval): number {
  return Math.log(high / low) ** 2;
}

function logOf({ value, low, high }: Interval): Interval {
  return { value: Math.log(value), low: Math.log(low), high: Math.log(high) };
}

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
  if (!(half > 0) || replicates < MIN_REPLICATES) return null;
  const share = (wanted / half) * studentReach(replicates);
  if (studentReach(MOST) >= share) return null;
  // The more replicates, the shorter the reach; each takes long to compute.
  let [enough, tooFew] = [MOST, replicates - 1];
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (studentReach(middle) < share) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/**
 * Holm's step-down method (S. Holm, 1979), by intervals instead of p-values: of m claims the surest have to be shown at the
 * level 1 - 5 % / m, those that remain at the level for as many as remain, and so on until none is shown any more. The chance
 * that any claim of all is false is then at most 5 %, however they depend on each other. One claim is judged at 95 %.
 *
 * @param isShown whether a claim is shown by its interval at a level; at a higher level never where not at a lower one
 */
export function shownTogether<Claim>(
  claims: readonly Claim[],
  isShown: (claim: Claim, level: number) => boolean,
): Set<Claim> {
  const shown = new Set<Claim>();
  let open = claims;
  while (open.length > 0) {
    const level = levelOf(open.length);
    const found = open.filter(claim => isShown(claim, level));
    if (found.length === 0) break;
    for (const claim of found) shown.add(claim);
    open = open.filter(claim => !shown.has(claim));
  }
  return shown;
}

/** The level at which each of n claims has to be shown, so that none is false at 95 %. */
export function levelOf(claims: number): number {
  return 1 - (1 - CONFIDENCE_LEVEL) / Math.max(1, claims);
}

/** These packages are 150 files: they are loaded at the first interval, of which most processes make none. */
const require = createRequire(import.meta.url);
let student: typeof import('@stdlib/stats-base-dists-t-quantile') | undefined;
let beta: typeof import('@stdlib/stats-base-dists-beta-quantile') | undefined;

/** Each value takes many iterations, and the same few are needed for every interval of a run. */
const remembered = new Map<string, number>();
/** Degrees of freedom need not be whole, so there is no end of them. */
const MAX_REMEMBERED = 1_000;

/** @param degrees degrees of freedom, which need not be whole */
function studentQuantile(probability: number, degrees: number): number {
  const key = `${probability} ${degrees}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  student ??= require('@stdlib/stats-base-dists-t-quantile');
  const value = student!(probability, degrees);
  if (remembered.size < MAX_REMEMBERED) remembered.set(key, value);
  return value;
}

/** Quantile of the beta distribution with these two shapes. */
function betaQuantile(probability: number, first: number, second: number): number {
  beta ??= require('@stdlib/stats-base-dists-beta-quantile');
  return beta!(probability, first, second);
}
