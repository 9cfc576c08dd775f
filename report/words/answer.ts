// The answer of a cell in at most 15 words, the line below it, and its badges: what a reader sees first.

import { failureCauses } from '../../results/audits/index.ts';
import { armInterval } from '../../results/compare.ts';
import { joinWords, roundPercent } from '../../results/figures.ts';
import { headlineOf, METRIC_TABLE } from '../../results/metrics.ts';
import { type Comparison, foundServers, isUnixSocket } from '../../results/model/run.ts';
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import { usesTls } from '../../scenarios/model/facts.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { isBuiltIn, isExternal } from '../../scenarios/model/target.ts';
import {
  type ArmView,
  type CellView,
  comparedArms,
  decidingComparisons,
  hasOwnLimit,
  isReliable,
  stateOf,
} from '../cell-view.ts';
import type { Answer } from '../model.ts';
import { describeMiss, missOf } from '../tables/expectations.ts';
import { cellBadges, isWide } from './badges.ts';
import {
  boundRemarks,
  capacityBound,
  capacityRemarks,
  describeBound,
  lacksCapacities,
  nameLack,
  ownLimitRemarks,
  ratioBound,
  ratioSign,
} from './bound.ts';
import { comparesLoadTools, describeClients, describeVersions, isSameLibrary } from './clients.ts';
import { describeCharges } from './connection-cost.ts';
import {
  describeErrors,
  describeFailingRequests,
  describeMissingReuse,
  describeTooFew,
  lacksReuse,
} from './doubts.ts';
import {
  describeNullArm,
  describePartial,
  describeRatios,
  describeResult,
  doubtRemarks,
  unsureRemarks,
} from './headline.ts';
import { describeObjective, describeSent } from './load.ts';
import {
  countReplicates,
  excludesOne,
  formatComparison,
  formatCount,
  formatLatency,
  formatQuantity,
  formatRatio,
  hasBounds,
  knownRatio,
  roundInterval,
} from './numbers.ts';
import { capitalize, compact } from './text.ts';

export function cellAnswer(view: CellView): Answer {
  const failed = describeFailedLimit([{ view }]);
  const limitedBy = describeBound(view);
  return {
    question: view.result.scenario.question,
    clients: describeClients(view.arms),
    ...(limitedBy === undefined ? {} : { limitedBy }),
    verdict: failed ?? cellVerdict(view),
    precision: compact([failed !== null && `${cellVerdict(view)}.`, describePrecision(view)]).join(' '),
    context: compact([
      `Conditions: ${describeSetting(view)}.`,
      describeVersions([view]),
      !lacksReuse(view.result) && describeCharges(view),
    ]).join(' '),
    badges: cellBadges(view),
    notes: cellNotes(view),
  };
}

/** The most words of a verdict. */
export const MAX_WORDS = 15;

/**
 * `FAIL: requests/s, ten is 0.15× hundred at 80 ms round trip; limit 0.8×`: the limit that is missed by most, with its place
 * where there is room; null if none failed.
 *
 * @param cells with how the verdict says which of several it is: `at 80 ms round trip`, `in capacity`
 */
export function describeFailedLimit(
  cells: readonly { view: Pick<CellView, 'result'>; where?: string }[],
): string | null {
  const failed = cells.flatMap(({ view, where = '' }) =>
    view.result.expectations
      .filter(({ state }) => state === 'fail')
      .map(result => ({ miss: missOf(result), where })),
  );
  if (failed.length === 0) return null;
  const [worst] = failed.toSorted((a, b) => (b.miss?.severity ?? -1) - (a.miss?.severity ?? -1));
  if (worst?.miss == null) return 'FAIL: a limit was missed';
  const said = `FAIL: ${describeMiss(worst.miss, worst.where === '' ? '' : ` ${worst.where}`)}`;
  return said.split(' ').length <= MAX_WORDS ? said : `FAIL: ${describeMiss(worst.miss)}`;
}

/** The deciding ratio turned so that more than 1 is better; null where it is not known. */
export function gainOf(comparison: Comparison, load: Load): Interval | null {
  const ratio = knownRatio(comparison);
  if (ratio === null || isRate(load)) return ratio;
  return turned(ratio);
}

/** For a metric of which less is better. */
function turned({ value, low, high }: Interval): Interval {
  return { value: 1 / value, low: 1 / high, high: 1 / low };
}

function isRate({ model }: Pick<Load, 'model'>): boolean {
  return model === 'closed' || model === 'capacity';
}

