// Headlines and remarks of a cell and of a run: sentences that claim no more than the figures support.
import { type AmortisationFit, cellAmortisation } from '../../results/amortisation.ts';
import { failureCauses } from '../../results/audits/index.ts';
import { areErrorsUnlike, errorRatioOf, verdictsOf } from '../../results/compare.ts';
import { headlineOf } from '../../results/metrics.ts';
import type { ArmSummary, CellResult, Comparison, Metric, Run } from '../../results/model/run.ts';
import { spreadPhases } from '../../results/phases.ts';
import { type Interval, LEAST_REPLICATES, replicatesToTell } from '../../results/stats.ts';
import { type Load, mostInFlight } from '../../scenarios/model/load.ts';
import { own } from '../../scenarios/model/own.ts';
import { type ArmView, allMarks, type CellView, comparisonMarks, signsOf } from '../cell-view.ts';
import type { CellState, Mark } from '../model.ts';
import { capacityRemarks } from '../tables/open-loads.ts';
import { boundRemarks } from './bound.ts';
import { policySubject } from './conditions.ts';
import { describeAlone, describeConnectionCosts, describeCostIn } from './connection-cost.ts';
import { describeGap } from './link.ts';
import { capitalize, describeObjective, describeSent, headlinePhrases } from './load.ts';
import {
  BOUNDS_UNKNOWN,
  formatComparison,
  formatCount,
  formatLatency,
  formatPercent,
  formatRatio,
  formatValues,
  isKnown,
  knownRatio,
  missingReplicates,
  roundInterval,
} from './numbers.ts';

/** Clients with a loop of their own; a scenario that has one asks whether they agree. */
const LOAD_TOOLS: readonly string[] = ['autocannon', 'wrk', 'hey'];

/** Whether the arms share one connection policy but not one client, and include a load tool: then they should agree. */
export function comparesLoadTools(arms: readonly ArmView[]): boolean {
  const clients = arms.flatMap(({ client }) => client ?? []);
  const policies = new Set(clients.map(({ requestsPerConnection }) => requestsPerConnection));
  const senders = new Set(clients.map(({ transport }) => transport));
  return (
    clients.length === arms.length &&
    policies.size === 1 &&
    senders.size > 1 &&
    LOAD_TOOLS.some(tool => senders.has(tool))
  );
}

/** Larger bounds are shown as `>+999`, because their digits mean nothing. */
const MOST_PERCENT = 999;

/** A ratio as its deviation from 1: `+1.2 % (−0.3 to +2.7)`. */
export function formatDeviation(ratio: Interval): string {
  const { value, low, high } = ratio;
  return `${signed(value)} % (${isKnown(ratio) ? `${signed(low)} to ${signed(high)}` : BOUNDS_UNKNOWN})`;
}

function signed(ratio: number): string {
  const percent = Math.abs(ratio - 1) * 100;
  if (percent > MOST_PERCENT) return `>+${MOST_PERCENT}`;
  const digits = percent < 10 ? 1 : 0;
  const text = percent.toFixed(digits);
  if (Number(text) === 0) return text;
  return `${ratio < 1 ? '−' : '+'}${text}`;
}

/** The comparison on a metric that deviates most from the baseline; undefined if none has an interval. */
function furthest(
  metric: Metric,
  comparisons: readonly Comparison[],
): (Comparison & { ratio: Interval }) | undefined {
  const known = comparisons.flatMap(comparison =>
    comparison.metric === metric && comparison.ratio !== null
      ? [{ ...comparison, ratio: comparison.ratio }]
      : [],
  );
  const off = ({ ratio }: { ratio: Interval }): number => Math.abs(Math.log(ratio.value));
  return known.reduce<(typeof known)[number] | undefined>(
    (most, next) => (most === undefined || off(next) > off(most) ? next : most),
    undefined,
  );
}

