// What qualifies a result: connections that are not reused, requests that failed, what a verdict would take, and how small a change a run can see.
import { errorRatioOf, failsOften, neverGood } from '../../results/compare.ts';
import { reuseOf } from '../../results/connections.ts';
import { joinWords } from '../../results/figures.ts';
import { BLIND_ABOVE, type GuardedRatio, type Sight } from '../../results/gate.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import { GATE_MIN_EFFECT } from '../../results/min-effect.ts';
import { type CellResult, type Comparison, closingReason, foundServers } from '../../results/model/run.ts';
import { MIN_REPLICATES, replicatesToTell, sumOf } from '../../results/stats.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { closesAfterResponse, own } from '../../scenarios/model/facts.ts';
import { scenarioOf } from '../../scenarios/model/sweep.ts';
import { type ArmView, type CellView, comparisonMarks } from '../cell-view.ts';
import { isSameLibrary } from './clients.ts';
import { signsOf } from './marks.ts';
import {
  countReplicates,
  formatCount,
  formatPercent,
  formatShare,
  knownRatio,
  missingReplicates,
} from './numbers.ts';

/** Two requests per connection would already be a reuse of 0.5. */
const HARDLY_REUSED = 0.1;
const NOT_REUSED = 0.01;

/**
 * One sentence per arm that should reuse connections but does not: `ours opened a connection for each of 2,175 requests: it
 * reuses none.` A server may change between replicates, so each is judged for itself.
 */
export function describeMissingReuse({ arms, result }: Pick<CellView, 'arms' | 'result'>): string[] {
  const { target } = result.scenario;
  const closes =
    closesAfterResponse(target) || wereFoundClosing(result)
      ? ', because the server closes it after each response'
      : '';
  return arms.flatMap(({ name, client, trials }: ArmView) => {
    if (client === undefined || client.requestsPerConnection === 1) return [];
    const ledgers = trials.map(({ measurement }) => measurement.ledger);
    const missing = ledgers.filter(ledger => (reuseOf([ledger])?.ratio.most ?? 1) < HARDLY_REUSED);
    const reuse = reuseOf(missing);
    if (reuse === null) return [];
    const sent = formatCount(reuse.connected.most);
    const its =
      missing.length === ledgers.length
        ? name
        : `${name}, in ${missing.length} of ${countReplicates(ledgers.length)},`;
    return reuse.ratio.most < NOT_REUSED
      ? [`${its} opened a connection for each of ${sent} requests: it reuses none${closes}.`]
      : [
          `${its} opened ${formatCount(reuse.opened)} connections for ${sent} requests: it hardly reuses any${closes}.`,
        ];
  });
}

/** Whether each external server of the cell, by its answer before the run, closes every connection after one response. */
function wereFoundClosing(result: CellResult): boolean {
  const servers = foundServers(result);
  return servers.length > 0 && servers.every(server => closingReason(server) !== undefined);
}

/**
 * Whether the cell asks what reuse gains from servers that allow none: their first answers say that they close each connection,
 * and the clients that would reuse connections were seen to open one for nearly every request.
 */
export function lacksReuse(result: CellResult): boolean {
  const { clients } = result.scenario;
  const deciding = result.comparisons.filter(({ isDeciding }) => isDeciding);
  const isReused = ({ arm, opened, requestsSent }: CellResult['arms'][number]): boolean =>
    own(clients, arm)?.requestsPerConnection !== 1 && opened < requestsSent * (1 - HARDLY_REUSED);
  return (
    wereFoundClosing(result) &&
    deciding.length > 0 &&
    deciding.every(({ candidate, baseline }) =>
      differInReuse(own(clients, candidate), own(clients, baseline)),
    ) &&
    !result.arms.some(isReused)
  );
}

/** Whether one of two clients of the same library reuses connections and the other never does. */
function differInReuse(one: Client | undefined, other: Client | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    (one.requestsPerConnection === 1) !== (other.requestsPerConnection === 1) &&
    isSameLibrary(one, other)
  );
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
 * `Error rates differ (short 0 %, persistent 12 %), so ratios marked § compare different work.` Where they are equal, or there is
 * one arm, `Requests failed (persistent 70 %).` Empty if no request failed.
 */
export function describeErrors(view: CellView): string {
  return describeErrorGap(view) || describeFailed(view);
}

