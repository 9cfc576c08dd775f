// What a new connection costs, in sentences and as a table: CPU time, round trips, and after how many requests it has paid off.
import {
  type AmortisationFit,
  type ConnectionCost,
  type Cost,
  connectionCosts,
  includesZero,
  mainCosts,
} from '../../results/connection-cost.ts';
import { joinWords } from '../../results/figures.ts';
import { isPrediction, modelArm, type Prediction, splitGap } from '../../results/link-model.ts';
import { foundServers, isUnixSocket } from '../../results/model/run.ts';
import { spreadPhase } from '../../results/phases.ts';
import { INTERVAL_NAME, type Interval, sumOf } from '../../results/stats.ts';
import { own, usesTls } from '../../scenarios/model/facts.ts';
import { mostInFlight } from '../../scenarios/model/load.ts';
import { isExternal, meanRoundTripMs, openingRoundTrips, type Target } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, comparisonMarks } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { countCell, figure, figureColumn, keyColumn, nothing, tabulate, words } from '../tables/table.ts';
import { signsOf } from './marks.ts';
import {
  excludesOne,
  FEW_NOTE,
  formatCount,
  formatDecimals,
  formatInterval,
  formatLatency,
  formatMissing,
  formatMs,
  formatPercent,
  formatRatio,
  isKnown,
  listValues,
  missingReplicates,
  roundInterval,
} from './numbers.ts';
import { compact } from './text.ts';

/** Libraries that a headline lists one by one; of more it names the cheapest and the dearest. */
const MAX_LISTED = 2;

/**
 * What a connection costs in a cell, one pair per client library; only costs that are known to be above 0. None of a client
 * without a capacity: it was measured at a rate at which it did not meet the objective, or below its limit.
 */
function knownCosts({ result, trials }: Pick<CellView, 'result' | 'trials'>): ConnectionCost[] {
  const { clients, baseline } = result.scenario;
  const libraryOf = (arm: string): string => {
    const client = own(clients, arm);
    return client === undefined ? arm : [client.transport, client.api ?? '', client.protocol].join(' ');
  };
  const isSearched = result.scenario.load.model === 'capacity';
  const hasAnswers = (name: string): boolean =>
    result.arms.some(
      ({ arm, completed, capacityPerSec }) =>
        arm === name && completed > 0 && !(isSearched && capacityPerSec === null),
    );
  return mainCosts(connectionCosts(trials), { baseline, libraryOf }).filter(
    ({ client, more, fewer }) =>
      client.interval !== null && client.interval.low > 0 && hasAnswers(more) && hasAnswers(fewer),
  );
}

/**
 * `A new connection costs 163 µs of client CPU (150 to 176), 41 µs of server CPU (38 to 44) and one round trip; reusing
 * connections served 3.2× (3.0 to 3.4) the requests. At 1,000 requests/s reuse saves 0.20 of a core.` null where no pair of
 * clients tells.
 */
export function describeConnectionCosts(view: CellView): string | null {
  const costs = knownCosts(view);
  const [first, ...others] = costs;
  if (first === undefined) return null;
  if (costs.length > MAX_LISTED) return describeRange(costs, view);
  const opening = others.length === 0 ? 'A' : `With ${libraryName(first, view)}, a`;
  return [
    `${opening} new connection costs ${describeCharge(first, view)}${describeServed(first, view, 'reusing connections served')}. ${describeSaving(first, view)}`,
    ...others.map(
      cost =>
        `With ${libraryName(cost, view)} it costs ${describeCharge(cost, view)}${describeServed(cost, view, 'reuse served')}.`,
    ),
  ].join(' ');
}

/** What a connection costs, and what that is per second, without how many more requests reuse serves; null where no pair of clients tells. */
export function describeCharges(view: CellView): string | null {
  const costs = knownCosts(view);
  if (costs.length === 0) return null;
  if (costs.length > MAX_LISTED) return describeRange(costs, view);
  const charges = costs.map(
    cost => `${describeCharge(cost, view)}${costs.length === 1 ? '' : ` with ${libraryName(cost, view)}`}`,
  );
  const saving = costs.length === 1 ? ` ${describeSaving(costs[0]!, view)}` : '';
  return `A new connection costs ${charges.join('; ')}.${describeResumption(costs, view)}${saving}`;
}

