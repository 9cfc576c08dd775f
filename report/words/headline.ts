// In: a cell, or all of a run. Out: what came out, in one sentence that is no surer than the figures.
import { own } from '../../scenarios/model/own.ts';
import type { ArmSummary, CellResult, Comparison, Run } from '../../results/model/run.ts';
import { cellAmortisation } from '../../results/amortisation.ts';
import { failureCauses } from '../../results/failure-causes.ts';
import { headlineOf } from '../../results/metrics.ts';
import { verdictsOf } from '../../results/verdicts.ts';
import { agreementText } from '../agreement-text.ts';
import { amortisationText, openingOf } from '../amortisation-text.ts';
import { capacityRemarks } from '../capacity-text.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { allMarks, comparisonMarks, MARK_NOTES, signsOf } from '../cell-view.ts';
import { comparisonText, knownRatio, missingReplicates } from '../comparison-text.ts';
import { errorGapsText, errorText, hasErrorGap } from '../error-gaps.ts';
import { changeText, singleText } from '../headline-figures.ts';
import { capital, headlineWords } from '../headline-words.ts';
import { gapTexts } from './link.ts';
import { modeSubject } from '../modes.ts';
import { nextStepText } from '../next-step.ts';
import { ratioText, valuesText } from './numbers.ts';
import type { CellState, Mark } from '../model.ts';
import { reuseTexts } from '../reuse-text.ts';

export function stateOf({ arms }: CellView): CellState {
  if (arms.every(({ summary }) => summary === null)) return 'unmeasured';
  return arms.some(({ marks }) => marks.includes('invalid')) ? 'invalid' : 'sound';
}

/** What came out of a cell, in a sentence. */
export function cellHeadline(view: CellView): string {
  return [`${partialText(view)}${errorText(view)}${answerText(view)}`, ...reuseTexts(view)].join(' ');
}

/** What must be read with the headline: doubts first. */
export function cellRemarks(view: CellView): string[] {
  const fit = stateOf(view) === 'unmeasured' ? null : cellAmortisation(view.result);
  return [
    ...doubtTexts(view),
    ...unsureTexts(view),
    ...capacityRemarks(view),
    ...gapTexts(view),
    ...(fit === null ? [] : [amortisationText(fit, signsOf(allMarks(view)), openingOf(view))]),
  ];
}

function answerText(view: CellView): string {
  const { result, trials } = view;
  if (stateOf(view) === 'unmeasured') {
    const causes = failureCauses(trials);
    return `Could not be measured${causes.length === 0 ? '' : `: ${causes.join('; ')}`}.`;
  }
  const deciding = decidingComparisons(result);
  const [first, ...others] = deciding;
  if (first === undefined) return singleText(view);
  const lost = lostArms(view);
  if (lost.length > 0 && deciding.every(({ replicateRatios }) => replicateRatios.length === 0)) {
    const causes = failureCauses(trials.filter(({ trial }) => lost.includes(trial.arm)));
    return `There is nothing to compare${causes.length === 0 ? '' : `: ${causes.join('; ')}`}.`;
  }
  return (
    agreementText(view, comparison => comparisonMarks(comparison, view)) ??
    (others.length === 0 ? pairText(first, view) : manyText(deciding, view))
  );
}

/** Those that have no figures, beside others that have. */
function lostArms(view: CellView): string[] {
  if (stateOf(view) === 'unmeasured') return [];
  return view.arms.flatMap(({ name, summary }) => (summary === null ? [name] : []));
}

/** Those on the metric that decides under the cell's load. */
function decidingComparisons({ comparisons, scenario }: CellResult): Comparison[] {
  const deciding = headlineOf(scenario.load).metric;
  return comparisons.filter(({ metric }) => metric === deciding);
}

function pairText(comparison: Comparison, view: CellView): string {
  const { candidate, baseline } = namesOf(comparison, view);
  const signs = signsOf(comparisonMarks(comparison, view));
  const { verb, than } = headlineWords(view.result.scenario.load);
  const { ratio, replicateRatios, verdict } = comparison;
  if (replicateRatios.length === 0 && ratio === null) {
    const unanswered = view.arms.filter(({ summary }) => summary?.completed === 0 && summary.failed > 0);
    return unanswered.length > 0
      ? `No request of ${unanswered.map(({ name }) => name).join(' and ')} was answered well, so there is nothing to compare.`
      : `No replicate has both ${candidate} and ${baseline}, so they can't be compared.`;
  }
  const known = knownRatio(comparison);
  if (known === null) return unknownText(comparison, { candidate, baseline, signs, verb, than });
  if (verdict === 'unsure') {
    return `No difference could be shown: ${candidate} ${verb} ${ratioText(known)}${signs} ${than} ${baseline}, and 1 is within the interval.`;
  }
  return `${capital(candidate)} ${verb} ${ratioText(known)}${signs} ${than} ${baseline}; ${changeText(comparison, view)}.`;
}

