// In: expectations and the trials of a cell. Out: whether each holds, by where its interval lies.
import type {
  Expectation,
  ExpectationResult,
  ExpectedMetric,
  Judgement,
  Scenario,
} from '../scenarios/model/scenario.ts';
import { NULL_ARM } from '../scenarios/model/sweep.ts';
import { type FigureReader, METRIC_READERS, ratioOver, TARGET_CPU_READER } from './compare.ts';
import { capacityOf, requestsPerSec } from './metrics.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import {
  holding,
  type Interval,
  LEAST_REPLICATES,
  LEVEL,
  replicateInterval,
  shareInterval,
  shownTogether,
  studentInterval,
} from './stats.ts';

// From what is expected, and the trials of a cell. Out: what was measured of it, as an interval at a level.

/** The metrics of a trial that are positive and vary by a share of themselves: compared by their logarithms. */
const READERS: Record<PositiveMetric, Reader> = {
  requestsPerSec: trial => requestsPerSec(trial) ?? Number.NaN,
  meanUs: ({ measurement }) => measurement.response.meanUs,
  p50Us: ({ measurement }) => measurement.response.p50Us,
  p99Us: ({ measurement }) => measurement.response.p99Us,
  cpuUsPerRequest: ({ measurement }) => measurement.generator.cpuUsPerRequest,
  // Of a server that conntax did not start nobody knows.
  targetCpuUsPerRequest: ({ measurement }) => measurement.target?.cpuUsPerRequest ?? Number.NaN,
  // A trial without a capacity leaves the expectation open: it can't be told from a low one.
  capacityPerSec: ({ measurement }) => capacityOf(measurement) ?? Number.NaN,
};
type PositiveMetric = Exclude<
  ExpectedMetric,
  'successRatio' | 'connectionsPer1kRequests' | 'unneededConnectionsPer1kRequests'
>;
type Reader = (trial: CompletedTrial) => number;

/** How the same are read where two arms are paired. */
const PAIRED_READERS: Record<PositiveMetric, FigureReader> = {
  ...METRIC_READERS,
  targetCpuUsPerRequest: TARGET_CPU_READER,
};

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

function intervalOf(
  metric: ExpectedMetric,
  trials: readonly CompletedTrial[],
  level: number,
): Interval | null {
  switch (metric) {
    case 'successRatio':
      return successInterval(trials, level);
    case 'connectionsPer1kRequests':
      return areSeen(trials) ? plainInterval(trials.map(connectionsPer1k), level) : null;
    case 'unneededConnectionsPer1kRequests':
      return areSeen(trials) ? unneededInterval(trials, level) : null;
    default:
      return positiveInterval(trials.map(READERS[metric]), level);
  }
}

/** One ratio a replicate; figures of slices are paired block by block, as in every comparison. */
function ratioOf(
  { metric, of, over = '' }: Expectation,
  trials: readonly TrialResult[],
  level: number,
): Interval | null {
  const own = completedOf(of, trials);
  const others = completedOf(over, trials);
  switch (metric) {
    // Mostly 0 of both: the plan refuses a ratio of them.
    case 'unneededConnectionsPer1kRequests':
      return null;
    case 'successRatio':
    case 'connectionsPer1kRequests': {
      if (metric === 'connectionsPer1kRequests' && !areSeen([...own, ...others])) return null;
      const read = metric === 'successRatio' ? successOf : connectionsPer1k;
      const ratios = own.flatMap(trial => {
        const other = others.find(candidate => candidate.trial.replicate === trial.trial.replicate);
        return other === undefined ? [] : [read(trial) / read(other)];
      });
      return positiveInterval(ratios, level);
    }
    default:
      return ratioOver(PAIRED_READERS[metric], own, others, level).interval;
  }
}

/** Whether their connections are counted at all. */
function areSeen(trials: readonly CompletedTrial[]): boolean {
  return trials.every(({ measurement }) => measurement.ledger.openedBy !== 'unknown');
}

/** Opened per 1,000 requests sent, warm-up included. */
export function connectionsPer1k({ measurement: { ledger } }: CompletedTrial): number {
  return ledger.requestsSent === 0 ? 0 : (ledger.opened / ledger.requestsSent) * 1_000;
}

function successOf({ measurement: { completed, failed } }: CompletedTrial): number {
  return completed + failed === 0 ? 0 : completed / (completed + failed);
}

/** By the logarithms; null with fewer than three, or where one is not a positive number. */
function positiveInterval(values: readonly number[], level: number): Interval | null {
  return values.every(value => value > 0 && Number.isFinite(value))
    ? replicateInterval(values.map(Math.log), level)
    : null;
}

