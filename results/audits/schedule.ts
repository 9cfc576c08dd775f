// In: a trial under an open load. Out: whether its requests went when they were due, and whether all came to an end.
import type { Histogram } from '../model/trial.ts';
import { areTooManyLost, isFallingBehind, isMostlyLateness } from '../schedule-limits.ts';
import type { TrialRule } from './rule.ts';
import { percent, whole } from './rule.ts';

/** Of what was due: an arm that falls further behind does not bear the rate. */
const BEHIND_RATIO = 0.05;
/** Mean lateness that is no cause for doubt, however short the response time is: timers alone make 0.2 ms of it. */
const LATE_MEAN_US = 2_000;
/** A tail of lateness that is no cause for doubt; timers alone make 0.8 ms of it. */
const LATE_P99_US = 5_000;

/**
 * An open load is only what it says while requests go when they are due. In order of gravity:
 * - fail: requests without a time (never sent, or given up), which are the slowest; answers that fall behind what is due,
 *   so that times grow with the length of a slice; a generator whose own lateness is most of the mean response time.
 * - warn: a generator whose lateness has a tail; requests that maxInFlight held back. At the end of a capacity search the
 *   arm is at its limit by design, be that the target's or its own process's: there all but lost requests only warn.
 */
export const schedule: TrialRule = {
  rule: 'schedule',
  check({ trial: { load }, measurement: { arrivals, lateness, response } }) {
    if (load.model === 'closed' || arrivals === null || lateness === null) return null;
    const grave = load.model === 'capacity' ? 'warn' : 'fail';
    const { due, heldBack, unsent, unfinished, ended } = arrivals;
    const late = `the generator itself was ${timesText(lateness)} late`;
    if (areTooManyLost(arrivals)) {
      return {
        state: 'fail',
        detail: `of ${whole(due)} requests due, ${whole(unsent)} were never sent and ${whole(unfinished)} were given up at the end of a drain: the slowest are missing`,
      };
    }
    if (isFallingBehind(arrivals, BEHIND_RATIO)) {
      return {
        state: grave,
        detail: `${whole(due)} requests were due in the steady windows and only ${whole(ended)} ended in them: the rate is not borne, and times grow with the length of a slice`,
      };
    }
    const means = { latenessUs: lateness.meanUs, responseUs: response.meanUs };
    if (lateness.meanUs > LATE_MEAN_US && isMostlyLateness(means)) {
      return {
        state: grave,
        detail: `${late}, of response times of ${timesText(response)}: what is measured is the generator`,
      };
    }
    const warnings = [
      ...(lateness.p99Us > LATE_P99_US ? [`${late}, more than its timers make it`] : []),
      ...(heldBack > 0
        ? [
            `${whole(heldBack)} of ${whole(due)} requests (${percent(heldBack / due)}) had to wait because ${whole(load.maxInFlight)} were under way: that wait is in the response time, not in the service time`,
          ]
        : []),
    ];
    if (warnings.length > 0) return { state: 'warn', detail: warnings.join('; ') };
    return { state: 'pass', detail: `${whole(due)} requests were due and went; ${late}` };
  },
};

/** `0.56 ms (p99 1.1 ms)`. */
function timesText({ meanUs, p99Us }: Histogram): string {
  return `${milliseconds(meanUs)} (p99 ${milliseconds(p99Us)})`;
}

function milliseconds(us: number): string {
  return `${Number((us / 1_000).toPrecision(2))} ms`;
}
