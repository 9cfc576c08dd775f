// Judges expectations by where their intervals lie.
import type {
  Expectation,
  ExpectationResult,
  ExpectedMetric,
  Judgement,
  Scenario,
} from '../scenarios/model/scenario.ts';
import { NULL_ARM } from '../scenarios/model/sweep.ts';
import { pairByReplicate, ratioOver } from './compare.ts';
import {
  countResponses,
  hasFewBeyond,
  leastCapacityOf,
  METRIC_TABLE,
  ratioOf as partOf,
  readerOf,
  type Share,
  speakingFor,
} from './metrics.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import {
  CONFIDENCE_LEVEL,
  holding,
  type Interval,
  MIN_REPLICATES,
  replicateInterval,
  shareInterval,
  shownTogether,
  studentInterval,
  sumOf,
} from './stats.ts';

function completedOf(arm: string, trials: readonly TrialResult[]): CompletedTrial[] {
  return trials.filter(trial => trial.state === 'completed').filter(({ trial }) => trial.arm === arm);
}

/** What was measured of what is expected, as an interval at a level; null where there is too little. */
type Measured = (expectation: Expectation, level: number) => Interval | null;

function measuredOn(trials: readonly TrialResult[]): Measured {
  return (expectation, level) =>
    expectation.over === undefined
      ? intervalOf(expectation.metric, completedOf(expectation.of, trials), level)
      : ratioOf(expectation, trials, level);
}

/** What a limit is judged by: also null for a quantile that fewer than 10 requests exceed. */
function judgedOn(trials: readonly TrialResult[]): Measured {
  const measured = measuredOn(trials);
  return (expectation, level) => {
    if (isOfFewRequests(expectation, trials)) return null;
    return measured(expectation, level) ?? capacityBound(expectation, trials, level);
  };
}

/** A lower bound of the capacity, from searches that sustained their highest rate in some replicates; null without any. */
function capacityBound(
  { metric, of, over }: Expectation,
  trials: readonly TrialResult[],
  level: number,
): Interval | null {
  if (metric !== 'capacityPerSec' || over !== undefined) return null;
  const least = completedOf(of, trials).map(({ measurement }) => leastCapacityOf(measurement));
  const bound = areAllKnown(least) ? positiveInterval(least, level) : null;
  return bound === null ? null : { ...bound, high: Number.POSITIVE_INFINITY };
}

/** Whether a limit is on a quantile of too few requests of a client that it is about. */
export function isOfFewRequests(
  { metric, of, over }: Pick<Expectation, 'metric' | 'of' | 'over'>,
  trials: readonly TrialResult[],
): boolean {
  const { shareBeyond } = METRIC_TABLE[metric];
  return [of, ...(over === undefined ? [] : [over])].some(arm =>
    hasFewBeyond(shareBeyond, countResponses(completedOf(arm, trials))),
  );
}

function intervalOf(
  metric: ExpectedMetric,
  trials: readonly CompletedTrial[],
  level: number,
): Interval | null {
  const { interval, ofTrial } = METRIC_TABLE[metric];
  if (interval.of === 'shares') return shareOfAll(trials.map(interval.read), interval.per, level);
  const figures = trials.map(ofTrial);
  if (!areAllKnown(figures)) return null;
  return interval.of === 'counts' ? plainInterval(figures, level) : positiveInterval(figures, level);
}

/** One ratio a replicate; figures of slices are paired block by block, as in every comparison. */
function ratioOf(
  { metric, of, over = '' }: Expectation,
  trials: readonly TrialResult[],
  level: number,
): Interval | null {
  const own = speakingFor(metric, completedOf(of, trials));
  const others = speakingFor(metric, completedOf(over, trials));
  const { interval, ofTrial } = METRIC_TABLE[metric];
  if (interval.of === 'logarithms') return ratioOver(readerOf(metric), own, others, level).interval;
  if (interval.of === 'shares' && !interval.hasRatio) return null;
  if (!areAllKnown([...own, ...others].map(ofTrial))) return null;
  const ratios = pairByReplicate(own, others).map(([trial, other]) => ofTrial(trial)! / ofTrial(other)!);
  return positiveInterval(ratios, level);
}

