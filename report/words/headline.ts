// Headlines and remarks of a cell and of a run: sentences that claim no more than the figures support.

import { failureCauses, foldSimilar } from '../../results/audits/index.ts';
import { verdictsOf } from '../../results/compare.ts';
import { cellAmortisation } from '../../results/connection-cost.ts';
import type { ArmSummary, Comparison, Metric, Run } from '../../results/model/run.ts';
import { own } from '../../scenarios/model/facts.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { isNullArm, NULL_ARM } from '../../scenarios/model/sweep.ts';
import {
  type ArmView,
  allMarks,
  type CellView,
  comparedArms,
  comparisonMarks,
  decidingComparisons,
  figureMarks,
  namesWhere,
  stateOf,
} from '../cell-view.ts';
import type { Mark } from '../model.ts';
import {
  boundRemarks,
  capacityBound,
  capacityRemarks,
  describeLack,
  lacksCapacities,
  ratioBound,
} from './bound.ts';
import { describeAgreement, policySubject } from './clients.ts';
import {
  describeAlone,
  describeAmortisation,
  describeConnectionCosts,
  describeCostIn,
  describeGap,
  openingOf,
} from './connection-cost.ts';
import {
  describeErrorGaps,
  describeErrors,
  describeFailingRequests,
  describeMissingReuse,
  hasErrorGap,
  lacksReuse,
  suggestNextStep,
} from './doubts.ts';
import { describeObjective, describeSent, headlinePhrases } from './load.ts';
import { signsOf } from './marks.ts';
import {
  excludesOne,
  formatComparison,
  formatLatency,
  formatRatio,
  formatValues,
  knownRatio,
  missingReplicates,
  roundInterval,
} from './numbers.ts';
import { capitalize, compact } from './text.ts';

function describeSingle({ arms, result }: CellView): string {
  const measured = arms.find(({ summary }) => summary !== null);
  const figures = measured === undefined ? null : singleFigures(measured, result.scenario.load);
  return figures === null
    ? 'No requests were answered.'
    : `${figures}; there is no other client to compare it with.`;
}

function singleFigures(arm: ArmView, load: Load): string | null {
  const { name, summary, marks } = arm;
  if (summary === null || (summary.completed === 0 && summary.failed === 0)) return null;
  if (summary.completed === 0) return `No request of ${name} succeeded`;
  const signs = signsOf(marks);
  const { capacityPerSec, requestsPerSec } = summary;
  const meanText = `a mean latency of ${formatLatency(summary.meanUs)}${signs}`;
  if (load.model === 'capacity') {
    return capacityPerSec === null
      ? null
      : `${name} sustains ${capacityBound(arm)}${roundInterval(capacityPerSec).value}${signsOf(figureMarks(arm, 'capacityPerSec'))} requests per second while ${describeObjective(load.objective)}`;
  }
  if (requestsPerSec === null) return null;
  return load.model === 'closed'
    ? `${name} handles ${roundInterval(requestsPerSec).value}${signs} requests per second at ${meanText}`
    : `${name} handles ${describeSent(load)} at ${meanText}`;
}

/** The figures behind the ratio, and others that changed with it. */
function describeFigures(comparison: Comparison, view: CellView): string {
  const { load } = view.result.scenario;
  switch (load.model) {
    case 'closed':
      return latencyChange(comparison, view);
    case 'open':
    case 'burst':
      return `at ${describeSent(load)} ${latencyChange(comparison, view)}, p99 is ${compareFigures(comparison, view, { metric: 'p99Us', text: (_arm, { p99Us }) => formatLatency(p99Us) })}`;
    case 'capacity': {
      const text = (arm: ArmView, { capacityPerSec: rate }: ArmSummary) =>
        rate === null ? 'none' : `${capacityBound(arm)}${roundInterval(rate).value}`;
      return `${compareFigures(comparison, view, { metric: 'capacityPerSec', text })} requests per second while ${describeObjective(load.objective)}`;
    }
    default:
      return load satisfies never;
  }
}

/** `24.1 ms vs 3.4 ms`: the candidate's figure and the baseline's. */
function compareFigures(
  comparison: Comparison,
  view: CellView,
  of: { metric: Metric; text: (arm: ArmView, summary: ArmSummary) => string },
): string {
  return comparedArms(comparison, view)
    .map(arm =>
      arm?.summary == null
        ? 'unknown'
        : `${of.text(arm, arm.summary)}${signsOf(figureMarks(arm, of.metric))}`,
    )
    .join(' vs ');
}

