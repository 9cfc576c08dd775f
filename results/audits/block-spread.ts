// In: a trial. Out: whether its slices agree with each other.
import { overall, ratePortion } from '../metrics.ts';
import type { TrialRule } from './rule.ts';
import { percent } from './rule.ts';

const NOTABLE_SPREAD = 0.25;

/**
 * Standard deviation of the logarithm of requests/s over the slices. Drift that hits all arms alike cancels in the ratios,
 * but not in an arm's own figures.
 */
export const blockSpread: TrialRule = {
  rule: 'block-spread',
  check({ trial: { load }, measurement: { slices } }) {
    // The schedule of an open load sets the rate of its slices, and dice may set the schedule.
    if (load.model !== 'closed') return null;
    const logRates = slices
      .flatMap(slice => overall([ratePortion(slice, load)]) ?? [])
      .filter(perSec => perSec > 0)
      .map(Math.log);
    const silent = slices.length - logRates.length;
    if (silent > 0 && logRates.length > 0)
      return { state: 'warn', detail: `in ${silent} of the ${slices.length} slices nothing was answered` };
    if (logRates.length < 2) return { state: 'pass', detail: 'one slice only: no spread to look at' };
    const mean = logRates.reduce((sum, value) => sum + value, 0) / logRates.length;
    const variance = logRates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logRates.length - 1);
    const spread = Math.sqrt(variance);
    const detail = `requests/s of the ${logRates.length} slices vary by ${percent(spread)} (standard deviation)`;
    return { state: spread > NOTABLE_SPREAD ? 'warn' : 'pass', detail };
  },
};