/** ` Resumed TLS sessions: 4,310 of 4,330 connections; a full handshake costs more.` Empty where nearly all handshakes are full. */
function describeResumption(costs: readonly ConnectionCost[], view: CellView): string {
  const { full, resumed } = countHandshakes(
    costs.map(({ more }) => more),
    view,
  );
  return full + resumed === 0 || full >= MOSTLY * (full + resumed)
    ? ''
    : ` Resumed TLS sessions: ${formatCount(resumed)} of ${formatCount(full + resumed)} connections; a full handshake costs more.`;
}

/** `49 µs client, 41 µs server`: CPU time, for a table of several cells; null where no pair tells, or several libraries do. */
export function nameCharge(view: CellView): string | null {
  const [only, ...others] = knownCosts(view);
  if (only === undefined || others.length > 0) return null;
  const { client, server } = only;
  const signs = signsOf(marksOf(only, view, 'cpuUsPerRequest'));
  const text = ({ valueUs, interval }: Cost): string =>
    includesZero(interval)
      ? 'not shown for the'
      : `${roundInterval(interval ?? exactly(valueUs)).value} µs${signs}`;
  return compact([`${text(client)} client`, server !== null && `${text(server)} server`]).join(', ');
}

/**
 * The same among other cells, without what it saves: `In connection-cost, with wire, a new connection costs 44 µs of client CPU
 * (42 to 46), …; reuse served 3.2× (3.0 to 3.4) the requests.` null where no pair tells, or several libraries do.
 */
export function describeCostIn(view: CellView): string | null {
  const [first, ...others] = knownCosts(view);
  return first === undefined || others.length > 0
    ? null
    : `In ${view.result.cell}, with ${libraryName(first, view)}, a new connection costs ${describeCharge(first, view)}${describeServed(first, view, 'reuse served')}.`;
}

/**
 * `With one user and no queue, a new connection adds 0.23 ms (0.21 to 0.25) to a request of 0.12 ms: connecting takes 90 µs, the
 * full TLS 1.3 handshake 1.2 ms.` Where the interval includes 0, it says so. One sentence per library; none where it was not
 * measured.
 */
export function describeAlone(view: CellView): string[] {
  const costs = knownCosts(view).filter(({ alone }) => alone !== null);
  return costs.length > MAX_LISTED
    ? []
    : costs.map(cost => {
        const { added, requestUs, connectUs, tlsUs } = cost.alone!;
        const who = costs.length === 1 ? '' : ` of ${libraryName(cost, view)}`;
        const parts = compact([
          connectUs !== null && `connecting takes ${formatLatency(connectUs)}`,
          tlsUs !== null && `the ${describeHandshake(cost, view)} ${formatLatency(tlsUs)}`,
        ]);
        const request = `a request of ${formatLatency(requestUs)}`;
        const found = !includesZero(added.interval)
          ? `a new connection adds ${describeTime(added)} to ${request}${parts.length === 0 ? '' : ':'}`
          : `what a new connection adds to ${request} could not be told apart from 0: ${describeTime(added)}${parts.length === 0 ? '' : ';'}`;
        return `With one user${who} and no queue, ${[found, parts.join(', ')].join(' ').trim()}.`;
      });
}

/** `231 µs (215 to 247)`, `1.31 ms (1.25 to 1.37)`, `51 µs (−4.7 to 110)`. */
function describeTime({ valueUs, interval }: Cost): string {
  if (interval === null) return formatLatency(valueUs);
  const [divisor, unit] = Math.abs(valueUs) < 1_000 ? [1, 'µs'] : [1_000, 'ms'];
  const { value, low, high } = roundInterval(
    { value: valueUs / divisor, low: interval.low / divisor, high: interval.high / divisor },
    0,
  );
  return `${value} ${unit}${high === low ? '' : ` (${low} to ${high})`}`;
}

/** `full TLS 1.3 handshake`. */
function describeHandshake({ more }: ConnectionCost, view: CellView): string {
  const kind = handshakeOf(more, view);
  const tls = tlsOf(view.result);
  return `${kind === null ? '' : `${kind} `}TLS${tls === null || tls === 'none' ? '' : ` ${tls}`} handshake`;
}

/** The library of a pair: `wire`, `undici`. */
function libraryName({ more }: ConnectionCost, { result }: Pick<CellView, 'result'>): string {
  const client = own(result.scenario.clients, more);
  if (client === undefined) return more;
  return client.api === undefined ? client.transport : `${client.transport} (${client.api})`;
}

