// In: a trial's kernel counters. Out: whether segments had to be sent again.
import type { TrialRule } from './rule.ts';
import { percent, whole } from './rule.ts';

/** Retransmits per request above which latencies may owe something to them. */
const NOTABLE_RATIO = 0.001;

/**
 * Each retransmitted SYN costs a second, so one is enough to warn. What had arrived all the same delays nothing and is not
 * held against the trial: the kernel sends the last segment again when its acknowledgement is late (a tail loss probe),
 * as after the session tickets of TLS 1.3, which a busy client answers with nothing. The counters are the whole machine's.
 */
export const retransmits: TrialRule = {
  rule: 'retransmits',
  check({ measurement: { kernel, slices } }) {
    const exchanges = slices.reduce((sum, slice) => sum + slice.exchanges, 0);
    const { retransmits, needlessRetransmits, synRetransmits } = kernel;
    const missed = Math.max(0, retransmits - needlessRetransmits);
    const perRequest = exchanges === 0 ? 0 : missed / exchanges;
    const needless =
      needlessRetransmits === 0
        ? ''
        : `, and ${whole(needlessRetransmits)} more that had arrived: probes after an acknowledgement that is late`;
    const counted = `${whole(missed)} segments retransmitted (${percent(perRequest)} of requests), of them ${whole(synRetransmits)} connection requests${needless}`;
    return synRetransmits === 0 && perRequest <= NOTABLE_RATIO
      ? { state: 'pass', detail: counted }
      : { state: 'warn', detail: `${counted} (counted for the whole machine)` };
  },
};
