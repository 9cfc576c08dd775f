// In: a cell, or all of a run. Out: what came out, in one sentence that is no surer than the figures.
import { type AmortisationFit, cellAmortisation } from '../../results/amortisation.ts';
import { failureCauses } from '../../results/audits/index.ts';
import { areErrorsUnlike, errorRatioOf, verdictsOf } from '../../results/compare.ts';
import { headlineOf } from '../../results/metrics.ts';
import type { ArmSummary, CellResult, Comparison, Metric, Run } from '../../results/model/run.ts';
import { spreadPhases } from '../../results/phases.ts';
import { type Interval, LEAST_REPLICATES, replicatesToTell } from '../../results/stats.ts';
import { type Load, mostInFlight } from '../../scenarios/model/load.ts';
import { own } from '../../scenarios/model/own.ts';
import { type ArmView, allMarks, type CellView, comparisonMarks, MARK_NOTES, signsOf } from '../cell-view.ts';
import type { CellState, Mark } from '../model.ts';
import { capacityRemarks } from '../tables/open-loads.ts';
import { modeSubject } from './conditions.ts';
import { gapTexts } from './link.ts';
import { capital, headlineWords, objectiveText, sentText } from './load.ts';
import {
  BOUNDS_NOT_KNOWN,
  comparisonText,
  countText,
  intervalTexts,
  isKnown,
  knownRatio,
  latencyText,
  missingReplicates,
  percentText,
  ratioText,
  valuesText,
} from './numbers.ts';

// From the arms of a cell. Out: whether they are several drivers of the same mode, and how far those are apart, in words.

/** Load tools, which have a loop of their own: a scenario that has one asks whether they agree. */
const LOAD_TOOLS: readonly string[] = ['autocannon', 'wrk', 'hey'];

/** Whether all treat connections alike, not all are the same, and one is a load tool: clients are compared, tools should agree. */
export function isOfDrivers(arms: readonly ArmView[]): boolean {
  const clients = arms.flatMap(({ client }) => client ?? []);
  const modes = new Set(clients.map(({ requestsPerConnection }) => requestsPerConnection));
  const drivers = new Set(clients.map(({ transport }) => transport));
  return (
    clients.length === arms.length &&
    modes.size === 1 &&
    drivers.size > 1 &&
    LOAD_TOOLS.some(tool => drivers.has(tool))
  );
}

/** Beyond this a bound says no more than that there is none to speak of. */
const MOST_PERCENT = 999;

/** A ratio as what is off from 1: `+1.2 % (−0.3 to +2.7)`. */
export function offText(ratio: Interval): string {
  const { value, low, high } = ratio;
  return `${signed(value)} % (${isKnown(ratio) ? `${signed(low)} to ${signed(high)}` : BOUNDS_NOT_KNOWN})`;
}

function signed(ratio: number): string {
  const percent = Math.abs(ratio - 1) * 100;
  if (percent > MOST_PERCENT) return `>+${MOST_PERCENT}`;
  const digits = percent < 10 ? 1 : 0;
  const text = percent.toFixed(digits);
  if (Number(text) === 0) return text;
  return `${ratio < 1 ? '−' : '+'}${text}`;
}

/** Of all that are compared with the baseline on a metric, the one that is furthest off; undefined: there is no interval. */
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

/** How far the drivers disagree, by the two that are furthest off; undefined where too little is known. */
function agreementText(
  { result, arms }: CellView,
  marksOf: (comparison: Comparison) => readonly Mark[],
): string | undefined {
  if (!isOfDrivers(arms) || result.scenario.load.model !== 'closed') return undefined;
  const rate = furthest('requestsPerSec', result.comparisons);
  const mean = furthest('meanUs', result.comparisons);
  if (rate === undefined || mean === undefined) return undefined;
  const told = (comparison: Comparison & { ratio: Interval }): string =>
    `${offText(comparison.ratio)}${signsOf(marksOf(comparison))} with ${comparison.candidate}`;
  return `Against ${result.scenario.baseline}, no driver is further off in requests per second than ${told(rate)}, or in mean latency than ${told(mean)}.`;
}