/** Without a width. */
function exactly(value: number): Interval {
  return { value, low: value, high: value };
}

function describeCharge(cost: ConnectionCost, view: CellView): string {
  const signs = signsOf(marksOf(cost, view, 'cpuUsPerRequest'));
  const parts = compact([
    describeCpu(cost.client, 'client CPU', signs),
    cost.server !== null && describeCpu(cost.server, 'server CPU', signs),
    ...describeTrips(cost, view),
  ]);
  return joinWords(parts);
}

/** `163 µs of client CPU (150 to 176)`; `server CPU that could not be told apart from 0 (−12 to 41 µs)`. */
function describeCpu({ valueUs, interval }: Cost, what: string, signs: string): string {
  if (interval !== null && includesZero(interval)) {
    const bounds = roundInterval(interval, 0);
    return `${what} that could not be told apart from 0${signs} (${bounds.low} to ${bounds.high} µs)`;
  }
  const { value, low, high } = roundInterval(interval ?? exactly(valueUs));
  return `${value} µs${signs} of ${what}${high === low ? '' : ` (${low} to ${high})`}`;
}

const TRIPS = [
  'no round trip',
  'one round trip',
  'two round trips',
  'three round trips',
  'four round trips',
] as const;

/** By the protocols' rules, and what that is on the cell's link. Empty where full and resumed handshakes are mixed. */
function describeTrips(cost: ConnectionCost, view: CellView): string[] {
  const trips = roundTripsOf(cost, view);
  if (trips === null) return [];
  const { link } = view.result.scenario;
  const takes = link === undefined ? '' : ` (${formatLatency(trips * meanRoundTripMs(link) * 1_000)})`;
  return [`${TRIPS[trips]}${takes}`];
}

/** Round trips of the request that asks a proxy for a tunnel. */
const TUNNEL_ROUND_TRIPS = 1;

/**
 * By the rules of the protocols; null where the version of TLS is not known, handshakes are of both kinds, or a Unix socket
 * has no handshake at all.
 */
function roundTripsOf({ more }: ConnectionCost, view: CellView): number | null {
  const servers = foundServers(view.result);
  const tls = tlsOf(view.result);
  if (tls === null || servers.some(isUnixSocket)) return null;
  if (tls === 'none') return openingRoundTrips(tls, 'full');
  const handshake = handshakeOf(more, view);
  const tunnel = servers.some(({ proxy }) => proxy !== null) ? TUNNEL_ROUND_TRIPS : 0;
  return handshake === null ? null : openingRoundTrips(tls, handshake) + tunnel;
}

/** null where it is not known, or not the same for each of several servers. */
function tlsOf(result: CellView['result']): Target['tls'] | null {
  const { target } = result.scenario;
  if (!isExternal(target)) return target.tls;
  if (!usesTls(target)) return 'none';
  const [found, ...others] = new Set(foundServers(result).map(({ tlsVersion }) => tlsVersion));
  if (others.length > 0) return null;
  if (found === 'TLSv1.3') return '1.3';
  return found === 'TLSv1.2' ? '1.2' : null;
}

/** A client is called by the kind of handshake that has at least this share of its handshakes: the first of a pool can't be resumed. */
const MOSTLY = 0.95;

/** The kind of handshake that nearly all of a client's connections began with; null where they are mixed or not counted. */
function handshakeOf(arm: string, view: CellView): 'full' | 'resumed' | null {
  const { full, resumed } = countHandshakes([arm], view);
  if (full + resumed === 0) return null;
  if (full >= MOSTLY * (full + resumed)) return 'full';
  return resumed >= MOSTLY * (full + resumed) ? 'resumed' : null;
}

function countHandshakes(names: readonly string[], { arms }: CellView): { full: number; resumed: number } {
  const trials = arms.filter(({ name }) => names.includes(name)).flatMap(arm => arm.trials);
  return {
    full: sumOf(trials, ({ measurement }) => measurement.ledger.clientHandshakesFull),
    resumed: sumOf(trials, ({ measurement }) => measurement.ledger.clientHandshakesResumed),
  };
}

/**
 * `; reusing connections served 3.2× (3.0 to 3.4) the requests`; that no difference is shown where the interval includes 1;
 * empty where the load sets the rate, or it is not known.
 */