/** Without what failed: the measured answer. */
function cellVerdict(view: CellView): string {
  const { result, arms } = view;
  const { load } = result.scenario;
  if (stateOf(view) === 'unmeasured') return 'Could not be measured';
  if (lacksCapacities(view)) return nameLack(view);
  if (lacksReuse(result)) return 'What a connection costs cannot be compared here';
  const deciding = decidingComparisons(result);
  const [first, ...others] = deciding;
  if (first === undefined) return describeOne(arms, load);
  if (deciding.every(({ replicateRatios, ratio }) => replicateRatios.length === 0 && ratio === null))
    return 'Nothing can be compared';
  if (comparesLoadTools(view)) return describeTools(deciding);
  return others.length === 0 ? describePairShort(first, view) : describeLargest(deciding, view);
}

function describePairShort(comparison: Comparison, view: CellView): string {
  const names = `${comparison.candidate} and ${comparison.baseline}`;
  const tooFew = describeTooFew([comparison]);
  if (tooFew !== null) return `Undecided: ${tooFew} to compare ${names}`;
  if (comparison.verdict === 'unsure')
    return describeUnsure([comparison], view) ?? `No difference shown between ${names}`;
  const gain = gainOf(comparison, view.result.scenario.load);
  if (gain === null) return `${names} differ, but by how much is not known`;
  const said = wordGain({ comparison, gain }, view);
  return isReliable(comparison, view) ? said : `Not reliable: ${said}`;
}

interface Gain {
  comparison: Comparison;
  gain: Interval;
}

/** Where the ratio is known, the largest difference first. */
function listGains(comparisons: readonly Comparison[], load: Load): Gain[] {
  return comparisons
    .flatMap(comparison => {
      const gain = gainOf(comparison, load);
      return gain === null ? [] : [{ comparison, gain }];
    })
    .toSorted((a, b) => Math.abs(Math.log(b.gain.value)) - Math.abs(Math.log(a.gain.value)));
}

function wordGain(
  { comparison, gain }: Gain,
  view: CellView,
  { candidate, baseline } = subjectsOf(comparison, view),
): string {
  const { load } = view.result.scenario;
  return describeGains([gain], { candidate, baseline, load, bound: ratioBound(comparison, view) });
}

/** The comparison that answers: the only one, or the largest difference that was shown, a reliable one first; null if its ratio is not known. */
function mainGain(view: CellView): (Gain & { isOnly: boolean }) | null {
  const deciding = decidingComparisons(view.result);
  const known = listGains(deciding, view.result.scenario.load);
  const shown =
    deciding.length === 1 ? known : known.filter(({ comparison }) => comparison.verdict !== 'unsure');
  const main = shown.find(({ comparison }) => isReliable(comparison, view)) ?? shown[0];
  return main === undefined ? null : { ...main, isOnly: shown.length === 1 };
}

/** Which of several clients differs most; the sentence below says by how much the others do. */
function describeLargest(comparisons: readonly Comparison[], view: CellView): string {
  const { baseline } = comparisons[0]!;
  const main = mainGain(view);
  const tooFew = describeTooFew(comparisons);
  if (tooFew !== null) return `Undecided: ${tooFew} to compare any client with ${baseline}`;
  if (main === null)
    return describeUnsure(comparisons, view) ?? `No difference from ${baseline} shown for any client`;
  const said = wordGain(main, view, main.comparison);
  if (!isReliable(main.comparison, view)) return `Not reliable: ${said}`;
  return main.isOnly ? `Only one differs: ${said}` : `Largest difference: ${said}`;
}

/** The largest difference that its comparison alone would have shown, but all of them together do not; null if there is none. */
function describeUnsure(comparisons: readonly Comparison[], view: CellView): string | null {
  const alone = comparisons.filter(excludesOne);
  const [first] = alone;
  if (first === undefined) return null;
  const [largest] = listGains(alone, view.result.scenario.load);
  const said =
    largest === undefined ? `${first.candidate} and ${first.baseline} may differ` : wordGain(largest, view);
  return `Unsure (multiple comparisons): ${said}`;
}

function describeTools(comparisons: readonly Comparison[]): string {
  const reaches = comparisons.flatMap(({ ratio }) => (ratio === null ? [] : [Math.abs(ratio.value - 1)]));
  return reaches.length === 0
    ? 'Undecided: too few replicates to compare the load tools'
    : `The load tools differ by up to ${roundPercent(Math.max(...reaches), 2)} in requests per second`;
}