/** Without an interval that says something: what the replicates gave, and what that leaves open. */
function unknownText(
  { ratio, replicateRatios, verdict }: Comparison,
  of: { candidate: string; baseline: string; signs: string; verb: string; than: string },
): string {
  const count = replicateRatios.length;
  const gave = `${of.candidate} ${of.verb} ${valuesText(replicateRatios, '×')}${of.signs} ${of.than} ${of.baseline} in ${count === 1 ? 'the only replicate' : `${count} replicates`}`;
  const missing = missingReplicates(count);
  if (ratio === null)
    return `Too few replicates for an interval: ${gave}; at least ${missing === 0 ? 'one' : missing} more ${missing > 1 ? 'are' : 'is'} needed.`;
  return verdict === 'unsure'
    ? `Not known: ${gave}, too far apart to say more.`
    : `A difference is shown, but not how large it is: ${gave}.`;
}

function manyText(comparisons: readonly Comparison[], view: CellView): string {
  const sure = comparisons.filter(({ verdict, ratio }) => verdict !== 'unsure' && ratio !== null);
  const { baseline } = comparisons[0]!;
  const { subject, noun } = headlineWords(view.result.scenario.load);
  if (comparisons.every(({ ratio }) => ratio === null))
    return `Too few replicates for an interval: against ${baseline}, no ratio of ${noun} is known.`;
  if (sure.length === 0) return `Against ${baseline}, no arm could be shown to differ in ${noun}.`;
  const sorted = sure.toSorted((a, b) => a.ratio!.value - b.ratio!.value);
  const ends = sorted.length === 1 ? sorted : [sorted[0]!, sorted.at(-1)!];
  const parts = ends.map(
    comparison =>
      `${comparisonText(comparison)}${signsOf(comparisonMarks(comparison, view))} with ${comparison.candidate}`,
  );
  return `Against ${baseline}, ${subject} ${ends.length === 1 ? 'to' : 'from'} ${parts.join(' to ')}.`;
}

/** What could not be told, of many arms those that the headline has no room for; and what would tell it. */
function unsureTexts({ result }: CellView): string[] {
  const deciding = decidingComparisons(result);
  const unsure = deciding.filter(
    ({ verdict, replicateRatios }) => verdict === 'unsure' && replicateRatios.length > 0,
  );
  const nextStep = nextStepText(
    unsure.map(comparison => ({ result, comparison })),
    [result],
  );
  const hasNone = deciding.length < 2 || unsure.length === 0 || unsure.length === deciding.length;
  return [
    ...(hasNone
      ? []
      : [`No difference could be shown for ${unsure.map(({ candidate }) => candidate).join(', ')}.`]),
    ...(nextStep === undefined ? [] : [nextStep]),
  ];
}

