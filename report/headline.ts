// In: a cell, or all of a run. Out: what came out, in one sentence that is no surer than the figures.
import type { Comparison } from '../bench/core/run-types.ts';
import { cellAmortisation } from '../results/amortisation.ts';
import { amortisationText } from './amortisation-text.ts';
import type { ArmView, CellView } from './cell-view.ts';
import { allMarks, MARK_NOTES, signsOf } from './cell-view.ts';
import { gapTexts } from './link-text.ts';
import { modeSubject } from './modes.ts';
import { intervalTexts, latencyText, ratioText, significantText } from './numbers.ts';
import type { CellState, Mark } from './report.ts';
import { comparisonMarks } from './tables/ratios.ts';

export function stateOf({ arms }: CellView): CellState {
  if (arms.every(({ summary }) => summary === null)) return 'unmeasured';
  return arms.some(({ marks }) => marks.includes('invalid')) ? 'invalid' : 'sound';
}

/** What came out of a cell, in a sentence. */
export function cellHeadline(view: CellView): string {
  return `${partialText(view)}${answerText(view)}`;
}

/** What must be read with the headline: doubts first. */
export function cellRemarks(view: CellView): string[] {
  const fit = stateOf(view) === 'unmeasured' ? null : cellAmortisation(view.result);
  return [
    ...doubtTexts(view),
    ...unsureTexts(view),
    ...gapTexts(view),
    ...(fit === null ? [] : [amortisationText(fit, signsOf(allMarks(view)))]),
  ];
}

function answerText(view: CellView): string {
  const { result, trials } = view;
  if (stateOf(view) === 'unmeasured') {
    const causes = new Set(trials.flatMap(trial => (trial.state === 'failed' ? [trial.error.message] : [])));
    return `Could not be measured${causes.size === 0 ? '' : `: ${[...causes].join('; ')}`}.`;
  }
  const rates = result.comparisons.filter(({ metric }) => metric === 'requestsPerSec');
  const [first, ...others] = rates;
  if (first === undefined) return singleText(view);
  return others.length === 0 ? pairText(first, view) : manyText(rates, view);
}

/** No second arm to compare with. */
function singleText({ arms }: CellView): string {
  const measured = arms.find(({ summary }) => summary !== null);
  const rate = measured?.summary?.requestsPerSec;
  if (measured?.summary == null || rate == null) return 'No requests were answered.';
  const signs = signsOf(measured.marks);
  return `${measured.name} answers ${intervalTexts(rate).value}${signs} requests per second at a mean latency of ${latencyText(measured.summary.meanUs)}${signs}; there is no other arm to compare it with.`;
}

function pairText(comparison: Comparison, view: CellView): string {
  const { candidate, baseline } = namesOf(comparison, view);
  const signs = signsOf(comparisonMarks(comparison, view));
  const { ratio, replicateRatios } = comparison;
  if (ratio === null) {
    const [only] = replicateRatios;
    return only === undefined
      ? `No replicate has both ${candidate} and ${baseline}, so they can't be compared.`
      : `Too few replicates to be sure: ${candidate} answer ${significantText(only)}×${signs} as many requests per second as ${baseline} in the only one.`;
  }
  if (comparison.verdict === 'unsure') {
    return `No difference could be shown: ${candidate} answer ${ratioText(ratio)}${signs} as many requests per second as ${baseline}, and 1 is within the interval.`;
  }
  return `${capital(candidate)} answer ${ratioText(ratio)}${signs} as many requests per second as ${baseline}; ${latencyChange(comparison, view)}.`;
}

/** `mean latency falls from 24.1 ms to 3.4 ms`, or that it is not sure to have changed. */
function latencyChange({ candidate, baseline }: Comparison, { arms, result }: CellView): string {
  const of = (name: string) => arms.find(arm => arm.name === name);
  const before = of(baseline);
  const after = of(candidate);
  if (before?.summary == null || after?.summary == null) return 'mean latency is not known';
  const from = `${latencyText(before.summary.meanUs)}${signsOf(before.marks)}`;
  const to = `${latencyText(after.summary.meanUs)}${signsOf(after.marks)}`;
  const verdict = result.comparisons.find(
    ({ metric, candidate: name }) => metric === 'meanUs' && name === candidate,
  )?.verdict;
  if (verdict === 'better') return `mean latency falls from ${from} to ${to}`;
  if (verdict === 'worse') return `mean latency rises from ${from} to ${to}`;
  return `mean latency is ${to} against ${from}, a difference that could not be shown`;
}