/** A single client, or the first that has figures. */
function describeOne(arms: readonly ArmView[], load: Load): string {
  const arm = arms.find(({ summary }) => summary !== null);
  const summary = arm?.summary ?? null;
  if (arm === undefined || summary === null || (summary.completed === 0 && summary.failed === 0))
    return 'No request was answered';
  if (summary.completed === 0) return 'No request succeeded';
  const mean = formatLatency(summary.meanUs);
  switch (load.model) {
    case 'closed':
      return summary.requestsPerSec === null
        ? `${mean} mean latency`
        : `${roundInterval(summary.requestsPerSec).value} requests per second at a mean latency of ${mean}`;
    case 'capacity':
      return summary.capacityPerSec === null
        ? 'No capacity was found'
        : `Sustains ${capacityBound(arm)}${roundInterval(summary.capacityPerSec).value} requests per second${hasOwnLimit(arm) ? ': its generator was the bottleneck' : ''}`;
    case 'open':
    case 'burst':
      return `${mean} mean latency at ${describeSent(load)}`;
    default:
      return load satisfies never;
  }
}

const REUSE = 'Reuse';

/** What the word stands for, where a verdict of several scenarios begins with it; empty where it does not. */
export function explainReuse(verdict: string): string {
  return verdict.startsWith(`${REUSE} `)
    ? 'Reuse: requests over connections that are kept, compared with a new connection for every request.'
    : '';
}

/** Who is compared, by connection policy where that tells the clients apart. An empty baseline goes without saying. */
function subjectsOf(comparison: Comparison, view: CellView): { candidate: string; baseline: string } {
  const { candidate, baseline } = comparison;
  const [its, other] = comparedArms(comparison, view).map(arm => arm?.client);
  const isReuse = its?.requestsPerConnection === 'unlimited' && other?.requestsPerConnection === 1;
  return isReuse && isSameLibrary(its, other) ? { candidate: REUSE, baseline: '' } : { candidate, baseline };
}

/** From this ratio on either side it is said in times, below in percent. */
export const TIMES = 1.5;

/** Who gains against whom, under what load. */
interface GainSubject {
  candidate: string;
  baseline: string;
  load: Pick<Load, 'model'>;
  /** Which bound a ratio of capacities is, where a client's own process was the limit of one. */
  bound?: ReturnType<typeof ratioBound>;
}

/**
 * `Reuse serves 3.0 times the requests`, `Reuse is 7.1 times as fast`, `a serves 12 % fewer requests than b`; of several gains in
 * one direction, `Reuse serves 3.0 to 4.6 times the requests`.
 *
 * @param most of them that are listed
 */
export function describeGains(
  gains: readonly Interval[],
  of: GainSubject,
  most: number = MAX_LISTED,
): string {
  const subject = of.candidate;
  const isMore = gains[0]!.value > 1;
  const isTimes = gains.some(({ value }) => value >= TIMES);
  const range = rangeOf(gains, isTimes ? roundGain : percentDigits, most);
  const bound = boundWord(of.bound, isMore);
  // A bound is known to no better than its interval, which reaches to the other side of it.
  const about = bound === '' || range.startsWith('about ') ? '' : 'about ';
  const amount = `${bound}${about}${range} ${isTimes ? 'times' : '%'}`;
  const behind = (word: string): string => (of.baseline === '' ? '' : ` ${word} ${of.baseline}`);
  switch (of.load.model) {
    case 'closed':
      return isTimes
        ? `${subject} serves ${amount} the requests${behind('of')}`
        : `${subject} serves ${amount} ${isMore ? 'more' : 'fewer'} requests${behind('than')}`;
    case 'capacity':
      return isTimes
        ? `${subject} sustains ${amount} the rate${behind('of')}`
        : `${subject} sustains a rate ${amount} ${isMore ? 'higher' : 'lower'}${behind('than')}`;
    case 'open':
    case 'burst':
      return describeSpeed(gains, { subject, behind });
    default:
      return of.load.model satisfies never;
  }
}

/** A lower bound of a ratio below 1 is an upper bound of how much less it is. */
function boundWord(bound: GainSubject['bound'], isMore: boolean): string {
  if (bound !== 'atLeast' && bound !== 'atMost') return '';
  return (bound === 'atLeast') === isMore ? 'at least ' : 'at most ';
}

/** More would be read one by one in a sentence. */
const MAX_LISTED = 3;

