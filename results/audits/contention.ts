// In: a trial. Out: whether generator and target had their cores to themselves.
import type { TrialRule } from './rule.ts';
import { percent } from './rule.ts';

/** Above this, what is compared is partly the luck of the scheduler. Undisturbed, it stays below 2 %. */
const MOST_RUN_DELAY = 0.1;

/** A process that is ready to run and has to wait for its core has lost that time to something else on this machine. */
export const contention: TrialRule = {
  rule: 'contention',
  check({ measurement: { generator, target } }) {
    const waited = `waited for its core: generator ${percent(generator.runDelayRatio)}, target ${target === null ? 'unknown' : percent(target.runDelayRatio)} of the time`;
    return Math.max(generator.runDelayRatio, target?.runDelayRatio ?? 0) > MOST_RUN_DELAY
      ? {
          state: 'warn',
          detail: `something else ran on these cores, be it another program or the process's own compiler and collector: ${waited}`,
        }
      : { state: 'pass', detail: waited };
  },
};
