// In: all trials of an arm. Out: whether its processes agree with each other, or have modes.
import type { Metric } from '../model/run.ts';
import { headlineFigure, headlineOf } from '../metrics.ts';
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
    const all = trials.flatMap(trial => headlineFigure(trial) ?? []);
    const figures = all.filter(figure => figure > 0).toSorted((a, b) => a - b);
    const silent = all.length - figures.length;
    if (silent > 0 && figures.length > 0)
      return {
        state: 'warn',
        detail: `replicates disagree: in ${silent} of ${all.length} nothing was answered`,
      };
    const [first] = trials;
    if (first === undefined || figures.length < 2)
      return { state: 'pass', detail: 'one replicate only: no spread to look at' };
    const { metric, noun } = headlineOf(first.trial.load);
    const { groups, isDistinct } = findModes(figures.map(Math.log));
    if (isDistinct && groups.length === 2) {
      const [low, high] = groups as [number[], number[]];
      return {
        state: 'warn',
        detail: `replicates disagree: two modes, ${low.length} of ${figures.length} at ${around(low, metric)} and ${high.length} at ${around(high, metric)}; a process keeps its mode for life, so more replicates are needed, not longer ones`,
      };
    }
    const spread = figures.at(-1)! / figures[0]! - 1;
    const detail = `${noun} of the ${figures.length} replicates lie within ${percent(spread)} of the ${metric === 'meanUs' ? 'fastest' : 'slowest'}`;
    return spread > NOTABLE_SPREAD
      ? { state: 'warn', detail: `replicates disagree: ${detail}` }
      : { state: 'pass', detail };
  },
};

/** The geometric mean of figures given by their logarithms. */
function around(logs: readonly number[], metric: Metric): string {
  const value = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  return metric === 'meanUs' ? `${(value / 1_000).toPrecision(3)} ms` : `${whole(value)}/s`;
}