/** How far the clients disagree, by the largest deviations; undefined if too little is known. */
function describeAgreement(
  { result, arms }: CellView,
  marksOf: (comparison: Comparison) => readonly Mark[],
): string | undefined {
  if (!comparesLoadTools(arms) || result.scenario.load.model !== 'closed') return undefined;
  const rate = furthest('requestsPerSec', result.comparisons);
  const mean = furthest('meanUs', result.comparisons);
  if (rate === undefined || mean === undefined) return undefined;
  const deviation = (comparison: Comparison & { ratio: Interval }): string =>
    `${formatDeviation(comparison.ratio)}${signsOf(marksOf(comparison))} with ${comparison.candidate}`;
  return `Relative to ${result.scenario.baseline}, the largest deviation in requests per second is ${deviation(rate)}, and in mean latency ${deviation(mean)}.`;
}

/** Below this share of explained variation the model does not fit, and its parameters mean nothing. */
const LEAST_R2 = 0.9;

/** Whether the latencies follow the model well enough for its parameters to be meaningful. */
export function fitsWell(fit: AmortisationFit): boolean {
  return fit.handshakeUs > 0 && fit.serviceUs > 0 && fit.r2 >= LEAST_R2;
}

/** `With 100 at once, a new connection adds 20.1 ms of latency, shared by the requests on it (mostly waiting for others: opening itself took 0.5 ms); ...`. `signs` follow each figure. */
export function describeAmortisation(
  fit: AmortisationFit,
  signs: string,
  { users, connectUs }: { users: number; connectUs: number | null },
): string {
  if (!fitsWell(fit)) {
    return `The latencies do not follow the model service + handshake / requests per connection (it explains ${formatPercent(fit.r2)} of their variation), so the cost of opening a connection cannot be derived from them.`;
  }
  const queued =
    connectUs === null || connectUs > fit.handshakeUs / 2
      ? ''
      : ` (mostly waiting for others: opening itself took ${formatLatency(connectUs)})`;
  const cost = `With ${formatCount(users)} at once, a new connection adds ${formatLatency(fit.handshakeUs)}${signs} of latency, shared by the requests on it${queued}`;
  return fit.breakEvenRequests === null
    ? `${cost}.`
    : `${cost}; at ${formatCount(fit.breakEvenRequests)}${signs} or more requests per connection, that is at most a tenth of the ${formatLatency(fit.serviceUs)}${signs} of service time.`;
}

/** How many users may be opening a connection at once, and how long opening took, TLS included; null if no client reports it. */
export function openingOf({ result, arms }: CellView): { users: number; connectUs: number | null } {
  const { connect, tls } = spreadPhases(arms.flatMap(({ trials }) => trials));
  const connectUs = connect === null ? null : connect.meanUs + (tls?.meanUs ?? 0);
  return { users: mostInFlight(result.scenario.load), connectUs };
}

/** The headline of a cell with a single arm. */
function describeSingle({ arms, result }: CellView): string {
  const measured = arms.find(({ summary }) => summary !== null);
  if (measured === undefined) return 'No requests were answered.';
  const figures = singleFigures(measured, result.scenario.load);
  return figures === null
    ? 'No requests were answered.'
    : `${figures}; there is no other client to compare it with.`;
}

function singleFigures({ name, summary, marks }: ArmView, load: Load): string | null {
  if (summary === null || (summary.completed === 0 && summary.failed === 0)) return null;
  if (summary.completed === 0) return `No request of ${name} succeeded`;
  const signs = signsOf(marks);
  const meanText = `a mean latency of ${formatLatency(summary.meanUs)}${signs}`;
  if (load.model === 'capacity') {
    return summary.capacityPerSec === null
      ? `No rate was found that ${name} sustains`
      : `${name} sustains ${roundInterval(summary.capacityPerSec).value}${signs} requests per second while ${describeObjective(load.objective)}`;
  }
  if (summary.requestsPerSec === null) return null;
  return load.model === 'closed'
    ? `${name} handles ${roundInterval(summary.requestsPerSec).value}${signs} requests per second at ${meanText}`
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
      return `at ${describeSent(load)} ${latencyChange(comparison, view)}, p99 is ${compareFigures(comparison, view, ({ p99Us }) => formatLatency(p99Us))}`;
    case 'capacity': {
      const text = ({ capacityPerSec: rate }: ArmSummary) =>
        rate === null ? 'none' : roundInterval(rate).value;
      return `${compareFigures(comparison, view, text)} requests per second while ${describeObjective(load.objective)}`;
    }
    default:
      return load satisfies never;
  }
}