/**
 * `mean latency is 3.4 ms vs 24.1 ms, 0.14× (0.13 to 0.15)`; says that it falls or rises only where it is the deciding metric.
 */
function latencyChange(comparison: Comparison, view: CellView): string {
  const [after, before] = comparedArms(comparison, view);
  if (before?.summary == null || after?.summary == null) return 'mean latency is unknown';
  const from = `${formatLatency(before.summary.meanUs)}${signsOf(before.marks)}`;
  const to = `${formatLatency(after.summary.meanUs)}${signsOf(after.marks)}`;
  const means = view.result.comparisons.find(
    ({ metric, candidate }) => metric === 'meanUs' && candidate === comparison.candidate,
  );
  const ratio = means?.ratio ?? null;
  const hasFallen = after.summary.meanUs < before.summary.meanUs;
  const isTurned = ratio !== null && (hasFallen ? ratio.low > 1 : ratio.high < 1);
  // The ratio weighs replicates equally; the mean over all requests weighs them by their number of requests.
  if (isTurned)
    return `mean latency over all requests is ${to} vs ${from}, although with replicates weighted equally it is the other way round`;
  if (means?.isDeciding === true && means.verdict !== 'unsure')
    return `mean latency ${hasFallen ? 'falls' : 'rises'} from ${from} to ${to}`;
  const signs = means === undefined ? '' : signsOf(comparisonMarks(means, view));
  return `mean latency is ${to} vs ${from}${means === undefined ? '' : `, ${formatComparison(means)}${signs}`}`;
}

/** The result of a cell in one sentence. */
export function cellHeadline(view: CellView): string {
  const sentences = [describeErrors(view), describeResult(view), ...describeMissingReuse(view)];
  return `${describePartial(view)}${compact(sentences).join(' ')}`;
}

/** What to read with the headline, doubts first. */
export function cellRemarks(view: CellView): string[] {
  const fit = stateOf(view) === 'unmeasured' ? null : cellAmortisation(view.result);
  return compact([
    ...doubtRemarks(view),
    ...unsureRemarks(view),
    ...describeNullArm([view]),
    ...capacityRemarks(view),
    ...describeAlone(view),
    ...describeGap(view),
    fit !== null && describeAmortisation(fit, signsOf(allMarks(view)), openingOf(view)),
  ]);
}

/** The result at a server that closes each connection: any ratio is that of two clients that do the same. */
const NOTHING_TO_REUSE =
  'The server closes each connection after its response, so there is nothing to reuse.';

/** The result with what a connection costs. */
export function describeResult(view: CellView): string {
  const uncompared = describeUncompared(view);
  if (uncompared !== undefined) return uncompared;
  const costs = describeConnectionCosts(view);
  if (costs === null) return wordRatios(view);
  const isOnePair = decidingComparisons(view.result).length === 1;
  // It says already how many more requests were served.
  if (isOnePair && view.result.scenario.load.model === 'closed') return costs;
  return `${costs} ${wordRatios(view)}`;
}

/** The same without what a connection costs. */
export function describeRatios(view: CellView): string {
  return describeUncompared(view) ?? wordRatios(view);
}

/** What is said in place of ratios; undefined where clients are compared. */
function describeUncompared(view: CellView): string | undefined {
  const { result, trials } = view;
  if (stateOf(view) === 'unmeasured') {
    const causes = failureCauses(trials);
    return `Could not be measured${causes.length === 0 ? '' : `: ${causes.join('; ')}`}.`;
  }
  const deciding = decidingComparisons(result);
  if (lacksCapacities(view)) return describeLack(view);
  if (lacksReuse(result)) return NOTHING_TO_REUSE;
  if (deciding.length === 0) return describeSingle(view);
  const lost = lostArms(view);
  if (lost.length > 0 && deciding.every(({ replicateRatios }) => replicateRatios.length === 0)) {
    const causes = failureCauses(trials.filter(({ trial }) => lost.includes(trial.arm)));
    return `Nothing can be compared${causes.length === 0 ? '' : `: ${causes.join('; ')}`}.`;
  }
  return describeAgreement(view);
}

