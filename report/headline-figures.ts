// In: an arm, or two that are compared. Out: the figures of a headline beside its ratio, by what decides under the load.
import type { Load } from '../scenarios/model/load.ts';
import type { ArmSummary, Comparison } from '../results/model/run.ts';
import type { ArmView, CellView } from './cell-view.ts';
import { comparisonMarks, signsOf } from './cell-view.ts';
import { comparisonText } from './comparison-text.ts';
import { sentText } from './headline-words.ts';
import { objectiveText } from './words/load.ts';
import { intervalTexts, latencyText } from './words/numbers.ts';

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

/**
 * `mean latency is 3.4 ms against 24.1 ms, 0.14× (0.13 to 0.15)`; that it falls or rises is said only where the load decides
 * by it.
 */
function latencyChange({ candidate, baseline }: Comparison, view: CellView): string {
  const of = (name: string) => view.arms.find(arm => arm.name === name);
  const before = of(baseline);
  const after = of(candidate);
  if (before?.summary == null || after?.summary == null) return 'mean latency is not known';
  const from = `${latencyText(before.summary.meanUs)}${signsOf(before.marks)}`;
  const to = `${latencyText(after.summary.meanUs)}${signsOf(after.marks)}`;
  const means = view.result.comparisons.find(
    ({ metric, candidate: name }) => metric === 'meanUs' && name === candidate,
  );
  const ratio = means?.ratio ?? null;
  const hasFallen = after.summary.meanUs < before.summary.meanUs;
  const isTurned = ratio !== null && (hasFallen ? ratio.low > 1 : ratio.high < 1);
  // The ratio weighs replicates alike, the mean over all requests weighs them by their requests.
  if (isTurned)
    return `mean latency over all requests is ${to} against ${from}, though in the replicates, which count alike, it is the other way round`;
  if (means?.isDeciding === true && means.verdict !== 'unsure')
    return `mean latency ${hasFallen ? 'falls' : 'rises'} from ${from} to ${to}`;
  const signs = means === undefined ? '' : signsOf(comparisonMarks(means, view));
  return `mean latency is ${to} against ${from}${means === undefined ? '' : `, ${comparisonText(means)}${signs}`}`;
}