/** `4.6, 44 and about 5.2` in the order of the scenarios, where an interval is wide, `about 4.6 and 5.2` where all are; of more than `most`, the range. */
export function rangeOf(
  gains: readonly Interval[],
  text: (gain: Interval) => string,
  most: number = MAX_LISTED,
): string {
  const areAllWide = gains.every(isWide);
  const shown = new Set(
    gains.map(gain => (isWide(gain) && !areAllWide ? `about ${text(gain)}` : text(gain))),
  );
  if (shown.size <= most) return `${areAllWide ? 'about ' : ''}${joinWords([...shown])}`;
  const sorted = gains.toSorted((a, b) => a.value - b.value).map(text);
  const [first, last] = [sorted[0]!, sorted.at(-1)!];
  // The lower a ratio below 1, the more per cent it is away.
  const amount = (shown: string): number => Number(shown.replaceAll(',', ''));
  return amount(first) <= amount(last) ? `${first} to ${last}` : `${last} to ${first}`;
}

function describeSpeed(
  gains: readonly Interval[],
  { subject, behind }: { subject: string; behind: (word: string) => string },
): string {
  if (gains.some(({ value }) => value >= TIMES))
    return `${subject} is ${rangeOf(gains, roundGain)} times as fast${behind('as')}`;
  const times = gains.map(turned);
  if (times.some(({ value }) => value >= TIMES))
    return `${subject} takes ${rangeOf(times, roundGain)} times as long${behind('as')}`;
  const percent = rangeOf(times, percentDigits);
  return `Mean latency is ${percent} % ${times[0]!.value > 1 ? 'higher' : 'lower'} with ${subject === REUSE ? 'reuse' : subject}${behind('than with')}`;
}

/** In times, to the digits that the interval supports. */
export function roundGain(gain: Interval): string {
  return roundInterval(gain, 1).value;
}

/** In per cent, how far from 1, to the digits that the interval supports: `12`; less than they show has one digit, `0.3`. */
function percentDigits(ratio: Interval): string {
  const { value } = roundInterval(ratio, 1);
  if (Number(value) === 1) return String(Number((Math.abs(ratio.value - 1) * 100).toPrecision(1)));
  const decimals = Math.max(0, (value.split('.')[1]?.length ?? 0) - 2);
  return (Math.abs(Number(value) - 1) * 100).toFixed(decimals);
}

/** The interval where the verdict has a single ratio; else the sentence that says it all. */
function describePrecision(view: CellView): string {
  const deciding = decidingComparisons(view.result);
  const [only, ...others] = deciding;
  const { load } = view.result.scenario;
  if (stateOf(view) === 'unmeasured')
    return failureCauses(view.trials)
      .map(cause => `${capitalize(cause)}.`)
      .join(' ');
  if (lacksCapacities(view) || lacksReuse(view.result)) return describeResult(view);
  if (only === undefined) return describeOwnPrecision(view);
  if (others.length > 0 || only.verdict === 'unsure' || knownRatio(only) === null)
    return describeRatios(view);
  const gain = gainOf(only, load)!;
  const { low, high } = roundInterval(gain.value >= TIMES ? gain : knownRatio(only)!, 1);
  const metric = isRate(load) ? '' : 'In mean latency, ';
  const times = gain.value >= TIMES ? 'times' : `times ${only.baseline}`;
  return `${metric}${INTERVAL_NAME} ${low} to ${high} ${times}, from ${formatCount(only.replicateRatios.length)} replicates${describeCapacities(view)}.`;
}

/** The precision of a single client's figures: `95 % interval 3,980 to 4,100 requests per second; 95 % interval of the replicates' mean latency 24.2 to 25.0 ms, from 4 replicates.` */
function describeOwnPrecision({ arms, result }: CellView): string {
  const arm = arms.find(({ summary }) => summary !== null);
  if (arm?.summary == null || arm.summary.completed === 0) return '';
  const { model } = result.scenario.load;
  const rate = model === 'capacity' ? arm.summary.capacityPerSec : arm.summary.requestsPerSec;
  const meanUs = armInterval('meanUs', arm.trials);
  const from = `from ${countReplicates(arm.trials.length)}`;
  const parts = compact([
    isRate({ model }) &&
      rate !== null &&
      hasBounds(rate) &&
      `${INTERVAL_NAME} ${boundsOf(rate)} requests per second`,
    meanUs !== null &&
      hasBounds(meanUs) &&
      `${INTERVAL_NAME} of the replicates' mean latency ${boundsOf(toMs(meanUs))} ms`,
  ]);
  return parts.length === 0
    ? `${capitalize(from)}: no interval is known.`
    : `${capitalize(parts.join('; '))}, ${from}.`;
}

