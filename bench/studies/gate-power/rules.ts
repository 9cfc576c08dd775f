// In: judged expectations. Out: whether a gate has measured enough, and whether a failure is final, by rules to choose from.
import { confirmed, isConfirmationDecided, isDecided } from '../../../results/expect.ts';
import type { Interval } from '../../../results/stats.ts';
import type { ExpectationResult } from '../../../scenarios/model/scenario.ts';
import { LEAST_DECIDING } from '../../cli/ab.ts';
import { LEAST_REPLICATES, reach } from '../resample.ts';

export interface Rule {
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
    leastReplicates: LEAST_DECIDING,
    isEnough: isDecided,
    isEnoughAgain: isConfirmationDecided,
    confirm: confirmed,
  }),
  /** What it took the place of: a known ratio first, and fresh replicates that have to fail by themselves. */
  'until precise': minEffect => {
    const isPrecise = (_: unknown, ratio: Interval | null): boolean => reach(ratio) <= minEffect / 2;
    return {
      leastReplicates: LEAST_REPLICATES,
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
