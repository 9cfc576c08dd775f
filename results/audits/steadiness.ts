// In: a trial. Out: whether its rate had settled before it was measured.
import type { TrialRule } from './rule.ts';
import { whole } from './rule.ts';

/** Code still being compiled and caches still being filled make early figures worse than later ones. */
export const steadiness: TrialRule = {
  rule: 'steadiness',
  check({ measurement: { isSteady, warmupMs } }) {
    return isSteady
      ? { state: 'pass', detail: `the rate was steady after ${whole(warmupMs)} ms of warm-up` }
      : {
          state: 'warn',
          detail: `the rate was not steady after ${whole(warmupMs)} ms of warm-up: figures may be those of a cold process`,
        };
  },
};