// From what fitting latency = service + handshake / k gave. Out: the same in words.

/** Below this share of the variation the model is no account of the latencies, and its parameters mean nothing. */
const LEAST_R2 = 0.9;

/** Whether the latencies follow the model well enough to speak of its parameters. */
export function isTelling(fit: AmortisationFit): boolean {
  return fit.handshakeUs > 0 && fit.serviceUs > 0 && fit.r2 >= LEAST_R2;
}

/** `With 100 at once, a new connection adds 20.1 ms of latency, shared by the requests on it (most of it is waiting for the others: the opening itself took 0.5 ms); ...`. `signs` go behind each figure. */
export function amortisationText(
  fit: AmortisationFit,
  signs: string,
  { users, connectUs }: { users: number; connectUs: number | null },
): string {
  if (!isTelling(fit)) {
    return `The latencies do not follow the model service + handshake / requests per connection (it explains ${percentText(fit.r2)} of their variation), so what opening a connection costs can't be told from them.`;
  }
  const queued =
    connectUs === null || connectUs > fit.handshakeUs / 2
      ? ''
      : ` (most of it is waiting for the others: the opening itself took ${latencyText(connectUs)})`;
  const cost = `With ${countText(users)} at once, a new connection adds ${latencyText(fit.handshakeUs)}${signs} of latency, shared by the requests on it${queued}`;
  return fit.breakEvenRequests === null
    ? `${cost}.`
    : `${cost}; from ${countText(fit.breakEvenRequests)}${signs} requests per connection on, that is at most a tenth of the ${latencyText(fit.serviceUs)}${signs} of service.`;
}

/** How many may be opening one at once, and what the opening itself took, TLS included; null where no client shows it. */
export function openingOf({ result, arms }: CellView): { users: number; connectUs: number | null } {
  const { connect, tls } = spreadPhases(arms.flatMap(({ trials }) => trials));
  const connectUs = connect === null ? null : connect.meanUs + (tls?.meanUs ?? 0);
  return { users: mostInFlight(result.scenario.load), connectUs };
}

// From an arm, or two that are compared. Out: the figures of a headline beside its ratio, by what decides under the load.

