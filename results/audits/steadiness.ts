// In: a trial. Out: whether its rate had settled before it was measured.
import type { TrialRule } from './rule.ts';
import { whole } from './rule.ts';

/** Code still being compiled and caches still being filled make early figures worse than later ones. */
export const steadiness: TrialRule = {
  rule: 'steadiness',
  check({ trial: { load }, measurement: { isSteady, warmupMs } }) {
    const what = load.model === 'open' || load.model === 'burst' ? 'response time' : 'rate';
    return isSteady
      ? { state: 'pass', detail: `the ${what} was steady after ${whole(warmupMs)} ms of warm-up` }
      : {
          state: 'warn',
          detail: `the ${what} was not shown to be steady within ${whole(warmupMs)} ms of warm-up: figures may be those of a cold process`,
        };
  },
};