function areAllKnown<Figure>(figures: readonly (Figure | null)[]): figures is readonly Figure[] {
  return figures.every(figure => figure !== null);
}

/** By the logarithms; null with fewer than three, or where one is not a positive number. */
function positiveInterval(values: readonly number[], level: number): Interval | null {
  return values.every(value => value > 0 && Number.isFinite(value))
    ? replicateInterval(values.map(Math.log), level)
    : null;
}

/** An interval of counts that may be 0. */
function plainInterval(values: readonly number[], level: number): Interval | null {
  if (values.length < MIN_REPLICATES) return null;
  const { value, low, high } = studentInterval(values, level);
  return { value, low: Math.max(0, low), high };
}

/**
 * A share of requests, in units of `per`: the exact binomial interval (C. J. Clopper, E. S. Pearson, 1934) of all requests
 * together, widened to that over replicates where they come in clusters, for then requests are not independent.
 */
function shareOfAll(shares: readonly (Share | null)[], per: number, level: number): Interval | null {
  if (!areAllKnown(shares)) return null;
  const part = sumOf(shares, share => share.part);
  const exact = shareInterval(
    part,
    sumOf(shares, ({ of }) => of),
    level,
  );
  const clustered = clusteredInterval(exact, shares.map(partOf), level);
  if (clustered === null) return null;
  return { value: clustered.value * per, low: clustered.low * per, high: clustered.high * per };
}

/** Too few replicates for an interval of their own still say how far apart they are. */
function clusteredInterval(
  exact: Interval | null,
  shares: readonly number[],
  level: number,
): Interval | null {
  if (exact === null) return null;
  const over = plainInterval(shares, level);
  const { value } = exact;
  return {
    value,
    low: Math.min(exact.low, over?.low ?? Math.min(value, ...shares)),
    high: Math.min(1, Math.max(exact.high, over?.high ?? Math.max(value, ...shares))),
  };
}

/**
 * Judges one expectation on the completed trials given. A quantile of too few requests is *unsure*. Of others, `fail` only if the whole interval lies beyond the limit, `pass` only
 * if none of it does:
 *
 *                 atLeast                    atMost
 *                    |                          |
 *          |--*--|   |           fail     |--*--|  |          pass
 *                 |--*--|        unsure         |--*--|       unsure
 *                    |  |--*--|  pass           |  |--*--|    fail
 */
export function judge(expectation: Expectation, trials: readonly TrialResult[]): Judgement {
  const interval = measuredOn(trials)(expectation, CONFIDENCE_LEVEL);
  const replicates = completedOf(expectation.of, trials).length;
  const state = judgeInterval(judgedOn(trials)(expectation, CONFIDENCE_LEVEL), expectation);
  return { state, interval, replicates };
}

/**
 * The same of all that are expected at once: what fails is held together, also with the expectations of the other runs if several
 * share one error (`errorSharers`, this run included).
 */
export function judgeAll(
  expectations: readonly Expectation[],
  trials: readonly TrialResult[],
  errorSharers = 1,
): Judgement[] {
  const states = judgeTogether(expectations, judgedOn(trials), errorSharers);
  return expectations.map((expectation, index) => ({ ...judge(expectation, trials), state: states[index]! }));
}

/**
 * Whether each holds. That any of them is said to fail though it holds has a chance of 5 % at most (Holm's method), so that of
 * several the 95 % interval of one may lie beyond its limit, and it is *unsure* all the same. To pass takes no more than the
 * 95 % interval: only where all pass does the whole, so that nothing adds up (an intersection-union test).
 *
 * @param errorSharers runs that share those 5 % evenly, in which a false pass misleads as much as a false failure
 */
export function judgeTogether(
  expectations: readonly Expectation[],
  measured: Measured,
  errorSharers = 1,
): Judgement['state'][] {
  const stateAt = (expectation: Expectation, level: number) =>
    judgeInterval(measured(expectation, sharedLevel(level, errorSharers)), expectation);
  const known = expectations.filter(expectation => measured(expectation, CONFIDENCE_LEVEL) !== null);
  const failing = shownTogether(known, (expectation, level) => stateAt(expectation, level) === 'fail');
  return expectations.map(expectation => {
    const state = stateAt(expectation, CONFIDENCE_LEVEL);
    return state === 'fail' && !failing.has(expectation) ? 'unsure' : state;
  });
}

