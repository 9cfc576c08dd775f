// In: a trial's kernel counters. Out: whether connections were dropped before the target could accept them.
import type { TrialRule } from './rule.ts';
import { whole } from './rule.ts';

/** A dropped connection is tried again after a second, which shows as latency. The counter is the whole machine's. */
export const listenDrops: TrialRule = {
  rule: 'listen-drops',
  check({ measurement: { kernel } }) {
    return kernel.listenDrops === 0
      ? { state: 'pass', detail: 'the kernel dropped no connection at a full accept queue' }
      : {
          state: 'warn',
          detail: `the kernel dropped ${whole(kernel.listenDrops)} connections at a full accept queue (counted for the whole machine)`,
        };
  },
};