function wordRatios(view: CellView): string {
  const deciding = decidingComparisons(view.result);
  const [first, ...others] = deciding;
  return others.length === 0 ? describePair(first!, view) : describeMany(deciding, view);
}

/** Arms without figures, where others have some. */
function lostArms(view: CellView): string[] {
  if (stateOf(view) === 'unmeasured') return [];
  return view.arms.flatMap(({ name, summary }) => (summary === null ? [name] : []));
}

/** `null is persistent again, to show the noise.` Once for all cells that have the same. */
export function describeNullArm(views: readonly CellView[]): string[] {
  const found = views.flatMap(({ arms, result: { scenario } }) =>
    arms.some(({ name }) => isNullArm(name, scenario))
      ? [`${NULL_ARM} is ${scenario.baseline} again, to show the noise.`]
      : [],
  );
  return [...new Set(found)];
}

function describePair(comparison: Comparison, view: CellView): string {
  const { candidate, baseline } = namesOf(comparison, view);
  const signs = signsOf(comparisonMarks(comparison, view));
  const { verb, than } = headlinePhrases(view.result.scenario.load);
  const { ratio, replicateRatios, verdict } = comparison;
  if (replicateRatios.length === 0 && ratio === null) {
    const unanswered = view.arms.filter(({ summary }) => summary?.completed === 0 && summary.failed > 0);
    return unanswered.length > 0
      ? `No request of ${unanswered.map(({ name }) => name).join(' and ')} succeeded, so nothing can be compared.`
      : `No replicate has both ${candidate} and ${baseline}, so they cannot be compared.`;
  }
  const say = (ratio: string): string => `${candidate} ${verb} ${ratio}${signs} ${than} ${baseline}`;
  const known = knownRatio(comparison);
  if (known === null) return describeUnknown(comparison, view.result.replicates, say);
  const said = say(formatRatio(known));
  if (verdict === 'unsure' && excludesOne(comparison))
    return `Unsure: ${said}, which the interval alone would show, but not beside the other comparisons.`;
  if (verdict === 'unsure') return `No significant difference: ${said}, and the interval includes 1.`;
  const bound = BOUND_WORDS[ratioBound(comparison, view) ?? 'unknown'];
  return `${capitalize(say(`${bound}${formatRatio(known)}`))}; ${describeFigures(comparison, view)}.`;
}

/** Before a ratio of capacities, where a client's own process was the limit of one. */
const BOUND_WORDS = { atLeast: 'at least ', atMost: 'at most ', unknown: '' } as const;

/**
 * Without a useful interval: the ratios of the replicates, and what they leave open.
 *
 * @param all replicates of the cell; in some of them one of the two may have no figure
 */
function describeUnknown(
  { ratio, replicateRatios, verdict }: Comparison,
  all: number,
  say: (ratio: string) => string,
): string {
  const count = replicateRatios.length;
  const only = count === 1 ? 'the only replicate' : `${count} replicates`;
  const where = count < all ? `${count} of ${all} replicates` : only;
  const gave = `${say(formatValues(replicateRatios, '×'))} in ${where}`;
  const missing = missingReplicates(count);
  if (ratio === null)
    return `Too few replicates for an interval: ${gave}; at least ${missing === 0 ? 'one' : missing} more ${missing > 1 ? 'are' : 'is'} needed.`;
  return verdict === 'unsure'
    ? `Inconclusive: ${gave}, too far apart for an interval.`
    : `There is a difference, but its size is uncertain: ${gave}.`;
}

function describeMany(comparisons: readonly Comparison[], view: CellView): string {
  const sure = comparisons.filter(({ verdict, ratio }) => verdict !== 'unsure' && ratio !== null);
  const { baseline } = comparisons[0]!;
  const { subject, noun } = headlinePhrases(view.result.scenario.load);
  if (comparisons.every(({ ratio }) => ratio === null))
    return `Too few replicates for an interval: no ratio of ${noun} to ${baseline} is known.`;
  if (sure.length === 0) {
    const alone = comparisons.filter(excludesOne).map(({ candidate }) => candidate);
    return alone.length === 0
      ? `No client differs significantly from ${baseline} in ${noun}.`
      : `Together, ${comparisons.length} comparisons show no significant difference from ${baseline} in ${noun}; alone, ${alone.join(' and ')} would differ.`;
  }
  const sorted = sure.toSorted((a, b) => a.ratio!.value - b.ratio!.value);
  const marked = (comparison: Comparison): string =>
    `${formatComparison(comparison)}${signsOf(comparisonMarks(comparison, view))}`;
  const [lowest, highest] = [sorted[0]!, sorted.at(-1)!];
  return lowest === highest
    ? `Only ${lowest.candidate} differs significantly from ${baseline} in ${noun}: ${marked(lowest)}.`
    : `Relative to ${baseline}, ${subject} from ${marked(lowest)} with ${lowest.candidate} to ${marked(highest)} with ${highest.candidate}.`;
}

