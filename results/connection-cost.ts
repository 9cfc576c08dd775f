// What opening a connection costs: in CPU time, from pairs of clients that differ in nothing else, and in latency, by a fit over clients that differ in requests per connection.

import { own } from '../scenarios/model/facts.ts';
import { pairByReplicate, ratioOver } from './compare.ts';
import { openedPerRequest } from './connections.ts';
import { type FigureReader, readerOf } from './metrics.ts';
import type { CellResult } from './model/run.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import { type Interval, meanOf, replicateMeanInterval, sumOf } from './stats.ts';

/** Per connection, µs: a value per replicate in order, and its 95 % interval; null below three replicates. */
export interface Cost {
  valueUs: number;
  interval: Interval | null;
  replicateUs: number[];
}

/** Times of one user alone, µs: medians of each replicate, and their mean. */
export interface AloneCost {
  /** By how much a request on a new connection takes longer than one on an open connection. */
  added: Cost;
  /** A request on an open connection. */
  requestUs: number;
  /** Parts of what is added, as the client reports them; null where it does not, or without TLS. */
  connectUs: number | null;
  tlsUs: number | null;
}

/** What a client pays that opens more connections per request than another with the same library. */
export interface ConnectionCost {
  /** The client that opens fewer. */
  fewer: string;
  /** The client that opens more. */
  more: string;
  /** By how many connections per request they differ, mean over the replicates. */
  connectionsPerRequest: number;
  client: Cost;
  /** null for a server that conntax did not start. */
  server: Cost | null;
  /** Requests per second of the client that opens fewer over those of the other; null where the load sets the rate. */
  served: Interval | null;
  /**
   * CPU time per request, client and known server together, of the client that opens more over that of the other: how many more
   * requests the same CPU time serves. Neighbours on the machine disturb it less than `served`.
   */
  servedByCpu: Interval | null;
  /** What a new connection adds for one user, without any queue; null where that was not measured in each replicate. */
  alone: AloneCost | null;
  /**
   * Cores, client and known server together, that reuse saves at 1,000 requests/s; null where its 95 % interval over the
   * replicates includes 0, so that no saving is shown.
   */
  savedCoresAt1kPerSec: number | null;
}

const CPU_PER_REQUEST: FigureReader = {
  of: 'slices',
  read: slices =>
    slices.map(({ generatorCpuUs, targetCpuUs, exchanges }) => ({
      amount: generatorCpuUs + (targetCpuUs ?? 0),
      per: exchanges,
    })),
};

/** Connections per request that differ by less are equal: noise of the pool's fill. */
const RANK_STEPS = 50;

/** Below this difference, in connections per request, noise of the CPU time is divided by next to nothing. */
const MIN_DIFFERENCE = 0.1;

/**
 * The cost of a connection for every pair of clients that use the same library over the same protocol and differ by at
 * least 0.1 connections per request: in each replicate the difference of CPU time per request over the difference of
 * connections per request. The interval is Student's over the replicates, not of logarithms, because a difference may be
 * near or below 0. Empty where no pair differs so.
 */
export function connectionCosts(trials: readonly TrialResult[]): ConnectionCost[] {
  const completed = trials.filter(trial => trial.state === 'completed');
  const arms = [...new Set(completed.map(({ trial }) => trial.arm))];
  return arms.flatMap((one, index) =>
    arms.slice(index + 1).flatMap(other => costOfPair(ofArm(completed, one), ofArm(completed, other)) ?? []),
  );
}

function ofArm(trials: readonly CompletedTrial[], arm: string): CompletedTrial[] {
  return trials
    .filter(({ trial }) => trial.arm === arm)
    .sort((a, b) => a.trial.replicate - b.trial.replicate);
}