/** No second arm to compare with. */
function singleText({ arms, result }: CellView): string {
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
function changeText(comparison: Comparison, view: CellView): string {
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

// From the arms of a cell. Out: those that should reuse connections and do not, a sentence each; and the share that was reused.

/** Two requests on each connection would be half as many. */
const HARDLY_REUSED = 0.1;
const NOT_REUSED = 0.01;

/** The share of requests that went over a connection that was already open; null where none was sent. */
export function reuseRatio({
  opened,
  requestsSent,
}: Pick<ArmSummary, 'opened' | 'requestsSent'>): number | null {
  return requestsSent === 0 ? null : Math.max(0, 1 - opened / requestsSent);
}

/** `ours opened a connection for each of 2,175 requests: it reuses none.` */
export function reuseTexts({ arms, result }: Pick<CellView, 'arms' | 'result'>): string[] {
  const { target } = result.scenario;
  const closes =
    target.connectionClose === true || result.server?.httpVersion === '1.0'
      ? ', because the server closes it after each answer'
      : '';
  return arms.flatMap(({ name, client, summary }: ArmView) => {
    if (summary === null || client === undefined || client.requestsPerConnection === 1) return [];
    const ratio = reuseRatio(summary);
    if (ratio === null || ratio >= HARDLY_REUSED) return [];
    const sent = countText(summary.requestsSent);
    return ratio < NOT_REUSED
      ? [`${name} opened a connection for each of ${sent} requests: it reuses none${closes}.`]
      : [
          `${name} opened ${countText(summary.opened)} connections for ${sent} requests: it hardly reuses any${closes}.`,
        ];
  });
}

// From cells. Out: that requests failed, or that error rates of arms differ, in a sentence to stand before any figure of them; else ''.

export function hasErrorGap(view: CellView): boolean {
  return unlikeComparisons(view).length > 0;
}

/** Those that show a ratio. */
function unlikeComparisons(view: CellView): Comparison[] {
  return view.result.comparisons.filter(
    comparison =>
      comparison.replicateRatios.length > 0 && comparisonMarks(comparison, view).includes('unlikeErrors'),
  );
}

/**
 * `Error rates differ (short 0 %, persistent 12 %), so ratios marked § compare different work.`, and a blank. Where they are
 * alike, or there is one arm, `Requests failed (persistent 70 %).`
 */
function errorText(view: CellView): string {
  return errorGapText(view) || failedText(view);
}

const NONE_FAILED = { completed: 1, failed: 0 };

function failedText({ arms }: CellView): string {
  const failing = arms.flatMap(({ name, summary }) =>
    summary !== null && summary.completed > 0 && areErrorsUnlike(summary, NONE_FAILED)
      ? [`${name} ${percentText(errorRatioOf(summary))}`]
      : [],
  );
  return failing.length === 0 ? '' : `Requests failed (${failing.join(', ')}). `;
}

function errorGapText(view: CellView): string {
  const unlike = unlikeComparisons(view);
  const names = new Set(unlike.flatMap(({ baseline, candidate }) => [baseline, candidate]));
  return gapText(
    view.arms.flatMap(({ name, summary }) =>
      names.has(name) && summary !== null ? [`${name} ${percentText(errorRatioOf(summary))}`] : [],
    ),
  );
}

/** The same of several cells: `Error rates differ (in a, b), ...`. */
export function errorGapsText(places: readonly string[]): string {
  return gapText(places.length === 0 ? [] : [`in ${places.join(', ')}`]);
}

function gapText(details: readonly string[]): string {
  return details.length === 0
    ? ''
    : `Error rates differ (${details.join(', ')}), so ratios marked ${signsOf(['unlikeErrors'])} compare different work. `;
}

// From comparisons that left the question open. Out: what to do next: how long to measure, as far as the replicates show it.

/** As the command line takes it. */
const MOST_BUDGET_SEC = 3_600;

interface Open {
  result: CellResult;
  comparison: Comparison;
}

/**
 * `Measure longer to tell: --budget-sec 240.` Of several cells the one that takes longest decides, for they share one budget.
 * Nothing where time was not what ended the replicates.
 *
 * @param cells all that share the budget
 */
export function nextStepText(open: readonly Open[], cells: readonly CellResult[]): string | undefined {
  const short = open.filter(({ result }) => result.stop === 'budget' && result.replicates > 0);
  if (short.length === 0) return undefined;
  const needed = short.map(each => ({ ...each, count: replicatesNeeded(each) }));
  const known = needed.filter(each => each.count !== null);
  if (known.length === 0) return undefined;
  const factor = Math.max(...known.map(({ result, count }) => count! / result.replicates));
  const elapsedMs = cells.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  const seconds = roundUp((elapsedMs / 1_000) * factor);
  if (seconds > MOST_BUDGET_SEC || known.length < needed.length)
    return 'Replicates vary too much here to tell it within an hour: close other programs, or take a quieter machine.';
  const most = Math.max(...known.map(({ count }) => count!));
  const limit = Math.min(...known.map(({ result }) => result.scenario.timing.maxReplicates));
  const more = most > limit ? `, with maxReplicates of at least ${countText(most)}` : '';
  return `Measure longer to tell: --budget-sec ${seconds}${more}.`;
}

/** null: no number would do. One more than there are where there is no interval to reckon with. */
function replicatesNeeded({ result, comparison }: Open): number | null {
  const count = comparison.replicateRatios.length;
  if (comparison.ratio === null) return Math.max(LEAST_REPLICATES, count + 1);
  const needed = replicatesToTell(comparison.ratio, count, result.scenario.timing.precision);
  return needed === null || knownRatio(comparison) !== null ? needed : Math.max(needed, count + 1);
}

/** To two digits: more would say that it is known. */
function roundUp(seconds: number): number {
  const unit = Math.max(1, 10 ** (Math.floor(Math.log10(Math.max(1, seconds))) - 1));
  return Math.ceil(seconds / unit) * unit;
}

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
