// In: a cell. Out: what a machine may pass or fail a run by, one check each, worded.

import { failureCauses } from '../results/failure-causes.ts';
import type { CellView } from './cell-view.ts';
import { stateOf } from './words/headline.ts';
import type { Check } from './model.ts';
import { expectationText, intervalText } from './tables/expectations.ts';

/** First whether the cell could be measured and believed; then each of its expectations. */
export function cellChecks(view: CellView): Check[] {
  return [measuredCheck(view), ...expectationChecks(view)];
}

function measuredCheck(view: CellView): Check {
  const { result } = view;
  const reasons = [
    ...(result.failedTrials === 0
      ? []
      : [[`${result.failedTrials} trials failed`, ...failureCauses(view.trials)].join(': ')]),
    ...(stateOf(view) === 'unmeasured' ? ['nothing was measured'] : []),
    ...result.findings
      .filter(({ state }) => state === 'fail')
      .map(({ rule, trial, arm, detail }) => `audit ${rule} of ${trial ?? arm ?? 'all'}: ${detail}`),
  ];
  return {
    group: result.cell,
    name: 'measured, and every audit passed',
    subject: 'not measured, or not to be relied on',
    isFigure: false,
    state: reasons.length === 0 ? 'pass' : 'broken',
    detail: reasons.length === 0 ? `${result.replicates} replicates` : reasons.join('; '),
  };
}

function expectationChecks({ result }: CellView): Check[] {
  return result.expectations.map(({ expectation, state, first, confirmation, together }) => ({
    group: result.cell,
    name: expectationText(expectation),
    subject: `expected ${expectationText(expectation)}`,
    isFigure: true,
    state,
    detail: [
      `measured ${intervalText(expectation, first)} over ${first.replicates} replicates`,
      ...(confirmation === null ? [] : [`again ${intervalText(expectation, confirmation)}`]),
      ...(together === null ? [] : [`together ${intervalText(expectation, together)}`]),
    ].join('; '),
  }));
}