function costOfPair(
  left: readonly CompletedTrial[],
  right: readonly CompletedTrial[],
): ConnectionCost | undefined {
  const pairs = pairByReplicate(left, right);
  const [first] = pairs;
  if (first === undefined || !areAlike(...first)) return undefined;
  const [{ trial }] = first;
  // The CPU time of clients is not known there.
  if (trial.imported !== undefined) return undefined;
  const differences = pairs.map(([one, other]) => connectionsPerRequest(one) - connectionsPerRequest(other));
  const difference = meanOf(differences);
  if (differences.some(one => !(Math.abs(one) >= MIN_DIFFERENCE) || one > 0 !== difference > 0))
    return undefined;
  const perConnection = (read: (trial: CompletedTrial) => number): Cost =>
    costOver(pairs.map(([one, other], index) => (read(one) - read(other)) / differences[index]!));
  const client = perConnection(({ measurement }) => measurement.generator.cpuUsPerRequest);
  const isServerKnown = pairs.flat().every(({ measurement }) => measurement.target !== null);
  const server = isServerKnown
    ? perConnection(({ measurement }) => measurement.target?.cpuUsPerRequest ?? Number.NaN)
    : null;
  const both = client.replicateUs.map((us, index) => us + (server?.replicateUs[index] ?? 0));
  const isSavingOpen = includesZero(replicateMeanInterval(both));
  const savedCores = (1_000 * Math.abs(difference) * (client.valueUs + (server?.valueUs ?? 0))) / 1_000_000;
  // A stored run from elsewhere may hold any numbers.
  if (!Number.isFinite(savedCores)) return undefined;
  const [more, fewer] = difference > 0 ? [left, right] : [right, left];
  return {
    fewer: fewer[0]!.trial.arm,
    more: more[0]!.trial.arm,
    connectionsPerRequest: Math.abs(difference),
    client,
    server,
    served:
      trial.load.model === 'closed' ? ratioOver(readerOf('requestsPerSec'), fewer, more).interval : null,
    servedByCpu: ratioOver(CPU_PER_REQUEST, more, fewer).interval,
    alone: aloneCost(more, fewer),
    savedCoresAt1kPerSec: isSavingOpen ? null : savedCores,
  };
}

/** Whether a difference may also have the other sign; false without an interval. */
export function includesZero(interval: Interval | null): boolean {
  return interval !== null && interval.low <= 0 && interval.high >= 0;
}

/** Only of a client that opens a connection for each request: the median of others is that of a request without one. */
function aloneCost(more: readonly CompletedTrial[], fewer: readonly CompletedTrial[]): AloneCost | null {
  if (more[0]?.trial.client.requestsPerConnection !== 1) return null;
  const pairs = pairByReplicate(more, fewer).flatMap(([one, other]) => {
    const [opening, kept] = [one.measurement.alone, other.measurement.alone];
    return opening === null || kept === null ? [] : [{ opening, kept }];
  });
  if (pairs.length < more.length) return null;
  const mean = (values: (number | null)[]): number | null =>
    values.every(value => value !== null) ? meanOf(values) : null;
  return {
    added: costOver(pairs.map(({ opening, kept }) => opening.responseUs - kept.responseUs)),
    requestUs: meanOf(pairs.map(({ kept }) => kept.responseUs)),
    connectUs: mean(pairs.map(({ opening }) => opening.connectUs)),
    tlsUs: mean(pairs.map(({ opening }) => opening.tlsUs)),
  };
}

/**
 * One pair for each client library, in the order of the trials: the one that differs most in connections per request, of
 * equals the one with the baseline.
 */
export function mainCosts(
  costs: readonly ConnectionCost[],
  {
    baseline,
    libraryOf,
  }: {
    baseline: string;
    libraryOf: (arm: string) => string;
  },
): ConnectionCost[] {
  const rank = ({ connectionsPerRequest, more, fewer }: ConnectionCost): number =>
    Math.round(connectionsPerRequest * RANK_STEPS) + (more === baseline || fewer === baseline ? 0.5 : 0);
  return [...Map.groupBy(costs, ({ more }) => libraryOf(more)).values()].map(ofLibrary =>
    ofLibrary.reduce((best, cost) => (rank(cost) > rank(best) ? cost : best)),
  );
}

/** Only then is the difference of their CPU time that of their connections. */
function areAlike({ trial: one }: CompletedTrial, { trial: other }: CompletedTrial): boolean {
  return (
    one.client.transport === other.client.transport &&
    one.client.api === other.client.api &&
    one.client.protocol === other.client.protocol
  );
}

/** By the client's own count in the slices; of load tools, whose connections the kernel counts, over the whole trial. */
function connectionsPerRequest({ measurement }: CompletedTrial): number {
  const { ledger } = measurement;
  return ledger.openedBy === 'client' ? openedPerRequest([measurement]) : ledger.opened / ledger.requestsSent;
}

