// Splits the mean response time of a client into phases, and measures the opening of connections.

import { meanRoundTripMs } from '../scenarios/model/target.ts';
import { openedPerRequest, timedConnections } from './connections.ts';
import { mergeHistograms } from './histogram.ts';
import type { CompletedTrial, Histogram, Measurement } from './model/trial.ts';
import { sumOf } from './stats.ts';

/**
 * In order of time. heldBack: from when a request was due until it was sent; queue: from there until it was written to a
 * connection, without the time to open one; unsplit: not reported by the client, or not recorded.
 */
export const PHASES = ['heldBack', 'queue', 'connect', 'tls', 'firstByte', 'body', 'unsplit'] as const;
export type Phase = (typeof PHASES)[number];

export interface PhaseSplit {
  /** Mean response time over all requests of the windows. */
  responseUs: number;
  /** Its parts, each at least 0; their sum is responseUs, up to rounding. */
  parts: Record<Phase, number>;
  /** Connections opened per request. */
  connectionsPerRequest: number;
  /** Whether the client reported how long it took to open any of them. */
  areConnectionsTimed: boolean;
  /** The emulated link's round trip, moved for each connection from TLS or first byte to connect; 0: loopback alone. */
  roundTripUs: number;
  /** Whether the phases of each request were recorded. */
  isRecorded: boolean;
}

/** If all but this share of the service time is reported, all of it is; the rest is rounding. */
const ROUNDING = 1e-6;

/**
 * How the mean response time of an arm divides. Null when no request was answered.
 *
 * Connect and TLS are measured once per connection, so a request carries, on average, their means times the connections that
 * are opened for each request. They are taken out of the wait, within which a connection is opened. A
 * dial may also run while its request gets another connection that has become free, or go to a request that fails: the
 * dials never take more than the wait has.
 *
 * Behind an emulated link the kernel says "connected" at once, and the handshake's round trip delays the first bytes: it
 * is in the TLS handshake, or without TLS in the first byte, and belongs to connect.
 */
export function splitPhases(trials: readonly CompletedTrial[]): PhaseSplit | null {
  const all = trials.map(({ measurement }) => measurement);
  const requests = sumOf(all, ({ response }) => response.count);
  if (requests === 0) return null;
  const parts = partsOfRequests(all, requests);

  const connectionsPerRequest = openedPerRequest(all);
  const timed = timedConnections(all);
  /** A part of the mean connection, times the number of connections per request. */
  const dialUs = (read: (measurement: Measurement) => Histogram) =>
    timed === 0 ? 0 : (totalUs(all, read) / timed) * connectionsPerRequest;
  const dials = [
    { to: 'connect', us: dialUs(({ connect }) => connect) },
    { to: 'tls', us: dialUs(({ tls }) => tls) },
  ] as const;
  const dialsUs = sumOf(dials, ({ us }) => us);
  const fit = dialsUs === 0 ? 1 : Math.min(1, (parts.queue + parts.unsplit) / dialsUs);
  for (const { to, us } of dials) move(parts, { us: us * fit, from: ['queue', 'unsplit'], to });

  const roundTripUs = meanRoundTripUs(trials);
  const delayed = dials[1].us > 0 ? 'tls' : 'firstByte';
  const tripsUs = timed === 0 ? 0 : roundTripUs * connectionsPerRequest;
  move(parts, { us: tripsUs, from: [delayed, 'unsplit'], to: 'connect' });

  return {
    responseUs: sumOf(PHASES, phase => parts[phase]),
    parts,
    connectionsPerRequest,
    areConnectionsTimed: timed > 0,
    roundTripUs,
    isRecorded: trials.some(({ trial }) => trial.phases),
  };
}

/** Mean and 99th percentile of a distribution. */
export interface Spread {
  /** Requests or connections. */
  count: number;
  meanUs: number;
  p99Us: number;
}

const SPREADS = ['wait', 'firstByte', 'body', 'connect', 'tls'] as const;
type SpreadName = (typeof SPREADS)[number];

export type PhaseSpreads = Record<SpreadName, Spread | null>;

/** How many round trips are moved to a phase: behind a link, a connection's own is moved to connect. */
const MOVED_TRIPS: Partial<Record<SpreadName, number>> = { connect: 1, tls: -1 };

/** How the times of single requests and connections spread. */
export function spreadPhases(trials: readonly CompletedTrial[]): PhaseSpreads {
  return Object.fromEntries(SPREADS.map(name => [name, spreadPhase(trials, name)])) as PhaseSpreads;
}

/** How long a phase took, over the requests or over the connections opened in the windows; null if there was none, or the client does not report it. */
export function spreadPhase(trials: readonly CompletedTrial[], name: SpreadName): Spread | null {
  const { count, meanUs, p99Us } = mergeHistograms(
    trials.flatMap(({ measurement }) => measurement[name] ?? []),
  );
  if (count === 0) return null;
  const shiftUs = (MOVED_TRIPS[name] ?? 0) * meanRoundTripUs(trials);
  return { count, meanUs: Math.max(0, meanUs + shiftUs), p99Us: Math.max(0, p99Us + shiftUs) };
}

/** The mean response time in the parts that are reported per request, so with the opening of connections in the queue. */
function partsOfRequests(all: readonly Measurement[], requests: number): Record<Phase, number> {
  /** A phase that is reported for only some requests counts as 0 for the others. */
  const meanUs = (read: (measurement: Measurement) => Histogram | null) => totalUs(all, read) / requests;
  const responseUs = meanUs(({ response }) => response);
  const serviceUs = Math.min(
    responseUs,
    meanUs(({ service }) => service),
  );
  const queue = meanUs(({ wait }) => wait);
  const firstByte = meanUs(measurement => measurement.firstByte);
  const body = meanUs(measurement => measurement.body);
  const reportedUs = queue + firstByte + body;
  // Each record rounds a time below 1 µs up, so that the parts may come to a little more than the whole.
  const isAllReported = reportedUs > serviceUs * (1 - ROUNDING);
  const scale = isAllReported ? serviceUs / reportedUs : 1;
  return {
    heldBack: responseUs - serviceUs,
    queue: queue * scale,
    connect: 0,
    tls: 0,
    firstByte: firstByte * scale,
    body: body * scale,
    unsplit: isAllReported ? 0 : serviceUs - reportedUs,
  };
}

/** Time of a handshake on the link, including the mean jitter of both directions. */
function meanRoundTripUs([first]: readonly CompletedTrial[]): number {
  const link = first?.trial.link;
  return link === undefined ? 0 : meanRoundTripMs(link) * 1000;
}

/** Moves `us`, or as much as there is, from the phases in their order. */
function move(
  parts: Record<Phase, number>,
  { us, from, to }: { us: number; from: readonly Phase[]; to: Phase },
): void {
  let left = us;
  for (const phase of from) {
    const moved = Math.min(left, parts[phase]);
    parts[phase] -= moved;
    parts[to] += moved;
    left -= moved;
  }
}

function totalUs(all: readonly Measurement[], read: (measurement: Measurement) => Histogram | null): number {
  return sumOf(all, measurement => {
    const histogram = read(measurement);
    return histogram === null ? 0 : histogram.meanUs * histogram.count;
  });
}