function describeServed(cost: ConnectionCost, view: CellView, words: string): string {
  if (cost.served === null || !isKnown(cost.served)) return '';
  const signs = signsOf(marksOf(cost, view, 'requestsPerSec'));
  const served = `${formatRatio(cost.served)}${signs} the requests`;
  return excludesOne({ ratio: cost.served })
    ? `; ${words} ${served}`
    : `; that reuse serves more requests could not be shown: ${served}`;
}

function describeSaving(cost: ConnectionCost, view: CellView): string {
  const { savedCoresAt1kPerSec: cores, server } = cost;
  const signs = signsOf(marksOf(cost, view, 'cpuUsPerRequest'));
  const what = server === null ? " of the client's CPU" : '';
  if (cores === null)
    return `No saving of CPU time by reuse could be shown${what === '' ? '' : ' for the client'}.`;
  const amount =
    cores < 0.005
      ? `less than 0.01${signs} of a core`
      : cores < 1
        ? `${cores.toFixed(2)}${signs} of a core`
        : `${cores.toFixed(2)}${signs} cores`;
  return `At 1,000 requests/s reuse saves ${amount}${what}.`;
}

/** `A new connection costs from 52 µs of client CPU (50 to 54) with wire to 310 µs of client CPU (290 to 330) with fetch.` */
function describeRange(costs: readonly ConnectionCost[], view: CellView): string {
  const sorted = costs.toSorted((a, b) => a.client.valueUs - b.client.valueUs);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  const text = (cost: ConnectionCost): string =>
    `${describeCpu(cost.client, 'client CPU', signsOf(marksOf(cost, view, 'cpuUsPerRequest')))} with ${libraryName(cost, view)}`;
  return `A new connection costs from ${text(least)} to ${text(most)}.`;
}

function marksOf(
  { more, fewer }: ConnectionCost,
  view: CellView,
  metric: 'cpuUsPerRequest' | 'requestsPerSec',
) {
  return comparisonMarks({ baseline: more, candidate: fewer, metric }, view);
}

interface ModelledArm {
  arm: ArmView;
  meanUs: number;
  model: Prediction;
}

function modelledArms({ arms, result }: Pick<CellView, 'arms' | 'result'>): ModelledArm[] {
  return arms.flatMap(arm => {
    if (arm.summary === null || arm.client === undefined) return [];
    const model = modelArm(result, arm.client, arm.trials);
    return isPrediction(model) ? [{ arm, meanUs: arm.summary.meanUs, model }] : [];
  });
}

/** Below this difference the two arms open connections alike, so round trips explain no gap. */
const MIN_ROUND_TRIPS = 0.05;

/**
 * Compares the baseline with the arm that differs most from it in round trips: how much of the gap in mean latency is due
 * to round trips, and how much is not. Empty without such an arm.
 */
export function describeGap(view: Pick<CellView, 'arms' | 'result'>): string[] {
  const modelled = modelledArms(view);
  const baseline = modelled.find(({ arm }) => arm.isBaseline);
  if (baseline === undefined) return [];
  const apart = ({ model }: ModelledArm): number => Math.abs(model.roundTrips - baseline.model.roundTrips);
  const [other] = modelled.toSorted((a, b) => apart(b) - apart(a));
  if (other === undefined || apart(other) < MIN_ROUND_TRIPS) return [];
  const [fast, slow] =
    baseline.model.roundTrips > other.model.roundTrips ? [other, baseline] : [baseline, other];
  return [describeSplit(slow, fast)];
}

function describeSplit(slow: ModelledArm, fast: ModelledArm): string {
  const { us, roundTripsUs, restUs } = splitGap(slow, fast);
  const signs = signsOf([...new Set([...slow.arm.marks, ...fast.arm.marks])]);
  const trips = (slow.model.roundTrips - fast.model.roundTrips).toFixed(2);
  const whole = `${trips} more round trips per request (${formatLatency(roundTripsUs)})`;
  if (us <= 0)
    return `${slow.arm.name} needs ${whole}, yet is no slower than ${fast.arm.name} in mean latency${signs}.`;
  const gap = `the ${formatLatency(us)}${signs} by which the mean latency of ${slow.arm.name} exceeds that of ${fast.arm.name}`;
  return restUs < 0
    ? `${slow.arm.name} needs ${whole}, which is more than ${gap}.`
    : `Of ${gap}, ${formatMs(roundTripsUs)} ms (${formatPercent(roundTripsUs / us)}) come from ${trips} more round trips per request, and ${formatMs(restUs)} ms from CPU and queueing.`;
}