function costOver(replicateUs: number[]): Cost {
  return {
    valueUs: meanOf(replicateUs),
    interval: replicateMeanInterval(replicateUs),
    replicateUs,
  };
}

/** One client: requests per connection, mean latency, and its weight (1 / variance, up to a factor). */
export interface AmortisationPoint {
  arm: string;
  requestsPerConnection: number | 'unlimited';
  meanUs: number;
  weight: number;
}

export interface AmortisationFit {
  /** Latency without any handshake: the limit for many requests per connection. */
  serviceUs: number;
  /** What opening a connection adds to the requests on it in total; negative only if the data imply it. */
  handshakeUs: number;
  /** Share of the arms' weighted variance that the model explains, 0 to 1. */
  r2: number;
  arms: {
    arm: string;
    requestsPerConnection: number | 'unlimited';
    measuredUs: number;
    predictedUs: number;
  }[];
  /**
   * The fewest requests per connection at which a request's share of the handshake is at most 10 % of the service time:
   * handshake / k <= 0.1 x service. Null when the fit gives no such k (no handshake cost, or no service time).
   */
  breakEvenRequests: number | null;
}

const BREAK_EVEN_SHARE = 0.1;
const MIN_KINDS = 3;

/**
 * Fits latency(k) = service + handshake / k, k being the requests per connection ('unlimited': 1 / k is 0), by weighted
 * least squares. Null with fewer than three different k: two points fit any line, and clients with the same k differ in
 * something else.
 */
export function fitAmortisation(points: readonly AmortisationPoint[]): AmortisationFit | null {
  const usable = points.filter(point => point.weight > 0 && point.meanUs > 0);
  if (new Set(usable.map(point => point.requestsPerConnection)).size < MIN_KINDS) return null;
  const total = sumOf(usable, point => point.weight);
  const meanX = sumOf(usable, point => point.weight * inverse(point)) / total;
  const meanY = sumOf(usable, point => point.weight * point.meanUs) / total;
  const spreadX = sumOf(usable, point => point.weight * (inverse(point) - meanX) ** 2);
  const handshakeUs =
    sumOf(usable, point => point.weight * (inverse(point) - meanX) * (point.meanUs - meanY)) / spreadX;
  const serviceUs = meanY - handshakeUs * meanX;
  const predict = (point: AmortisationPoint) => serviceUs + handshakeUs * inverse(point);
  const residual = sumOf(usable, point => point.weight * (point.meanUs - predict(point)) ** 2);
  const spreadY = sumOf(usable, point => point.weight * (point.meanUs - meanY) ** 2);
  return {
    serviceUs,
    handshakeUs,
    r2: spreadY === 0 ? 1 : Math.max(0, 1 - residual / spreadY),
    arms: usable.map(point => ({
      arm: point.arm,
      requestsPerConnection: point.requestsPerConnection,
      measuredUs: point.meanUs,
      predictedUs: predict(point),
    })),
    breakEvenRequests: breakEven(serviceUs, handshakeUs),
  };
}

/**
 * The fit over a cell's clients. Their weights are trials / meanUs^2, because replicates differ by a share of their mean, not by
 * a number of microseconds. Null if the clients use several libraries, each of which has its own service time, and after a search
 * for the capacity, which measures each client at its own rate.
 */
export function cellAmortisation(cell: Pick<CellResult, 'arms' | 'scenario'>): AmortisationFit | null {
  if (cell.scenario.load.model === 'capacity') return null;
  const libraries = Object.values(cell.scenario.clients).map(
    ({ transport, api }) => `${transport} ${api ?? ''}`,
  );
  if (new Set(libraries).size > 1) return null;
  return fitAmortisation(
    cell.arms.flatMap(({ arm, meanUs, trials }) => {
      const client = own(cell.scenario.clients, arm);
      if (client === undefined || meanUs <= 0) return [];
      const { requestsPerConnection } = client;
      return [{ arm, requestsPerConnection, meanUs, weight: trials / meanUs ** 2 }];
    }),
  );
}

function breakEven(serviceUs: number, handshakeUs: number): number | null {
  if (serviceUs <= 0 || handshakeUs <= 0) return null;
  return Math.max(1, Math.ceil(handshakeUs / (BREAK_EVEN_SHARE * serviceUs)));
}

function inverse({ requestsPerConnection: k }: AmortisationPoint): number {
  return k === 'unlimited' ? 0 : 1 / k;
}