/** Modes read better than arm names where each stands for one arm only: "Persistent connections ... short ones". */
function namesOf(
  comparison: Comparison,
  { arms, result }: CellView,
): { candidate: string; baseline: string } {
  const codeOf = (arm: string): string => {
    const label = own(result.code, arm) ?? own(result.targetCode, arm);
    return label === undefined ? arm : `${arm} (${label})`;
  };
  const of = (name: string): ArmView | undefined => arms.find(arm => arm.name === name);
  const subjects = arms.map(({ client }) => (client === undefined ? '' : modeSubject(client)));
  const isTold = subjects.every(subject => subject !== '') && new Set(subjects).size === subjects.length;
  const candidate = of(comparison.candidate)?.client;
  const baseline = of(comparison.baseline)?.client;
  if (!isTold || candidate === undefined || baseline === undefined) {
    return {
      candidate: `clients of ${codeOf(comparison.candidate)}`,
      baseline: `those of ${codeOf(comparison.baseline)}`,
    };
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
  const lost = lostArms(view);
  return [
    ...(invalid.length === 0 ? [] : [`† Do not rely on this: an audit failed for ${invalid.join(', ')}.`]),
    ...(bound.length === 0
      ? []
      : [`‡ Client-bound: for ${bound.join(', ')} the client library's own cost is what you see.`]),
    ...uncountedTexts(view),
    ...(lost.length === 0 ? [] : [`There are no figures of ${lost.join(', ')}.`]),
    ...(failed === 0
      ? []
      : [
          `${failed} of ${view.trials.length} trials failed${failed === view.trials.length ? '' : `: ${failureCauses(view.trials).join('; ')}`}.`,
        ]),
  ];
}

function uncountedTexts({ arms }: CellView): string[] {
  const names = (is: (arm: ArmSummary) => boolean) =>
    arms.filter(({ summary }) => summary !== null && is(summary)).map(({ name }) => name);
  const unseen = names(({ openedBy }) => openedBy === 'unknown');
  const partly = names(({ openedBy, openedElsewhere }) => openedBy !== 'unknown' && openedElsewhere > 0);
  return [
    ...(unseen.length === 0
      ? []
      : [`The connections of ${unseen.join(', ')} can't be seen: their ledger was not checked.`]),
    ...(partly.length === 0
      ? []
      : [
          `${partly.join(', ')} also opened connections to other places: only those to the target are checked.`,
        ]),
  ];
}

/** On the whole run; a run of one cell says what the cell says. */
export function runHeadline(views: readonly CellView[], state: Run['state']): string {
  const [only] = views;
  if (only === undefined) return 'Nothing was measured.';
  return views.length === 1
    ? cellHeadline(only)
    : `${RUN_STATE_WORDS[state]}${errorGapsText(views.filter(hasErrorGap).map(({ result }) => result.cell))}${overallText(views)}`;
}

const RUN_STATE_WORDS: Record<Run['state'], string> = {
  complete: '',
  partial: 'Partial, interrupted: ',
  failed: 'Failed in part: ',
};

/** Of several cells. */
function overallText(views: readonly CellView[]): string {
  // One sentence on all of them: their error is held together.
  const all = views.flatMap(view =>
    decidingComparisons(view.result).map(comparison => ({ view, comparison })),
  );
  const verdicts = verdictsOf(all.map(({ comparison }) => comparison));
  const sure = all
    .filter(({ comparison }) => verdicts.get(comparison) !== 'unsure')
    .toSorted((a, b) => distance(b.comparison) - distance(a.comparison));
  const count = (of: readonly CellView[]) => new Set(of.map(({ result }) => result.scenario.name)).size;
  const nouns = new Set(views.map(view => headlineWords(view.result.scenario.load).noun));
  const what = nouns.size === 1 ? ` in ${[...nouns][0]}` : '';
  const shown = `A difference${what} could be shown in ${count(sure.map(({ view }) => view))} of ${count(views)} scenarios`;
  const largest = sure.find(({ comparison }) => knownRatio(comparison) !== null) ?? sure[0];
  if (largest === undefined) return `${shown}.`;
  const { comparison, view } = largest;
  const { verbOne, than } = headlineWords(view.result.scenario.load);
  return `${shown}, the largest in ${view.result.cell}: ${comparison.candidate} ${verbOne} ${comparisonText(comparison)}${signsOf(comparisonMarks(comparison, view))} ${than} ${comparison.baseline}.`;
}

/** What must be read with the headline of the run. */
export function runRemarks(views: readonly CellView[]): string[] {
  const [only] = views;
  if (only !== undefined && views.length === 1) return cellRemarks(only);
  return [
    ...views.flatMap(view => reuseTexts(view).map(text => `${view.result.cell}: ${text}`)),
    ...namesText(views.filter(isInterruptedEmpty), 'was interrupted before anything was measured'),
    ...namesText(
      views.filter(view => stateOf(view) === 'unmeasured' && !isInterruptedEmpty(view)),
      'could not be measured',
    ),
    ...namesText(
      views.filter(view => lostArms(view).length > 0),
      'has an arm that could not be measured',
    ),
    ...namesText(
      views.filter(view => stateOf(view) === 'invalid'),
      'failed an audit; figures from it are marked †',
    ),
    ...(views.some(view => allMarks(view).includes('clientBound')) ? [MARK_NOTES.clientBound] : []),
  ];
}

function isInterruptedEmpty(view: CellView): boolean {
  return stateOf(view) === 'unmeasured' && view.result.stop === 'interrupted';
}

function namesText(views: readonly CellView[], what: string): string[] {
  const names = views.map(({ result }) => result.cell);
  return names.length === 0 ? [] : [`${names.join(', ')} ${what}.`];
}

/** How far from 1, in either direction. */
function distance({ ratio }: Comparison): number {
  return ratio === null ? 0 : Math.abs(Math.log(ratio.value));
}
