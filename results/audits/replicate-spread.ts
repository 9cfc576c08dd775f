// In: all trials of an arm. Out: whether its processes agree with each other, or have modes.
import type { CompletedTrial } from '../../bench/core/types.ts';
import { findModes } from '../modes.ts';
import type { ArmRule } from './rule.ts';
import { percent, whole } from './rule.ts';

const NOTABLE_SPREAD = 0.15;

/**
 * Node processes have modes: some run slower for their whole life, with the same code and flags. Two groups of rates that
 * stand clear of each other (modes.ts) are named; any other spread above 15 % is too.
 */
export const replicateSpread: ArmRule = {
  rule: 'replicate-spread',
  check(trials) {
    const rates = trials
      .map(rateOf)
      .filter(rate => rate > 0)
      .toSorted((a, b) => a - b);
    if (rates.length < 2) return { state: 'pass', detail: 'one replicate only: no spread to look at' };
    const { groups, isDistinct } = findModes(rates.map(Math.log));
    if (isDistinct && groups.length === 2) {
      const [slow, fast] = groups as [number[], number[]];
      return {
        state: 'warn',
        detail: `replicates disagree: two modes, ${slow.length} of ${rates.length} at ${around(slow)}/s and ${fast.length} at ${around(fast)}/s; a process keeps its mode for life, so more replicates are needed, not longer ones`,
      };
    }
    const spread = rates.at(-1)! / rates[0]! - 1;
    const detail = `requests/s of the ${rates.length} replicates lie within ${percent(spread)} of the slowest`;
    return spread > NOTABLE_SPREAD
      ? { state: 'warn', detail: `replicates disagree: ${detail}` }
      : { state: 'pass', detail };
  },
};

function rateOf({ measurement: { completed, steadyMs } }: CompletedTrial): number {
  return steadyMs > 0 ? (completed / steadyMs) * 1000 : 0;
}

/** The geometric mean of rates given by their logarithms. */
function around(logRates: readonly number[]): string {
  return whole(Math.exp(logRates.reduce((sum, value) => sum + value, 0) / logRates.length));
}
