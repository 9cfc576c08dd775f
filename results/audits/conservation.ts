// In: a trial's ledger. Out: whether every request sent is accounted for, at both ends.
import type { TrialRule } from './rule.ts';
import { whole } from './rule.ts';

/**
 * sent = answered + failed + unfinished by the client's count; and the target has seen no fewer than were answered and no
 * more than were sent (a request that failed or was given up may or may not have reached it).
 */
export const conservation: TrialRule = {
  rule: 'conservation',
  check({ measurement: { ledger } }) {
    const { requestsSent: sent, requestsSeen: seen, answered, failed, unfinished } = ledger;
    const ends = `${whole(answered)} answered + ${whole(failed)} failed + ${whole(unfinished)} unfinished`;
    if (sent !== answered + failed + unfinished) {
      const off = answered + failed + unfinished - sent;
      return {
        state: 'fail',
        detail: `${whole(sent)} requests were sent, but ${ends} make ${whole(Math.abs(off))} ${off > 0 ? 'more' : 'fewer'}`,
      };
    }
    if (seen === null)
      return { state: 'pass', detail: `${whole(sent)} sent = ${ends}; what the server saw is not known` };
    if (seen < answered || seen > sent) {
      return {
        state: 'fail',
        detail: `the target saw ${whole(seen)} requests, which is not between the ${whole(answered)} answered and the ${whole(sent)} sent`,
      };
    }
    return { state: 'pass', detail: `${whole(sent)} sent = ${ends}; the target saw ${whole(seen)}` };
  },
};
