// Draws thousands of gates from replicates that real gates have recorded.
import { reachRatio } from '../../../report/words/numbers.ts';
import {
  confirmed,
  firstResult,
  isConfirmationDecided,
  isDecided,
  judgeInterval,
  judgeTogether,
} from '../../../results/expect.ts';
import type { Random } from '../../../results/random.ts';
import { pick } from '../../../results/random.ts';
import {
  CONFIDENCE_LEVEL,
  type Interval,
  MIN_REPLICATES,
  replicateInterval,
  sumOf,
} from '../../../results/stats.ts';
import type { Expectation, ExpectationResult, Judgement } from '../../../scenarios/model/scenario.ts';
import { MIN_DECIDING } from '../../cli/ab.ts';
import { type Observation, type Replicate, worstOf } from './gates.ts';

const MAX_REPLICATES = 30;

interface Rule {
  leastReplicates: number;
  /** @param ratio of requests/s on the same replicates */
  isEnough(results: readonly ExpectationResult[], ratio: Interval | null): boolean;
  isEnoughAgain(results: readonly ExpectationResult[], ratio: Interval | null): boolean;
  confirm: typeof confirmed;
}

export const RULE_NAMES = ['until decided', 'until precise'] as const;
export type RuleName = (typeof RULE_NAMES)[number];

export const RULES: Record<RuleName, (minEffect: number) => Rule> = {
  /** What `conntax ab` does. */
  'until decided': () => ({
    leastReplicates: MIN_DECIDING,
    isEnough: isDecided,
    isEnoughAgain: isConfirmationDecided,
    confirm: confirmed,
  }),
  /** What it took the place of: a known ratio first, and fresh replicates that have to fail by themselves. */
  'until precise': minEffect => {
    const isPrecise = (_: unknown, ratio: Interval | null): boolean =>
      ratio !== null && reachRatio(ratio) <= minEffect / 2;
    return {
      leastReplicates: MIN_REPLICATES,
      isEnough: isPrecise,
      isEnoughAgain: isPrecise,
      confirm: (result, judgeAgain) => {
        const again = confirmed(result, judgeAgain);
        if (again.confirmation === null) return again;
        return { ...again, state: again.confirmation.state === 'fail' ? 'fail' : 'unsure' };
      },
    };
  },
};

export interface ResampleOptions {
  expectations: readonly Expectation[];
  rule: Rule;
  /** Of the gate, and once more where a failure is measured again. */
  budgetMs: number;
  /** What the second arm differs by, beyond what was recorded. */
  effect: Effect;
  /**
   * Whether before and after are the same in what was recorded: then which of them is called after is drawn, too, so that
   * chance can't take a side.
   */
  isSymmetric: boolean;
  gates: number;
  random: Random;
}

/** Natural logarithms of after / before. */
export interface Effect {
  logRate: number;
  logCpu: number;
}

/** The effect of more CPU time per request on a client that keeps its core busy. */
export function slowdown(ratio: number): Effect {
  return { logRate: -Math.log(1 + ratio), logCpu: Math.log(1 + ratio) };
}

export interface GateRates {
  /** Shares of gates. */
  failedFirst: number;
  failed: number;
  unsure: number;
  /** Of gates whose interval of requests/s, on all their replicates, holds the true ratio. */
  held: number;
  medianMs: number;
  p90Ms: number;
}

interface Gate {
  first: Judgement['state'];
  /** Once a failure was measured again. */
  state: Judgement['state'];
  replicates: readonly Replicate[];
}

/** Of clients that are only slower, errors and unnecessary connections are none. */
const RECORDED: readonly Expectation['metric'][] = ['requestsPerSec', 'cpuUsPerRequest'];