function describeFailed({ arms }: CellView): string {
  const failing = arms.flatMap(({ name, summary }) =>
    summary !== null && summary.completed > 0 && failsOften(summary)
      ? [`${name} ${formatPercent(errorRatioOf(summary))}`]
      : [],
  );
  return failing.length === 0 ? '' : `Requests failed (${failing.join(', ')}).`;
}

/** The requests of which some client had no good answer, by what the audit of them found. */
export function failingRequests({ arms, result }: Pick<CellView, 'arms' | 'result'>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name: arm, summary } of arms) {
    const isFound = result.findings.some(
      one => one.rule === 'answers' && one.state === 'fail' && one.arm === arm,
    );
    if (summary === null || !isFound) continue;
    for (const { name, failed } of neverGood(summary.requests)) {
      const share = formatPercent(failed / (summary.completed + summary.failed));
      const said = `all ${formatCount(failed)} of ${arm} (${share} of its requests)`;
      found.set(name, [...(found.get(name) ?? []), said]);
    }
  }
  return found;
}

/** `No good answer to gone: all 1,234 of short (20 % of its requests) and all 5,432 of persistent (20 % of its requests) failed.` */
export function describeFailingRequests(view: Pick<CellView, 'arms' | 'result'>): string[] {
  return [...failingRequests(view)].map(
    ([name, said]) => `No good answer to ${name}: ${joinWords(said)} failed.`,
  );
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
    : `Error rates differ (${details.join(', ')}), so ratios marked ${signsOf(['unlikeErrors'])} compare different work.`;
}

/** Upper limit of `--budget-sec`. */
const MAX_BUDGET_SEC = 3_600;

interface Open {
  result: CellResult;
  comparison: Comparison;
}

/**
 * What to do about open comparisons: `Measure longer for a verdict: --budget-sec 240.` Cells share one budget, so the one that
 * takes longest decides. Undefined if it was not the budget that ended the replicates, or if no longer run could tell.
 *
 * @param cells all cells that share the budget
 */
export function suggestNextStep(open: readonly Open[], cells: readonly CellResult[]): string | undefined {
  const short = open.filter(
    ({ result }) => result.stop === 'budget' && result.replicates > 0 && !lacksReuse(result),
  );
  if (short.length === 0) return undefined;
  const needed = short.map(each => ({ ...each, count: replicatesNeeded(each) }));
  const known = needed.filter(each => each.count !== null);
  if (known.length === 0) return undefined;
  const factor = Math.max(...known.map(({ result, count }) => count! / result.replicates));
  const elapsedMs = cells.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  const seconds = roundUp((elapsedMs / 1_000) * factor);
  if (seconds > MAX_BUDGET_SEC || known.length < needed.length)
    return `Replicates vary too much for a verdict within an hour: ${QUIETER}.`;
  const most = Math.max(...known.map(({ count }) => count!));
  const limit = Math.min(...known.map(({ result }) => result.scenario.timing.maxReplicates));
  return `Measure longer for a verdict: ${wordBudget(seconds, most, limit)}.`;
}

const QUIETER = 'close other programs, or use a quieter machine';

function wordBudget(seconds: number, replicates: number, maxReplicates: number): string {
  const more =
    replicates > maxReplicates ? `, with timing.maxReplicates of at least ${formatCount(replicates)}` : '';
  return `--budget-sec ${seconds}${more}`;
}

/** Ratios named in a sentence; the others are counted. */
const MAX_NAMED = 3;

/** Says that the comparison is blind, or which of its ratios are. */
export function describeBlindness({ ratios, blind, isBlind }: Sight): string {
  const [best] = ratios;
  const missed = `a change of ${formatPercent(BLIND_ABOVE)} would have gone undetected in ${formatCount(blind.length)} of ${formatCount(ratios.length)} ratios`;
  if (!isBlind || best === undefined) return `Partly blind: ${missed} (${listRatios(blind)}).`;
  const known = Number.isFinite(best.detectable)
    ? `the smallest detectable change is ${nameDetectable(best)}`
    : 'no ratio has an interval';
  return `Blind: ${missed}${blind.length < ratios.length ? `, including all deciding ones (${listRatios(blind)})` : ''}; ${known}.`;
}

