// Audit of what conntax did not measure itself: turns of seconds instead of slices, and summaries instead of distributions.
import type { TrialRule } from './rule.ts';

const SUMMARY_ERROR = '1 %';

/** Always a caveat: no turn is short enough that drift of the machine affects its neighbour alike. Null for what conntax measured. */
export const imported: TrialRule = {
  rule: 'imported',
  check({ trial, measurement: { steadyMs } }) {
    if (trial.imported === undefined) return null;
    return {
      state: 'warn',
      detail: `coarser than slices: clients took turns of ${Number((steadyMs / 1_000).toPrecision(2))} s, so what drifts from one turn to the next is in the ratio; quantiles are those of Artillery, with an error of up to ${SUMMARY_ERROR}, and estimated between them where turns are merged`,
    };
  },
};