function manyText(rates: readonly Comparison[], view: CellView): string {
  const known = rates.filter(({ verdict, ratio }) => verdict !== 'unsure' && ratio !== null);
  const { baseline } = rates[0]!;
  if (known.length === 0)
    return `Against ${baseline}, no arm could be shown to differ in requests per second.`;
  const sorted = known.toSorted((a, b) => a.ratio!.value - b.ratio!.value);
  const told = sorted.length === 1 ? sorted : [sorted[0]!, sorted.at(-1)!];
  const parts = told.map(
    comparison =>
      `${ratioText(comparison.ratio!)}${signsOf(comparisonMarks(comparison, view))} with ${comparison.candidate}`,
  );
  return `Against ${baseline}, requests per second go ${told.length === 1 ? 'to' : 'from'} ${parts.join(' to ')}.`;
}

/** Of many arms, those that the headline has no room for. */
function unsureTexts({ result }: CellView): string[] {
  const rates = result.comparisons.filter(({ metric }) => metric === 'requestsPerSec');
  const unsure = rates.filter(({ verdict }) => verdict === 'unsure').map(({ candidate }) => candidate);
  if (rates.length < 2 || unsure.length === 0 || unsure.length === rates.length) return [];
  return [`No difference could be shown for ${unsure.join(', ')}.`];
}

/** Modes read better than arm names where each stands for one arm only: "Persistent connections ... short ones". */
function namesOf(comparison: Comparison, { arms }: CellView): { candidate: string; baseline: string } {
  const of = (name: string): ArmView | undefined => arms.find(arm => arm.name === name);
  const subjects = arms.map(({ client }) => (client === undefined ? '' : modeSubject(client)));
  const isTold = subjects.every(subject => subject !== '') && new Set(subjects).size === subjects.length;
  const candidate = of(comparison.candidate)?.client;
  const baseline = of(comparison.baseline)?.client;
  if (!isTold || candidate === undefined || baseline === undefined) {
    return { candidate: `clients of ${comparison.candidate}`, baseline: `those of ${comparison.baseline}` };
  }
  return {
    candidate: modeSubject(candidate),
    baseline: modeSubject(baseline)
      .replace(/ connections$/, ' ones')
      .replace(/^connections /, 'those '),
  };
}

function partialText({ result }: CellView): string {
  if (result.stop !== 'interrupted') return '';
  return `Partial, interrupted after ${result.replicates} of at least ${result.scenario.timing.minReplicates} replicates: `;
}

function doubtTexts(view: CellView): string[] {
  const marked = (mark: Mark) =>
    view.arms.filter(({ marks }) => marks.includes(mark)).map(({ name }) => name);
  const invalid = marked('invalid');
  const bound = marked('clientBound');
  const failed = view.trials.filter(({ state }) => state === 'failed').length;
  return [
    ...(invalid.length === 0 ? [] : [`† Do not rely on this: an audit failed for ${invalid.join(', ')}.`]),
    ...(bound.length === 0
      ? []
      : [`‡ Client-bound: for ${bound.join(', ')} the client library's own cost is what you see.`]),
    ...(failed === 0 ? [] : [`${failed} of ${view.trials.length} trials failed.`]),
  ];
}

/** On the whole run; a run of one cell says what the cell says. */
export function runHeadline(views: readonly CellView[]): string {
  const [only] = views;
  if (only === undefined) return 'Nothing was measured.';
  if (views.length === 1) return cellHeadline(only);
  const sure = views
    .flatMap(view => view.result.comparisons.map(comparison => ({ view, comparison })))
    .filter(({ comparison }) => comparison.metric === 'requestsPerSec' && comparison.verdict !== 'unsure')
    .toSorted((a, b) => distance(b.comparison) - distance(a.comparison));
  const cells = new Set(sure.map(({ view }) => view.result.cell));
  const shown = `A difference in requests per second could be shown in ${cells.size} of ${views.length} scenarios`;
  const [largest] = sure;
  if (largest === undefined) return `${shown}.`;
  const { comparison, view } = largest;
  return `${shown}, the largest in ${view.result.cell}: ${comparison.candidate} answers ${ratioText(comparison.ratio!)}${signsOf(comparisonMarks(comparison, view))} as many as ${comparison.baseline}.`;
}

/** What must be read with the headline of the run. */
export function runRemarks(views: readonly CellView[]): string[] {
  const [only] = views;
  if (only !== undefined && views.length === 1) return cellRemarks(only);
  return [
    ...stateTexts(views, 'unmeasured', 'could not be measured'),
    ...stateTexts(views, 'invalid', 'failed an audit; figures from it are marked †'),
    ...(views.some(view => allMarks(view).includes('clientBound')) ? [MARK_NOTES.clientBound] : []),
  ];
}

function stateTexts(views: readonly CellView[], state: CellState, what: string): string[] {
  const names = views.filter(view => stateOf(view) === state).map(({ result }) => result.cell);
  return names.length === 0 ? [] : [`${names.join(', ')} ${what}.`];
}

/** How far from 1, in either direction. */
function distance({ ratio }: Comparison): number {
  return ratio === null ? 0 : Math.abs(Math.log(ratio.value));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