/** Draws with replacement from the replicates of all observations of a design, and adds the effect to each. */
export function resampleGates(observations: readonly Observation[], options: ResampleOptions): GateRates {
  const { gates, rule } = options;
  const expectations = options.expectations.filter(({ metric }) => RECORDED.includes(metric));
  const all = observations.flatMap(({ replicates }) => replicates);
  const replicateMs = sumOf(observations, ({ elapsedMs }) => elapsedMs) / all.length;
  const oneSeries = (isEnough: (replicates: readonly Replicate[]) => boolean): Replicate[] => {
    return series(() => drawn(all, options), isEnough, { replicateMs, ...options });
  };
  const oneGate = (): Gate => {
    const judged = (replicates: readonly Replicate[]) =>
      judgeTogether(expectations, measuredOn(replicates)).map((state, index) => {
        const expectation = expectations[index]!;
        return firstResult(expectation, { ...judge(expectation, replicates), state });
      });
    const own = oneSeries(replicates => rule.isEnough(judged(replicates), ratioOf(replicates)));
    const results = judged(own);
    const first = worstOf(results);
    if (first !== 'fail') return { first, state: first, replicates: own };
    const judgedAgain = (fresh: readonly Replicate[]) =>
      results.map(result =>
        rule.confirm(result, expectation => ({
          fresh: judge(expectation, fresh),
          together: judge(expectation, [...own, ...fresh]),
        })),
      );
    const fresh = oneSeries(replicates => rule.isEnoughAgain(judgedAgain(replicates), ratioOf(replicates)));
    return { first, state: worstOf(judgedAgain(fresh)), replicates: [...own, ...fresh] };
  };
  const made = Array.from({ length: gates }, oneGate);
  const share = (is: (gate: Gate) => boolean): number => made.filter(is).length / gates;
  const tookMs = made.map(({ replicates }) => replicates.length * replicateMs).sort((a, b) => a - b);
  const truth = Math.exp(options.effect.logRate);
  return {
    failedFirst: share(({ first }) => first === 'fail'),
    failed: share(({ state }) => state === 'fail'),
    unsure: share(({ state }) => state === 'unsure'),
    held: share(({ replicates }) => holds(ratioOf(replicates), truth)),
    medianMs: tookMs[Math.floor(gates / 2)]!,
    p90Ms: tookMs[Math.floor(gates * 0.9)]!,
  };
}

function drawn(pool: readonly Replicate[], { random, isSymmetric, effect }: ResampleOptions): Replicate {
  const one = pick(pool, random);
  // Processes of their own are independent, so that each may change sides.
  const sign = isSymmetric ? pick([-1, 1], random) : 1;
  return {
    ...one,
    logRate: sign * one.logRate + effect.logRate,
    logCpu: sign * one.logCpu + effect.logCpu,
  };
}

/** Replicates until they are enough, or the time is spent: as a cell is measured. */
function series(
  draw: () => Replicate,
  isEnough: (replicates: readonly Replicate[]) => boolean,
  { replicateMs, rule, budgetMs }: ResampleOptions & { replicateMs: number },
): Replicate[] {
  const replicates: Replicate[] = [];
  do replicates.push(draw());
  while (
    replicates.length < 2 ||
    (replicates.length < MAX_REPLICATES &&
      (replicates.length + 1 / 2) * replicateMs <= budgetMs &&
      !(replicates.length >= rule.leastReplicates && isEnough(replicates)))
  );
  return replicates;
}

function judge(expectation: Expectation, replicates: readonly Replicate[]): Judgement {
  const interval = measuredOn(replicates)(expectation, CONFIDENCE_LEVEL);
  return { state: judgeInterval(interval, expectation), interval, replicates: replicates.length };
}

function holds(interval: Interval | null, truth: number): boolean {
  return interval !== null && interval.low <= truth && truth <= interval.high;
}

function ratioOf(replicates: readonly Replicate[]): Interval | null {
  return measuredOn(replicates)({ metric: 'requestsPerSec' }, CONFIDENCE_LEVEL);
}

function measuredOn(replicates: readonly Replicate[]) {
  return ({ metric }: Pick<Expectation, 'metric'>, level: number): Interval | null =>
    replicateInterval(
      replicates.map(replicate => logRatioOf(metric, replicate)),
      level,
    );
}

function logRatioOf(metric: Expectation['metric'], replicate: Replicate): number {
  switch (metric) {
    case 'requestsPerSec':
      return replicate.logRate;
    case 'cpuUsPerRequest':
      return replicate.logCpu;
    default:
      throw new Error(`${metric} was not recorded`);
  }
}

/**
 * What people do: one run of each, an alarm where requests/s fell by more than a fixed share. The two runs are of different
 * gates, as those of two nights are.
 */
export function fixedThresholdAlarms(
  observations: readonly Observation[],
  { threshold, slowerByRatio, gates, random }: FixedOptions,
): number {
  let alarms = 0;
  for (let i = 0; i < gates; i++) {
    const one = pick(observations, random);
    const other = pick(
      observations.filter(candidate => candidate !== one),
      random,
    );
    const before = pick(one.replicates, random).ratePerSecBefore;
    const after = pick(other.replicates, random).ratePerSecBefore / (1 + slowerByRatio);
    if (after < before * (1 - threshold)) alarms++;
  }
  return alarms / gates;
}

interface FixedOptions {
  threshold: number;
  slowerByRatio: number;
  gates: number;
  random: Random;
}
