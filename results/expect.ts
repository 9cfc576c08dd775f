// In: expectations and the trials of a cell. Out: whether each holds, by where its interval lies.
import type { Expectation, ExpectationResult, Judgement } from '../bench/core/expectation.ts';
import type { TrialResult } from './model/trial.ts';
import { completedOf, type Measured, measuredOn } from './expected-intervals.ts';
import { shownTogether } from './holm.ts';
import { holding, type Interval, LEVEL } from './stats.ts';

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