function boundsOf(interval: Interval): string {
  const { low, high } = roundInterval(interval);
  return `${low} to ${high}`;
}

function toMs({ value, low, high }: Interval): Interval {
  return { value: value / 1_000, low: low / 1_000, high: high / 1_000 };
}

/** `; sustained, in requests per second: short at least 3,900 (its generator was the bottleneck), persistent 20,000`; empty unless capacities were looked for. */
function describeCapacities({ arms, result }: CellView): string {
  if (result.scenario.load.model !== 'capacity') return '';
  const rates = arms.flatMap(arm =>
    arm.summary?.capacityPerSec == null
      ? []
      : `${arm.name} ${capacityBound(arm)}${roundInterval(arm.summary.capacityPerSec).value}${hasOwnLimit(arm) ? ' (its generator was the bottleneck)' : ''}`,
  );
  return `; sustained, in requests per second: ${rates.join(', ')}`;
}

type Setting = Pick<CellView, 'result' | 'isTargetElsewhere'>;

/** `100 users, no TLS, loopback`. */
export function describeSetting(view: Setting): string {
  const { target, load } = view.result.scenario;
  const tls = usesTls(target)
    ? `TLS${!isExternal(target) && target.tls !== 'none' ? ` ${target.tls}` : ''}`
    : 'no TLS';
  return `${describeDemand(load)}, ${target.protocol === 'h2' ? 'HTTP/2, ' : ''}${tls}, ${describeNetwork(view)}`;
}

function describeNetwork({ result, isTargetElsewhere }: Setting): string {
  const { link, target } = result.scenario;
  if (link !== undefined) return `an emulated round trip of ${link.roundTripMs} ms`;
  if (isBuiltIn(target) && isTargetElsewhere) return 'a target on another machine';
  const servers = foundServers(result);
  if (servers.some(isUnixSocket)) return 'a Unix socket';
  return servers.every(({ isLoopback }) => isLoopback) ? 'loopback' : 'a server on another machine';
}

function describeDemand(load: Load): string {
  switch (load.model) {
    case 'closed':
      return `${formatQuantity(load.concurrency, 'user')}${load.thinkMs === 0 ? '' : ` pausing ${load.thinkMs} ms`}`;
    case 'open':
    case 'burst':
      return describeSent(load);
    case 'capacity':
      return `the highest rate at which ${describeObjective(load.objective)}`;
    default:
      return load satisfies never;
  }
}

/** Sentences that a badge has no room for, and the next step. What set the pace is left to its badge and to the section. */
function cellNotes(view: CellView): string[] {
  const partial = describePartial(view).replace(/: $/, '.');
  const failing = describeFailingRequests(view);
  const said = [...failing, ...boundRemarks([view]), ...ownLimitRemarks(view)];
  return compact([
    partial,
    ...failing,
    describeErrors(view),
    ...describeMissingReuse(view),
    ...doubtRemarks(view).filter(remark => !said.includes(remark)),
    ...capacityRemarks(view).filter(remark => !said.includes(remark)),
    ...unsureRemarks(view),
    ...describeNullArm([view]),
  ]);
}

/**
 * For a table of several scenarios: `3.0× (2.3 to 4.1)`, more than 1 is better; null if the ratio that answers is not known.
 * `named` is the ratio as measured, with its metric: of a mean latency, less than 1 is better.
 */
export function shownGain(view: CellView): { gain: Interval; text: string; named: string } | null {
  const main = mainGain(view);
  if (main === null) return null;
  const { metric } = headlineOf(view.result.scenario.load);
  const sign = ratioSign(main.comparison, view);
  const named = `${METRIC_TABLE[metric].title} ${sign}${formatComparison(main.comparison)}`;
  return { gain: main.gain, text: `${sign}${formatRatio(main.gain)}`, named };
}

/** The difference that a cell's verdict is about, where it was shown and its size is known, for one sentence about several cells. */
export function shownDifference(view: CellView): { gain: Interval; of: GainSubject } | null {
  const main = mainGain(view);
  if (main === null || main.comparison.verdict === 'unsure' || lacksReuse(view.result)) return null;
  if (!isReliable(main.comparison, view)) return null;
  const { load } = view.result.scenario;
  if (comparesLoadTools(view)) return null;
  const bound = ratioBound(main.comparison, view);
  return { gain: main.gain, of: { ...subjectsOf(main.comparison, view), load, bound } };
}
