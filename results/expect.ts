// In: expectations and the trials of a cell. Out: whether each holds, by where its interval lies.
import type { Expectation, ExpectationResult, ExpectedMetric, Judgement } from '../bench/core/expectation.ts';
import type { CompletedTrial, TrialResult } from '../bench/core/types.ts';
import { type FigureReader, METRIC_READERS, replicateLogRatios, TARGET_CPU_READER } from './compare.ts';
import { capacityOf, requestsPerSec } from './headline-metric.ts';
import { shareInterval } from './share.ts';
import { holding, type Interval, replicateInterval, studentInterval } from './stats.ts';

const LEVEL = 0.95;

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
type PositiveMetric = Exclude<ExpectedMetric, 'successRatio' | 'connectionsPer1kRequests'>;
type Reader = (trial: CompletedTrial) => number;

/** How the same are read where two arms are paired. */
const PAIRED_READERS: Record<PositiveMetric, FigureReader> = {
  ...METRIC_READERS,
  targetCpuUsPerRequest: TARGET_CPU_READER,
};

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
  const { of, over } = expectation;
  const own = completedOf(of, trials);
  const interval = over === undefined ? intervalOf(expectation.metric, own) : ratioOf(expectation, trials);
  return { state: judgeInterval(interval, expectation), interval, replicates: own.length };
}

/** As it stands before anything was measured again. */
export function firstResult(expectation: Expectation, first: Judgement): ExpectationResult {
  return { expectation, state: first.state, first, confirmation: null, together: null };
}

/**
 * A failure is final only if fresh replicates bear it out: the interval of all replicates together, widened to hold what the
 * fresh ones measure by themselves, lies beyond the limit. If not, nobody can be sure. (If the fresh ones had to fail by
 * themselves, more of the changes that are there would be missed: docs/gate.md compares the two. Without the widening, two
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

function completedOf(arm: string, trials: readonly TrialResult[]): CompletedTrial[] {
  return trials.filter(trial => trial.state === 'completed').filter(({ trial }) => trial.arm === arm);
}

function intervalOf(metric: ExpectedMetric, trials: readonly CompletedTrial[]): Interval | null {
  switch (metric) {
    case 'successRatio':
      return successInterval(trials);
    case 'connectionsPer1kRequests':
      return areSeen(trials) ? plainInterval(trials.map(connectionsPer1k)) : null;
    default:
      return positiveInterval(trials.map(READERS[metric]));
  }
}

/** One ratio a replicate; figures of slices are paired block by block, as in every comparison. */
function ratioOf({ metric, of, over = '' }: Expectation, trials: readonly TrialResult[]): Interval | null {
  const own = completedOf(of, trials);
  const others = completedOf(over, trials);
  if (metric !== 'successRatio' && metric !== 'connectionsPer1kRequests') {
    return replicateInterval(replicateLogRatios(PAIRED_READERS[metric], own, others));
  }
  if (metric === 'connectionsPer1kRequests' && !areSeen([...own, ...others])) return null;
  const read = metric === 'successRatio' ? successOf : connectionsPer1k;
  const ratios = own.flatMap(trial => {
    const other = others.find(candidate => candidate.trial.replicate === trial.trial.replicate);
    return other === undefined ? [] : [read(trial) / read(other)];
  });
  return positiveInterval(ratios);
}

/** Whether anybody counts their connections. */
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

/** By the logarithms; null with fewer than two, or where one is no positive number. */
function positiveInterval(values: readonly number[]): Interval | null {
  return values.every(value => value > 0 && Number.isFinite(value))
    ? replicateInterval(values.map(Math.log))
    : null;
}

/** Of counts that may be 0. */
function plainInterval(values: readonly number[]): Interval | null {
  if (values.length < 2) return null;
  const { value, low, high } = studentInterval(values, LEVEL);
  return { value, low: Math.max(0, low), high };
}

/**
 * The share of requests that were answered well: the exact binomial interval (C. J. Clopper, E. S. Pearson, 1934) of all
 * requests together, widened to that over replicates where failures come in clusters, for then requests are not independent.
 */
function successInterval(trials: readonly CompletedTrial[]): Interval | null {
  const good = trials.reduce((sum, { measurement }) => sum + measurement.completed, 0);
  const bad = trials.reduce((sum, { measurement }) => sum + measurement.failed, 0);
  const exact = shareInterval(good, good + bad, LEVEL);
  if (exact === null) return null;
  const over = plainInterval(trials.map(successOf)) ?? exact;
  return {
    value: exact.value,
    low: Math.min(exact.low, over.low),
    high: Math.min(1, Math.max(exact.high, over.high)),
  };
}
