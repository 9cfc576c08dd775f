// In: an arm, or two that are compared. Out: the figures of a headline beside its ratio, by what decides under the load.
import type { Load } from '../bench/core/load.ts';
import type { ArmSummary, Comparison } from '../bench/core/run-types.ts';
import type { ArmView, CellView } from './cell-view.ts';
import { signsOf } from './cell-view.ts';
import { sentText } from './headline-words.ts';
import { objectiveText } from './load-text.ts';
import { intervalTexts, latencyText } from './numbers.ts';

/** No second arm to compare with. */
export function singleText({ arms, result }: CellView): string {
  const measured = arms.find(({ summary }) => summary !== null);
  if (measured === undefined) return 'No requests were answered.';
  const did = singleFigures(measured, result.scenario.load);
  return did === null ? 'No requests were answered.' : `${did}; there is no other arm to compare it with.`;
}

function singleFigures({ name, summary, marks }: ArmView, load: Load): string | null {
  if (summary === null || (summary.completed === 0 && summary.failed === 0)) return null;
  if (summary.completed === 0) return `No request of ${name} was answered well`;
  const signs = signsOf(marks);
  const meanText = `a mean latency of ${latencyText(summary.meanUs)}${signs}`;
  if (load.model === 'capacity') {
    return summary.capacityPerSec === null
      ? `No rate was found that ${name} bears`
      : `${name} bears ${intervalTexts(summary.capacityPerSec).value}${signs} requests per second while ${objectiveText(load.objective)}`;
  }
  if (summary.requestsPerSec === null) return null;
  return load.model === 'closed'
    ? `${name} answers ${intervalTexts(summary.requestsPerSec).value}${signs} requests per second at ${meanText}`
    : `${name} answers ${sentText(load)} at ${meanText}`;
}

/** The figures behind the ratio, or those that changed with it. */
export function changeText(comparison: Comparison, view: CellView): string {
  const { load } = view.result.scenario;
  switch (load.model) {
    case 'closed':
      return latencyChange(comparison, view);
    case 'open':
    case 'burst':
      return `at ${sentText(load)} ${latencyChange(comparison, view)}, p99 is ${againstText(comparison, view, ({ p99Us }) => latencyText(p99Us))}`;
    case 'capacity': {
      const text = ({ capacityPerSec: rate }: ArmSummary) =>
        rate === null ? 'none' : intervalTexts(rate).value;
      return `${againstText(comparison, view, text)} requests per second while ${objectiveText(load.objective)}`;
    }
    default:
      return load satisfies never;
  }
}

/** `24.1 ms against 3.4 ms`: the candidate's figure and the baseline's. */
function againstText(
  { candidate, baseline }: Comparison,
  { arms }: CellView,
  text: (summary: ArmSummary) => string,
): string {
  const [its, other] = [candidate, baseline].map(name => {
    const arm = arms.find(arm => arm.name === name);
    return arm?.summary == null ? 'not known' : `${text(arm.summary)}${signsOf(arm.marks)}`;
  });
  return `${its} against ${other}`;
}

/** `mean latency falls from 24.1 ms to 3.4 ms`, or that it is not sure to have changed. */
function latencyChange(comparison: Comparison, view: CellView): string {
  const { candidate, baseline } = comparison;
  const of = (name: string) => view.arms.find(arm => arm.name === name);
  const before = of(baseline);
  const after = of(candidate);
  if (before?.summary == null || after?.summary == null) return 'mean latency is not known';
  const from = `${latencyText(before.summary.meanUs)}${signsOf(before.marks)}`;
  const to = `${latencyText(after.summary.meanUs)}${signsOf(after.marks)}`;
  const verdict = view.result.comparisons.find(
    ({ metric, candidate: name }) => metric === 'meanUs' && name === candidate,
  )?.verdict;
  const hasFallen = after.summary.meanUs < before.summary.meanUs;
  if (verdict === 'better' && hasFallen) return `mean latency falls from ${from} to ${to}`;
  if (verdict === 'worse' && !hasFallen) return `mean latency rises from ${from} to ${to}`;
  // The ratio leaves out the blocks that are furthest off, the mean over all requests does not.
  if (verdict === 'better' || verdict === 'worse')
    return `mean latency over all requests is ${to} against ${from}: a few slices, which the ratio leaves out, turn it round`;
  return `mean latency is ${to} against ${from}, a difference that could not be shown`;
}