/** Of counts that may be 0. */
function plainInterval(values: readonly number[], level: number): Interval | null {
  if (values.length < LEAST_REPLICATES) return null;
  const { value, low, high } = studentInterval(values, level);
  return { value, low: Math.max(0, low), high };
}

/**
 * The share of requests that were answered well: the exact binomial interval (C. J. Clopper, E. S. Pearson, 1934) of all
 * requests together, widened to that over replicates where failures come in clusters, for then requests are not independent.
 */
function successInterval(trials: readonly CompletedTrial[], level: number): Interval | null {
  const good = trials.reduce((sum, { measurement }) => sum + measurement.completed, 0);
  const bad = trials.reduce((sum, { measurement }) => sum + measurement.failed, 0);
  return clusteredInterval(shareInterval(good, good + bad, level), trials.map(successOf), level);
}

/**
 * Connections beyond the most that the mode needs, per 1,000 requests: 0 of a client that reuses what it may, however long and
 * fast the run was. null where any number may be needed.
 */
function unneededInterval(trials: readonly CompletedTrial[], level: number): Interval | null {
  const counts = trials.map(({ measurement: { ledger } }) => ({
    sent: ledger.requestsSent,
    unneeded:
      ledger.needed.most === null
        ? null
        : Math.max(0, Math.min(ledger.requestsSent, ledger.opened - ledger.needed.most)),
  }));
  if (counts.some(({ unneeded }) => unneeded === null)) return null;
  const sum = (read: (count: (typeof counts)[number]) => number): number =>
    counts.reduce((total, count) => total + read(count), 0);
  const share = clusteredInterval(
    shareInterval(
      sum(({ unneeded }) => unneeded ?? 0),
      sum(({ sent }) => sent),
      level,
    ),
    counts.map(({ sent, unneeded }) => (sent === 0 ? 0 : (unneeded ?? 0) / sent)),
    level,
  );
  if (share === null) return null;
  return { value: share.value * 1_000, low: share.low * 1_000, high: share.high * 1_000 };
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
 * Judges one expectation on the completed trials given. `fail` only if the whole interval lies beyond the limit, `pass` only
 * if none of it does:
 *
 *                 atLeast                    atMost
 *                    |                          |
 *          |--*--|   |           fail     |--*--|  |          pass
 *                 |--*--|        unsure         |--*--|       unsure
 *                    |  |--*--|  pass           |  |--*--|    fail
 */
export function judge(expectation: Expectation, trials: readonly TrialResult[]): Judgement {
  const interval = measuredOn(trials)(expectation, LEVEL);
  const replicates = completedOf(expectation.of, trials).length;
  return { state: judgeInterval(interval, expectation), interval, replicates };
}

/** The same of all that are expected at once: what fails is held together. */
export function judgeAll(expectations: readonly Expectation[], trials: readonly TrialResult[]): Judgement[] {
  const states = judgeTogether(expectations, measuredOn(trials));
  return expectations.map((expectation, index) => ({ ...judge(expectation, trials), state: states[index]! }));
}

/**
 * Whether each holds. That any of them is said to fail though it holds has a chance of 5 % at most (Holm's method), so that of
 * several the 95 % interval of one may lie beyond its limit, and it is *unsure* all the same. To pass takes no more than the
 * 95 % interval: only where all pass does the whole, so that nothing adds up (an intersection-union test).
 */
export function judgeTogether(
  expectations: readonly Expectation[],
  measured: Measured,
): Judgement['state'][] {
  const stateAt = (expectation: Expectation, level: number) =>
    judgeInterval(measured(expectation, level), expectation);
  const known = expectations.filter(expectation => measured(expectation, LEVEL) !== null);
  const failing = shownTogether(known, (expectation, level) => stateAt(expectation, level) === 'fail');
  return expectations.map(expectation => {
    const state = stateAt(expectation, LEVEL);
    return state === 'fail' && !failing.has(expectation) ? 'unsure' : state;
  });
}

/** As it stands before anything was measured again. */
export function firstResult(expectation: Expectation, first: Judgement): ExpectationResult {
  return { expectation, state: first.state, first, confirmation: null, together: null };
}

/**
 * A failure is final only if fresh replicates bear it out: the interval of all replicates together, widened to hold what the
 * fresh ones measure by themselves, lies beyond the limit. If not, nobody can be sure. (If the fresh ones had to fail by
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

/** The same of those that are measured again: a failure is final, or the fresh replicates say the contrary of each. */
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

// From a scenario and one of its arms. Out: whether its author has said that not one good answer is fine.

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
