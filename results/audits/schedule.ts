// In: a trial under an open load. Out: whether its requests went when they were due, and whether all came to an end.
import { areTooManyLost, isFallingBehind, isGeneratorLate, LATE_US } from '../schedule-limits.ts';
import type { TrialRule } from './rule.ts';
import { percent, whole } from './rule.ts';

/** Of what was due: an arm that falls further behind does not bear the rate. */
const BEHIND_RATIO = 0.05;

/**
 * An open load is only what it says while requests go when they are due. In order of gravity:
 * - fail: requests without a time (never sent, or given up), which are the slowest; answers that fall behind what is due,
 *   so that times grow with the length of a slice; a generator whose own lateness is most of the response time.
 * - warn: a generator that is late by more than its timers make it; requests that maxInFlight held back.
 */
export const schedule: TrialRule = {
  rule: 'schedule',
  check({ measurement: { arrivals, lateness, response } }) {
    if (arrivals === null || lateness === null) return null;
    const { due, heldBack, unsent, unfinished, ended } = arrivals;
    const late = `p99 of the generator's own lateness ${milliseconds(lateness.p99Us)}`;
    if (areTooManyLost(arrivals)) {
      return {
        state: 'fail',
        detail: `of ${whole(due)} requests due, ${whole(unsent)} were never sent and ${whole(unfinished)} were given up at the end of a drain: the slowest are missing`,
      };
    }
    if (isFallingBehind(arrivals, BEHIND_RATIO)) {
      return {
        state: 'fail',
        detail: `${whole(due)} requests were due in the steady windows and only ${whole(ended)} ended in them: the rate is not borne, and times grow with the length of a slice`,
      };
    }
    if (isGeneratorLate({ latenessUs: lateness.p99Us, responseUs: response.p99Us })) {
      return {
        state: 'fail',
        detail: `${late} of a response time of ${milliseconds(response.p99Us)}: what is measured is the generator`,
      };
    }
    const warnings = [
      ...(lateness.p99Us > LATE_US ? [`${late}, more than ${milliseconds(LATE_US)}`] : []),
      ...(heldBack > 0
        ? [
            `${whole(heldBack)} of ${whole(due)} requests (${percent(heldBack / due)}) had to wait because maxInFlight were under way; their wait is in the response time, not in the service time`,
          ]
        : []),
    ];
    if (warnings.length > 0) return { state: 'warn', detail: warnings.join('; ') };
    return { state: 'pass', detail: `${whole(due)} requests were due and sent; ${late}` };
  },
};

function milliseconds(us: number): string {
  return `${(us / 1_000).toPrecision(2)} ms`;
}