/** Arms without a verdict that the headline has no room for, and what would give one. */
export function unsureRemarks({ result }: CellView): string[] {
  const deciding = decidingComparisons(result);
  const unsure = deciding.filter(
    ({ verdict, replicateRatios, candidate }) =>
      verdict === 'unsure' && replicateRatios.length > 0 && !isNullArm(candidate, result.scenario),
  );
  const nextStep = suggestNextStep(
    unsure.map(comparison => ({ result, comparison })),
    [result],
  );
  const hasNone = deciding.length < 2 || unsure.length === 0 || unsure.length === deciding.length;
  return compact([
    !hasNone && `No significant difference for ${unsure.map(({ candidate }) => candidate).join(', ')}.`,
    nextStep,
  ]);
}

/** Connection policies read better than arm names if they are all different: "Persistent connections ... short ones". */
function namesOf(comparison: Comparison, view: CellView): { candidate: string; baseline: string } {
  const { arms, result } = view;
  const codeOf = (arm: string): string => {
    const label = own(result.code, arm) ?? own(result.targetCode, arm);
    return label === undefined ? arm : `${arm} (${label})`;
  };
  const subjects = arms.map(({ client }) => (client === undefined ? '' : policySubject(client)));
  const areDistinct = subjects.every(subject => subject !== '') && new Set(subjects).size === subjects.length;
  const [candidate, baseline] = comparedArms(comparison, view).map(arm => arm?.client);
  if (!areDistinct || candidate === undefined || baseline === undefined) {
    return {
      candidate: `clients of ${codeOf(comparison.candidate)}`,
      baseline: `those of ${codeOf(comparison.baseline)}`,
    };
  }
  return {
    candidate: policySubject(candidate),
    baseline: policySubject(baseline)
      .replace(/ connections$/, ' ones')
      .replace(/^connections /, 'those '),
  };
}

export function describePartial({ result }: CellView): string {
  if (result.stop !== 'interrupted') return '';
  return `Partial, interrupted after ${result.replicates} of at least ${result.scenario.timing.minReplicates} replicates: `;
}

export function doubtRemarks(view: CellView): string[] {
  const marked = (mark: Mark) =>
    view.arms.filter(({ marks }) => marks.includes(mark)).map(({ name }) => name);
  const invalid = marked('invalid');
  const failed = view.trials.filter(({ state }) => state === 'failed').length;
  const lost = lostArms(view);
  return compact([
    invalid.length > 0 && `† Not reliable: an audit failed for ${invalid.join(', ')}.`,
    ...describeFailingRequests(view),
    ...boundRemarks([view]),
    ...uncountedRemarks(view),
    ...closingRemarks(view),
    lost.length > 0 && `There are no figures for ${lost.join(', ')}.`,
    failed > 0 &&
      `${failed} of ${view.trials.length} trials failed${failed === view.trials.length ? '' : `: ${failureCauses(view.trials).join('; ')}`}.`,
  ]);
}

/** Clients that failed to close; each once, however many replicates. */
function closingRemarks({ arms, result }: CellView): string[] {
  return arms.flatMap(({ name }) => {
    const found = result.findings.filter(({ rule, arm }) => rule === 'closing' && arm === name);
    return foldSimilar(found.map(({ detail }) => detail)).map(detail => `${name}: ${detail}.`);
  });
}

/** That connections are missing from the ledger; the caveats have the counts and the reasons. */
function uncountedRemarks({ arms }: CellView): string[] {
  const names = namesWhere(
    arms,
    ({ openedBy, openedElsewhere }) => openedBy === 'unknown' || openedElsewhere > 0,
  );
  return names.length === 0
    ? []
    : [`The ledger of ${names.join(', ')} was not checked in full; the caveats say why.`];
}

