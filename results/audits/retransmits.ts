// In: a trial's kernel counters. Out: whether segments had to be sent again.
import type { TrialRule } from './rule.ts';
import { percent, whole } from './rule.ts';

/** Retransmits per request above which latencies may owe something to them. */
const NOTABLE_RATIO = 0.001;

/** Each retransmitted SYN costs a second, so one is enough to warn. The counters are the whole machine's. */
export const retransmits: TrialRule = {
  rule: 'retransmits',
  check({ measurement: { kernel, slices } }) {
    const exchanges = slices.reduce((sum, slice) => sum + slice.exchanges, 0);
    const perRequest = exchanges === 0 ? 0 : kernel.retransmits / exchanges;
    const counted = `${whole(kernel.retransmits)} segments retransmitted (${percent(perRequest)} of requests), of them ${whole(kernel.synRetransmits)} connection requests`;
    return kernel.synRetransmits === 0 && perRequest <= NOTABLE_RATIO
      ? { state: 'pass', detail: counted }
      : { state: 'warn', detail: `${counted} (counted for the whole machine)` };
  },
};
