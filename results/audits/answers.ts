// Audit of several requests: each had a good answer, or the scenario expects that some fail.

import { neverGood, summariseRequests } from '../compare.ts';
import { areFailuresExpected } from '../expect.ts';
import { type ArmRule, percent, whole } from './rule.ts';

/**
 * A client without one good answer has no figures, whatever it was asked. A request without one leaves those of the others, but they are
 * not of the load that was asked for. It is judged over all trials, because a rare one may be drawn only once in each. Null for
 * one request, and where a load tool does not report which request an answer belongs to.
 */
export const answers: ArmRule = {
  rule: 'answers',
  check(trials, _others, scenario) {
    // In a trial that was cut short, answers may only have lacked time.
    const complete = trials.filter(({ isPartial }) => !isPartial).map(({ measurement }) => measurement);
    const requests = summariseRequests(complete);
    const [first] = trials;
    if (first === undefined || requests.length === 0) return null;
    if (requests.some(({ completed }) => completed === null)) return null;
    const dead = neverGood(requests);
    const all = complete.reduce((sum, { completed, failed }) => sum + completed + failed, 0);
    if (dead.length === 0)
      return { state: 'pass', detail: `each of the ${whole(requests.length)} requests had good answers` };
    const named = dead.map(
      ({ name, failed }) =>
        `${name}, of which all ${whole(failed)} failed (${percent(failed / all)} of all requests)`,
    );
    return areFailuresExpected(first.trial.arm, scenario)
      ? { state: 'pass', detail: `as expected, no good answer to ${named.join(' and ')}` }
      : { state: 'fail', detail: `no good answer to ${named.join(' and ')}` };
  },
};