/** The result of a run in one sentence; for a single cell, that of the cell. */
export function runHeadline(views: readonly CellView[], state: Run['state']): string {
  const [only] = views;
  if (only === undefined) return 'Nothing was measured.';
  if (views.length === 1) return cellHeadline(only);
  const gaps = describeErrorGaps(views.filter(hasErrorGap).map(({ result }) => result.cell));
  return `${RUN_STATE_PREFIXES[state]}${compact([gaps, describeAll(views)]).join(' ')}`;
}

/** What a connection costs in each cell that tells; of the others, how many show a difference. */
function describeAll(views: readonly CellView[]): string {
  const costs = views.map(view => describeCostIn(view));
  const others = views.filter((_view, index) => costs[index] === null);
  const known = costs.filter(text => text !== null);
  const [only] = others;
  if (only === undefined) return known.join(' ');
  const rest =
    views.length > others.length && others.length === 1
      ? `In ${only.result.cell}: ${cellHeadline(only)}`
      : describeOverall(others);
  return [...known, rest].join(' ');
}

const RUN_STATE_PREFIXES: Record<Run['state'], string> = {
  complete: '',
  partial: 'Partial, interrupted: ',
  failed: 'Partly failed: ',
};

function describeOverall(views: readonly CellView[]): string {
  // One sentence covers all comparisons, so they share the error rate.
  const all = views.flatMap(view =>
    decidingComparisons(view.result).map(comparison => ({ view, comparison })),
  );
  const verdicts = verdictsOf(all.map(({ comparison }) => comparison));
  const sure = all
    .filter(({ comparison }) => verdicts.get(comparison) !== 'unsure')
    .toSorted((a, b) => distance(b.comparison) - distance(a.comparison));
  const count = (of: readonly CellView[]) => new Set(of.map(({ result }) => result.scenario.name)).size;
  const nouns = new Set(views.map(view => headlinePhrases(view.result.scenario.load).noun));
  const what = nouns.size === 1 ? ` in ${[...nouns][0]}` : '';
  const shown = `A significant difference${what} in ${count(sure.map(({ view }) => view))} of ${count(views)} scenarios`;
  const largest = sure.find(({ comparison }) => knownRatio(comparison) !== null) ?? sure[0];
  if (largest === undefined) return `${shown}.`;
  const { comparison, view } = largest;
  const { verbOne, than } = headlinePhrases(view.result.scenario.load);
  return `${shown}, the largest in ${view.result.cell}: ${comparison.candidate} ${verbOne} ${formatComparison(comparison)}${signsOf(comparisonMarks(comparison, view))} ${than} ${comparison.baseline}.`;
}

/** What to read with the headline of the run. */
export function runRemarks(views: readonly CellView[]): string[] {
  const [only] = views;
  if (only !== undefined && views.length === 1) return cellRemarks(only);
  return [
    ...views.flatMap(view =>
      [...describeFailingRequests(view), ...describeMissingReuse(view)].map(
        text => `${view.result.cell}: ${text}`,
      ),
    ),
    ...remarkOn(views.filter(isInterruptedEmpty), 'was interrupted before anything was measured'),
    ...remarkOn(
      views.filter(view => stateOf(view) === 'unmeasured' && !isInterruptedEmpty(view)),
      'could not be measured',
    ),
    ...remarkOn(
      views.filter(view => lostArms(view).length > 0),
      'has a client that could not be measured',
    ),
    ...remarkOn(
      views.filter(view => stateOf(view) === 'invalid'),
      'failed an audit; figures from it are marked †',
    ),
    ...describeNullArm(views),
    ...boundRemarks(views),
  ];
}

function isInterruptedEmpty(view: CellView): boolean {
  return stateOf(view) === 'unmeasured' && view.result.stop === 'interrupted';
}

function remarkOn(views: readonly CellView[], what: string): string[] {
  const names = views.map(({ result }) => result.cell);
  return names.length === 0 ? [] : [`${names.join(', ')} ${what}.`];
}

/** How far from 1, in either direction. */
function distance({ ratio }: Comparison): number {
  return ratio === null ? 0 : Math.abs(Math.log(ratio.value));
}