/** Below this share of explained variation the model does not fit, and its parameters mean nothing. */
const MIN_R2 = 0.9;

/** Whether the latencies follow the model well enough for its parameters to be meaningful. */
export function fitsWell(fit: AmortisationFit): boolean {
  return fit.handshakeUs > 0 && fit.serviceUs > 0 && fit.r2 >= MIN_R2;
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
  const trials = arms.flatMap(arm => arm.trials);
  const connect = spreadPhase(trials, 'connect');
  const tls = spreadPhase(trials, 'tls');
  const connectUs = connect === null ? null : connect.meanUs + (tls?.meanUs ?? 0);
  return { users: mostInFlight(result.scenario.load), connectUs };
}

export function connectionCostTable(view: CellView): Table | null {
  const costs = connectionCosts(view.trials);
  if (costs.length === 0) return null;
  return tabulate(costs, {
    name: 'connectionCost',
    title: 'What a connection costs',
    columns: [
      [keyColumn('more', 'client'), ({ more }) => words(more)],
      [keyColumn('fewer', 'against'), ({ fewer }) => words(fewer)],
      [figureColumn('clientUs', 'client CPU', 'µs'), pair => costCell(pair.client, pair, view)],
      [figureColumn('serverUs', 'server CPU', 'µs'), pair => costCell(pair.server, pair, view)],
      [figureColumn('roundTripsCount', 'round trips'), pair => countCell(roundTripsOf(pair, view))],
      [
        figureColumn('aloneUs', 'one user waits', 'µs'),
        pair => costCell(pair.alone?.added ?? null, pair, view),
      ],
      [
        figureColumn('servedRatio', 'reuse serves', '× requests/s'),
        pair => ratioCell(pair.served, pair, view),
      ],
      [
        figureColumn('servedByCpuRatio', 'by CPU time', '× requests'),
        pair => ratioCell(pair.servedByCpu, pair, view),
      ],
      [figureColumn('savedCores', 'reuse saves', 'cores'), pair => savedCell(pair, view)],
    ],
    notes: [
      `CPU time per new connection, with its ${INTERVAL_NAME}: in each replicate, the difference in CPU time per request divided by the difference in connections per request. Round trips are those that the protocols need before the first request. What one user waits for a new connection is the difference of median response times with one user instead of all, so nothing in it is a queue. How many more requests reuse serves is computed from the rates, and from the CPU time of client and server together, which other programs on the machine disturb less. The last column is what reuse saves at 1,000 requests/s, client and server together.`,
      costs.some(({ client }) => client.interval === null) && FEW_NOTE,
    ],
  });
}

function ratioCell(ratio: Interval | null, pair: ConnectionCost, view: CellView): TableCell {
  return ratio === null || !isKnown(ratio)
    ? nothing
    : figure(formatInterval(ratio), { ...ratio }, pairMarks(pair, view));
}

function costCell(cost: Cost | null, pair: ConnectionCost, view: CellView): TableCell {
  if (cost === null) return nothing;
  const { interval, replicateUs } = cost;
  return figure(
    describeCost(cost),
    interval === null ? [...replicateUs] : { ...interval },
    pairMarks(pair, view),
  );
}

/**
 * `163 (150 to 176)`; without an interval, the replicates: `158, 167 (1 more replicate needed)`. A difference may be near or below
 * 0, whose bounds are figures too.
 */
export function describeCost({ interval, replicateUs }: Cost): string {
  if (interval === null) return listValues(replicateUs);
  const { value, low, high } = roundInterval(interval, 0);
  return high === low ? value : `${value} (${low} to ${high})`;
}

/** `0.20`; from too few replicates `0.20 (1 more replicate needed)`; where the interval includes 0, that none is shown. */
function savedCell(cost: ConnectionCost, view: CellView): TableCell {
  const { savedCoresAt1kPerSec: cores, client } = cost;
  if (cores === null) return words('none shown', null);
  const missing = missingReplicates(client.replicateUs.length);
  const text = `${formatDecimals(cores, 2)}${missing === 0 ? '' : ` (${formatMissing(missing)} needed)`}`;
  return figure(text, cores, pairMarks(cost, view));
}

function pairMarks({ more, fewer }: ConnectionCost, { arms }: CellView) {
  const marks = arms.filter(({ name }) => name === more || name === fewer).flatMap(arm => arm.marks);
  return [...new Set(marks)];
}
