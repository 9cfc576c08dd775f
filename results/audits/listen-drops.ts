// In: a trial's kernel counters. Out: whether connections were dropped before the target could accept them.
import type { TrialRule } from './rule.ts';
import { whole } from './rule.ts';

/**
 * A dropped connection is tried again after a second, which shows as latency. The counter is the whole machine's, and
 * says nothing of a server that is elsewhere.
 */
export const listenDrops: TrialRule = {
  rule: 'listen-drops',
  check({ measurement: { kernel, ledger } }) {
    if (ledger.acceptedBy === 'kernelOpens') {
      return {
        state: 'pass',
        detail: 'the server is on another machine: what its kernel drops is not known',
      };
    }
    return kernel.listenDrops === 0
      ? { state: 'pass', detail: 'the kernel dropped no connection at a full accept queue' }
      : {
          state: 'warn',
          detail: `the kernel dropped ${whole(kernel.listenDrops)} connections at a full accept queue (counted for the whole machine)`,
        };
  },
};