/** The smallest and the largest of the detectable changes. */
export function describeSight({ ratios }: Sight): string {
  const [best] = ratios;
  const worst = ratios.at(-1);
  if (best === undefined || worst === undefined)
    return 'It has no ratio between clients, so it guards only errors and connections.';
  const range =
    ratios.length === 1 ? nameDetectable(best) : `${nameDetectable(best)}, to ${nameDetectable(worst)}`;
  return `Smallest detectable change, in a run of the same precision: ${range}.`;
}

/** `33 % in p99 latency of persistent (ci-reuse)`. */
function nameDetectable(ratio: GuardedRatio): string {
  const change = Number.isFinite(ratio.detectable) ? formatShare(ratio.detectable) : 'unknown';
  return `${change} in ${nameRatio(ratio)}`;
}

function nameRatio({ cell, metric, arm }: GuardedRatio): string {
  return `${METRIC_TABLE[metric].title} of ${arm} (${cell})`;
}

function listRatios(ratios: readonly GuardedRatio[]): string {
  const named = ratios.slice(0, MAX_NAMED).map(nameRatio).join(', ');
  const more = ratios.length - MAX_NAMED;
  return more > 0 ? `${named} and ${formatCount(more)} more` : named;
}

/**
 * What would let a blind run see a change of BLIND_ABOVE in the ratio that needs least for it: `Measure longer (an estimate: --budget-sec 240)`.
 * All that a run could not see beyond the minimum effect is taken for noise that shrinks with the number of replicates.
 *
 * @param cells of the run; those of one scenario share a budget
 */
export function describeLongerSight({ ratios }: Sight, cells: readonly CellResult[]): string {
  const best = ratios.find(({ isDeciding }) => isDeciding);
  const result = cells.find(({ cell }) => cell === best?.cell);
  const own = result?.comparisons.find(
    ({ metric, candidate }) => metric === best?.metric && candidate === best.arm,
  );
  if (best === undefined || result === undefined || own === undefined) return 'Measure longer (--budget-sec)';
  const replicates = own.replicateRatios.length;
  const { maxReplicates } = result.scenario.timing;
  if (!Number.isFinite(best.detectable))
    return `Measure longer, at least ${countReplicates(Math.max(MIN_REPLICATES, replicates + 1))} (--budget-sec${maxReplicates < MIN_REPLICATES ? ', timing.maxReplicates' : ''})`;
  const noise = (1 + best.detectable) / (1 + GATE_MIN_EFFECT);
  const wanted = (1 + BLIND_ABOVE) / (1 + GATE_MIN_EFFECT) - 1;
  const needed = replicatesToTell({ value: 1, low: 1 / noise, high: noise }, replicates, wanted);
  const scenario = scenarioOf(result.cell);
  const elapsedMs = sumOf(
    cells.filter(({ cell }) => scenarioOf(cell) === scenario),
    ({ elapsedMs }) => elapsedMs,
  );
  const seconds =
    needed === null ? Number.POSITIVE_INFINITY : roundUp((elapsedMs / 1_000) * (needed / replicates));
  return needed === null || seconds > MAX_BUDGET_SEC
    ? `More than an hour would be needed: ${QUIETER}`
    : `Measure longer (an estimate: ${wordBudget(seconds, needed, maxReplicates)})`;
}

/** null if no number would suffice; without an interval, one more than there are. */
function replicatesNeeded({ result, comparison }: Open): number | null {
  const count = comparison.replicateRatios.length;
  if (comparison.ratio === null) return Math.max(MIN_REPLICATES, count + 1);
  const needed = replicatesToTell(comparison.ratio, count, result.scenario.timing.precision);
  return needed === null || knownRatio(comparison) !== null ? needed : Math.max(needed, count + 1);
}

/** To two digits: more would claim a precision that the estimate lacks. */
function roundUp(seconds: number): number {
  const unit = Math.max(1, 10 ** (Math.floor(Math.log10(Math.max(1, seconds))) - 1));
  return Math.ceil(seconds / unit) * unit;
}

/** `one replicate is too few`; null where an interval is known, or where more replicates would not give one. */
export function describeTooFew(comparisons: readonly Comparison[]): string | null {
  const counts = comparisons.map(({ replicateRatios }) => replicateRatios.length);
  const most = Math.max(...counts);
  if (comparisons.some(({ ratio }) => ratio !== null) || missingReplicates(most) === 0) return null;
  return `${most === 1 ? 'one replicate is' : `${most} replicates are`} too few`;
}