/** `24.1 ms vs 3.4 ms`: the candidate's figure and the baseline's. */
function compareFigures(
  { candidate, baseline }: Comparison,
  { arms }: CellView,
  text: (summary: ArmSummary) => string,
): string {
  const [its, other] = [candidate, baseline].map(name => {
    const arm = arms.find(arm => arm.name === name);
    return arm?.summary == null ? 'unknown' : `${text(arm.summary)}${signsOf(arm.marks)}`;
  });
  return `${its} vs ${other}`;
}

/**
 * `mean latency is 3.4 ms vs 24.1 ms, 0.14× (0.13 to 0.15)`; says that it falls or rises only where it is the deciding metric.
 */
function latencyChange({ candidate, baseline }: Comparison, view: CellView): string {
  const of = (name: string) => view.arms.find(arm => arm.name === name);
  const before = of(baseline);
  const after = of(candidate);
  if (before?.summary == null || after?.summary == null) return 'mean latency is unknown';
  const from = `${formatLatency(before.summary.meanUs)}${signsOf(before.marks)}`;
  const to = `${formatLatency(after.summary.meanUs)}${signsOf(after.marks)}`;
  const means = view.result.comparisons.find(
    ({ metric, candidate: name }) => metric === 'meanUs' && name === candidate,
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

/** Two requests per connection would already be a reuse of 0.5. */
const HARDLY_REUSED = 0.1;
const NOT_REUSED = 0.01;

/** Share of requests sent on a connection that was already open; null if none was sent. */
export function reuseRatio({
  opened,
  requestsSent,
}: Pick<ArmSummary, 'opened' | 'requestsSent'>): number | null {
  return requestsSent === 0 ? null : Math.max(0, 1 - opened / requestsSent);
}

/** One sentence per arm that should reuse connections but does not: `ours opened a connection for each of 2,175 requests: it reuses none.` */
export function describeMissingReuse({ arms, result }: Pick<CellView, 'arms' | 'result'>): string[] {
  const { target } = result.scenario;
  const closes =
    target.connectionClose === true || result.server?.httpVersion === '1.0'
      ? ', because the server closes it after each response'
      : '';
  return arms.flatMap(({ name, client, summary }: ArmView) => {
    if (summary === null || client === undefined || client.requestsPerConnection === 1) return [];
    const ratio = reuseRatio(summary);
    if (ratio === null || ratio >= HARDLY_REUSED) return [];
    const sent = formatCount(summary.requestsSent);
    return ratio < NOT_REUSED
      ? [`${name} opened a connection for each of ${sent} requests: it reuses none${closes}.`]
      : [
          `${name} opened ${formatCount(summary.opened)} connections for ${sent} requests: it hardly reuses any${closes}.`,
        ];
  });
}

export function hasErrorGap(view: CellView): boolean {
  return unequalComparisons(view).length > 0;
}

/** Comparisons with a ratio whose arms differ in error rate. */
function unequalComparisons(view: CellView): Comparison[] {
  return view.result.comparisons.filter(
    comparison =>
      comparison.replicateRatios.length > 0 && comparisonMarks(comparison, view).includes('unlikeErrors'),
  );
}

/**
 * `Error rates differ (short 0 %, persistent 12 %), so ratios marked § compare different work.`, and a space; where they are
 * equal, or there is one arm, `Requests failed (persistent 70 %).` Empty if no request failed.
 */
function describeErrors(view: CellView): string {
  return describeErrorGap(view) || describeFailed(view);
}

const NONE_FAILED = { completed: 1, failed: 0 };

function describeFailed({ arms }: CellView): string {
  const failing = arms.flatMap(({ name, summary }) =>
    summary !== null && summary.completed > 0 && areErrorsUnlike(summary, NONE_FAILED)
      ? [`${name} ${formatPercent(errorRatioOf(summary))}`]
      : [],
  );
  return failing.length === 0 ? '' : `Requests failed (${failing.join(', ')}). `;
}

function describeErrorGap(view: CellView): string {
  const unequal = unequalComparisons(view);
  const names = new Set(unequal.flatMap(({ baseline, candidate }) => [baseline, candidate]));
  return wordErrorGap(
    view.arms.flatMap(({ name, summary }) =>
      names.has(name) && summary !== null ? [`${name} ${formatPercent(errorRatioOf(summary))}`] : [],
    ),
  );
}

/** The same for several cells: `Error rates differ (in a, b), ...`. */
export function describeErrorGaps(places: readonly string[]): string {
  return wordErrorGap(places.length === 0 ? [] : [`in ${places.join(', ')}`]);
}

function wordErrorGap(details: readonly string[]): string {
  return details.length === 0
    ? ''
    : `Error rates differ (${details.join(', ')}), so ratios marked ${signsOf(['unlikeErrors'])} compare different work. `;
}

/** Upper limit of `--budget-sec`. */
const MOST_BUDGET_SEC = 3_600;

interface Open {
  result: CellResult;
  comparison: Comparison;
}

/**
 * What to do about open comparisons: `Measure longer for a verdict: --budget-sec 240.` Cells share one budget, so the one that
 * takes longest decides. Undefined if it was not the budget that ended the replicates.
 *
 * @param cells all cells that share the budget
 */
export function suggestNextStep(open: readonly Open[], cells: readonly CellResult[]): string | undefined {
  const short = open.filter(({ result }) => result.stop === 'budget' && result.replicates > 0);
  if (short.length === 0) return undefined;
  const needed = short.map(each => ({ ...each, count: replicatesNeeded(each) }));
  const known = needed.filter(each => each.count !== null);
  if (known.length === 0) return undefined;
  const factor = Math.max(...known.map(({ result, count }) => count! / result.replicates));
  const elapsedMs = cells.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  const seconds = roundUp((elapsedMs / 1_000) * factor);
  if (seconds > MOST_BUDGET_SEC || known.length < needed.length)
    return 'Replicates vary too much for a verdict within an hour: close other programs, or use a quieter machine.';
  const most = Math.max(...known.map(({ count }) => count!));
  const limit = Math.min(...known.map(({ result }) => result.scenario.timing.maxReplicates));
  const more = most > limit ? `, with timing.maxReplicates of at least ${formatCount(most)}` : '';
  return `Measure longer for a verdict: --budget-sec ${seconds}${more}.`;
}

/** null if no number would suffice; without an interval, one more than there are. */
function replicatesNeeded({ result, comparison }: Open): number | null {
  const count = comparison.replicateRatios.length;
  if (comparison.ratio === null) return Math.max(LEAST_REPLICATES, count + 1);
  const needed = replicatesToTell(comparison.ratio, count, result.scenario.timing.precision);
  return needed === null || knownRatio(comparison) !== null ? needed : Math.max(needed, count + 1);
}

/** To two digits: more would claim a precision that the estimate lacks. */
function roundUp(seconds: number): number {
  const unit = Math.max(1, 10 ** (Math.floor(Math.log10(Math.max(1, seconds))) - 1));
  return Math.ceil(seconds / unit) * unit;
}

export function stateOf({ arms }: CellView): CellState {
  if (arms.every(({ summary }) => summary === null)) return 'unmeasured';
  return arms.some(({ marks }) => marks.includes('invalid')) ? 'invalid' : 'sound';
}

/** The result of a cell in one sentence. */
export function cellHeadline(view: CellView): string {
  return [
    `${describePartial(view)}${describeErrors(view)}${describeResult(view)}`,
    ...describeMissingReuse(view),
  ].join(' ');
}

/** What to read with the headline, doubts first. */
export function cellRemarks(view: CellView): string[] {
  const fit = stateOf(view) === 'unmeasured' ? null : cellAmortisation(view.result);
  return [
    ...doubtRemarks(view),
    ...unsureRemarks(view),
    ...capacityRemarks(view),
    ...describeAlone(view),
    ...describeGap(view),
    ...(fit === null ? [] : [describeAmortisation(fit, signsOf(allMarks(view)), openingOf(view))]),
  ];
}

function describeResult(view: CellView): string {
  const { result, trials } = view;
  if (stateOf(view) === 'unmeasured') {
    const causes = failureCauses(trials);
    return `Could not be measured${causes.length === 0 ? '' : `: ${causes.join('; ')}`}.`;
  }
  const deciding = decidingComparisons(result);
  const [first, ...others] = deciding;
  if (first === undefined) return describeSingle(view);
  const lost = lostArms(view);
  if (lost.length > 0 && deciding.every(({ replicateRatios }) => replicateRatios.length === 0)) {
    const causes = failureCauses(trials.filter(({ trial }) => lost.includes(trial.arm)));
    return `Nothing can be compared${causes.length === 0 ? '' : `: ${causes.join('; ')}`}.`;
  }
  const agreement = describeAgreement(view, comparison => comparisonMarks(comparison, view));
  if (agreement !== undefined) return agreement;
  const costs = describeConnectionCosts(view);
  // It says already how many more requests were served.
  if (costs !== null && others.length === 0 && result.scenario.load.model === 'closed') return costs;
  const ratios = others.length === 0 ? describePair(first, view) : describeMany(deciding, view);
  return costs === null ? ratios : `${costs} ${ratios}`;
}

/** Arms without figures, where others have some. */
function lostArms(view: CellView): string[] {
  if (stateOf(view) === 'unmeasured') return [];
  return view.arms.flatMap(({ name, summary }) => (summary === null ? [name] : []));
}

/** Comparisons on the metric that decides under the cell's load. */
function decidingComparisons({ comparisons, scenario }: CellResult): Comparison[] {
  const deciding = headlineOf(scenario.load).metric;
  return comparisons.filter(({ metric }) => metric === deciding);
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
  const known = knownRatio(comparison);
  if (known === null) return describeUnknown(comparison, { candidate, baseline, signs, verb, than });
  if (verdict === 'unsure') {
    return `No significant difference: ${candidate} ${verb} ${formatRatio(known)}${signs} ${than} ${baseline}, and the interval includes 1.`;
  }
  return `${capitalize(candidate)} ${verb} ${formatRatio(known)}${signs} ${than} ${baseline}; ${describeFigures(comparison, view)}.`;
}

/** Without a useful interval: the ratios of the replicates, and what they leave open. */
function describeUnknown(
  { ratio, replicateRatios, verdict }: Comparison,
  of: { candidate: string; baseline: string; signs: string; verb: string; than: string },
): string {
  const count = replicateRatios.length;
  const gave = `${of.candidate} ${of.verb} ${formatValues(replicateRatios, '×')}${of.signs} ${of.than} ${of.baseline} in ${count === 1 ? 'the only replicate' : `${count} replicates`}`;
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
  if (sure.length === 0) return `No client differs significantly from ${baseline} in ${noun}.`;
  const sorted = sure.toSorted((a, b) => a.ratio!.value - b.ratio!.value);
  const marked = (comparison: Comparison): string =>
    `${formatComparison(comparison)}${signsOf(comparisonMarks(comparison, view))}`;
  const [lowest, highest] = [sorted[0]!, sorted.at(-1)!];
  return lowest === highest
    ? `Only ${lowest.candidate} differs significantly from ${baseline} in ${noun}: ${marked(lowest)}.`
    : `Relative to ${baseline}, ${subject} from ${marked(lowest)} with ${lowest.candidate} to ${marked(highest)} with ${highest.candidate}.`;
}

/** Arms without a verdict that the headline has no room for, and what would give one. */
function unsureRemarks({ result }: CellView): string[] {
  const deciding = decidingComparisons(result);
  const unsure = deciding.filter(
    ({ verdict, replicateRatios }) => verdict === 'unsure' && replicateRatios.length > 0,
  );
  const nextStep = suggestNextStep(
    unsure.map(comparison => ({ result, comparison })),
    [result],
  );
  const hasNone = deciding.length < 2 || unsure.length === 0 || unsure.length === deciding.length;
  return [
    ...(hasNone
      ? []
      : [`No significant difference for ${unsure.map(({ candidate }) => candidate).join(', ')}.`]),
    ...(nextStep === undefined ? [] : [nextStep]),
  ];
}

/** Connection policies read better than arm names if they are all different: "Persistent connections ... short ones". */
function namesOf(
  comparison: Comparison,
  { arms, result }: CellView,
): { candidate: string; baseline: string } {
  const codeOf = (arm: string): string => {
    const label = own(result.code, arm) ?? own(result.targetCode, arm);
    return label === undefined ? arm : `${arm} (${label})`;
  };
  const of = (name: string): ArmView | undefined => arms.find(arm => arm.name === name);
  const subjects = arms.map(({ client }) => (client === undefined ? '' : policySubject(client)));
  const areDistinct = subjects.every(subject => subject !== '') && new Set(subjects).size === subjects.length;
  const candidate = of(comparison.candidate)?.client;
  const baseline = of(comparison.baseline)?.client;
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

function describePartial({ result }: CellView): string {
  if (result.stop !== 'interrupted') return '';
  return `Partial, interrupted after ${result.replicates} of at least ${result.scenario.timing.minReplicates} replicates: `;
}

function doubtRemarks(view: CellView): string[] {
  const marked = (mark: Mark) =>
    view.arms.filter(({ marks }) => marks.includes(mark)).map(({ name }) => name);
  const invalid = marked('invalid');
  const failed = view.trials.filter(({ state }) => state === 'failed').length;
  const lost = lostArms(view);
  return [
    ...(invalid.length === 0 ? [] : [`† Not reliable: an audit failed for ${invalid.join(', ')}.`]),
    ...boundRemarks([view]),
    ...uncountedRemarks(view),
    ...(lost.length === 0 ? [] : [`There are no figures for ${lost.join(', ')}.`]),
    ...(failed === 0
      ? []
      : [
          `${failed} of ${view.trials.length} trials failed${failed === view.trials.length ? '' : `: ${failureCauses(view.trials).join('; ')}`}.`,
        ]),
  ];
}

function uncountedRemarks({ arms }: CellView): string[] {
  const names = (is: (arm: ArmSummary) => boolean) =>
    arms.filter(({ summary }) => summary !== null && is(summary)).map(({ name }) => name);
  const unseen = names(({ openedBy }) => openedBy === 'unknown');
  const partly = names(({ openedBy, openedElsewhere }) => openedBy !== 'unknown' && openedElsewhere > 0);
  return [
    ...(unseen.length === 0
      ? []
      : [`The connections of ${unseen.join(', ')} cannot be observed, so their ledger was not checked.`]),
    ...(partly.length === 0
      ? []
      : [
          `${partly.join(', ')} also opened connections to other destinations; only those to the target are checked.`,
        ]),
  ];
}

/** The result of a run in one sentence; for a single cell, that of the cell. */
export function runHeadline(views: readonly CellView[], state: Run['state']): string {
  const [only] = views;
  if (only === undefined) return 'Nothing was measured.';
  return views.length === 1
    ? cellHeadline(only)
    : `${RUN_STATE_PREFIXES[state]}${describeErrorGaps(views.filter(hasErrorGap).map(({ result }) => result.cell))}${describeAll(views)}`;
}

/** What a connection costs in each cell that tells; of the others, how many show a difference. */
function describeAll(views: readonly CellView[]): string {
  const costs = views.map(view => describeCostIn(view));
  const others = views.filter((_view, index) => costs[index] === null);
  const told = costs.filter(text => text !== null);
  const [only] = others;
  if (only === undefined) return told.join(' ');
  const rest =
    views.length > others.length && others.length === 1
      ? `In ${only.result.cell}: ${cellHeadline(only)}`
      : describeOverall(others);
  return [...told, rest].join(' ');
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
    ...views.flatMap(view => describeMissingReuse(view).map(text => `${view.result.cell}: ${text}`)),
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