/** The level that each of several has to be judged at, so that all together are wrong as rarely as one at `level`. */
function sharedLevel(level: number, sharers: number): number {
  return 1 - (1 - level) / sharers;
}

const SUREST_DIGITS = 12;
const SURENESS_STEPS = 30;

/**
 * How sure a judgement is: the highest level at which the interval still lies on the same side of the limit, such as 0.998; null
 * where it does at none from 95 % on.
 */
export function surenessOf(expectation: Expectation, trials: readonly TrialResult[]): number | null {
  const measured = measuredOn(trials);
  const stateAt = (digits: number) => judgeInterval(measured(expectation, 1 - 10 ** -digits), expectation);
  const leastDigits = -Math.log10(1 - CONFIDENCE_LEVEL);
  const state = stateAt(leastDigits);
  if (state === 'unsure') return null;
  let low = leastDigits;
  let high = SUREST_DIGITS;
  for (let step = 0; step < SURENESS_STEPS; step++) {
    const middle = (low + high) / 2;
    if (stateAt(middle) === state) low = middle;
    else high = middle;
  }
  return 1 - 10 ** -low;
}

/** As it stands before anything was measured again. */
export function firstResult(expectation: Expectation, first: Judgement): ExpectationResult {
  return { expectation, state: first.state, first, confirmation: null, together: null };
}

/**
 * A failure is final only if fresh replicates confirm it: the interval of all replicates together, widened to hold what the
 * fresh ones measure by themselves, lies beyond the limit. If not, it is unsure. (If the fresh ones had to fail by
 * themselves, more of the changes that are there would be missed: docs/ci.md compares the two. Without the widening, two
 * measurements that differ would be taken for two modes of a process, and the smaller one left out.)
 */
export function confirmed(
  result: ExpectationResult,
  judgeAgain: (expectation: Expectation) => { fresh: Judgement; together: Judgement },
): ExpectationResult {
  const { expectation, first } = result;
  if (first.state !== 'fail') return result;
  const { fresh, together } = judgeAgain(expectation);
  const interval =
    fresh.interval === null || together.interval === null
      ? null
      : holding(together.interval, fresh.interval.value);
  const state = judgeInterval(interval, expectation);
  return {
    ...result,
    confirmation: fresh,
    together: { ...together, interval, state },
    state: state === 'fail' ? 'fail' : 'unsure',
  };
}

/** Whether no more replicates are needed: one fails, or all pass. */
export function isDecided(results: readonly ExpectationResult[]): boolean {
  return results.some(({ state }) => state === 'fail') || results.every(({ state }) => state === 'pass');
}

/** The same of those that are measured again: a failure is final, or the fresh replicates contradict each one. */
export function isConfirmationDecided(results: readonly ExpectationResult[]): boolean {
  const again = results.filter(({ first }) => first.state === 'fail');
  return (
    again.some(({ state }) => state === 'fail') ||
    again.every(({ confirmation }) => confirmation?.state === 'pass')
  );
}

/** By where an interval lies, as `judge` draws it. No interval: unsure. */
export function judgeInterval(
  interval: Interval | null,
  { atLeast, atMost }: Pick<Expectation, 'atLeast' | 'atMost'>,
): Judgement['state'] {
  if (interval === null) return 'unsure';
  if (atLeast !== undefined && interval.high < atLeast) return 'fail';
  if (atMost !== undefined && interval.low > atMost) return 'fail';
  const isAbove = atLeast === undefined || interval.low >= atLeast;
  const isBelow = atMost === undefined || interval.high <= atMost;
  return isAbove && isBelow ? 'pass' : 'unsure';
}

/** By an expectation of its own, or of the arm that it is a copy of, that a share of good answers of 0 meets. */
export function areFailuresExpected(
  arm: string,
  { expect, baseline }: Pick<Scenario, 'expect' | 'baseline'>,
): boolean {
  const name = arm === NULL_ARM ? baseline : arm;
  return expect.some(
    expectation =>
      expectation.metric === 'successRatio' &&
      expectation.of === name &&
      expectation.over === undefined &&
      judgeInterval({ value: 0, low: 0, high: 0 }, expectation) === 'pass',
  );
}
