// In: the trials of an arm. Out: into which phases its mean response time divides, and what opening a connection took.
import type { CompletedTrial, Histogram, Measurement } from '../bench/core/types.ts';
import { mergeHistograms } from './histogram.ts';

/**
 * In order of time. heldBack: from when a request was due until it was sent; queue: from there until it was written to a
 * connection, less the opening of one; unsplit: what the client does not tell, or was told not to.
 */
export const PHASES = ['heldBack', 'queue', 'connect', 'tls', 'firstByte', 'body', 'unsplit'] as const;
export type Phase = (typeof PHASES)[number];

/** Mean and 99th percentile of a distribution. */
export interface Spread {
  meanUs: number;
  p99Us: number;
}

export interface PhaseSplit {
  /** Mean response time over all requests of the windows. */
  responseUs: number;
  /** The same in parts, each 0 or more; their sum is responseUs, up to rounding. */
  parts: Record<Phase, number>;
  /** Of those of a request's times that are recorded; null: none of them is. */
  perRequest: Record<'wait' | 'firstByte' | 'body', Spread | null>;
  /** Of the connections opened in the windows; null: there was none, or the client does not tell. */
  perConnection: Record<'connect' | 'tls', Spread | null>;
  /** Connections opened in the windows for each request that ended in them. */
  connectionsPerRequest: number;
  /** The emulated link's round trip, moved for each connection from TLS or first byte to connect; 0: loopback alone. */
  roundTripUs: number;
  /** Whether the phases of each request were to be recorded. */
  isRecorded: boolean;
}

/** When all but this share of the service time is told, all is: the rest is rounding. */
const ROUNDING = 1e-6;

/**
 * How the mean response time of an arm divides. Null when no request was answered.
 *
 * Connect and TLS are measured once a connection, so a request bears, on average, their means times the connections that
 * were opened for each request of the windows. They are taken out of the wait, within which a connection is opened. A
 * dial may also run while its request gets another connection that has become free, or go to a request that fails: the
 * dials never take more than the wait has.
 *
 * Behind an emulated link the kernel says "connected" at once, and the handshake's round trip delays the first bytes: it
 * is in the TLS handshake, or without TLS in the first byte, and belongs to connect.
 */
export function splitPhases(trials: readonly CompletedTrial[]): PhaseSplit | null {
  const all = trials.map(({ measurement }) => measurement);
  const requests = sum(all, ({ response }) => response.count);
  if (requests === 0) return null;
  const parts = partsOfRequests(all, requests);

  const connect = mergeHistograms(all.map(measurement => measurement.connect));
  const tls = mergeHistograms(all.map(measurement => measurement.tls));
  const ended = sum(all, ({ completed, failed }) => completed + failed);
  const dials = [
    { to: 'connect', us: (connect.meanUs * connect.count) / ended },
    { to: 'tls', us: (tls.meanUs * tls.count) / ended },
  ] as const;
  const dialsUs = sum(dials, ({ us }) => us);
  const fit = dialsUs === 0 ? 1 : Math.min(1, (parts.queue + parts.unsplit) / dialsUs);
  for (const { to, us } of dials) move(parts, { us: us * fit, from: ['queue', 'unsplit'], to });

  const roundTripUs = meanRoundTripUs(trials[0]!);
  const connectionsPerRequest = Math.max(connect.count, tls.count) / ended;
  const delayed = tls.count > 0 ? 'tls' : 'firstByte';
  move(parts, { us: roundTripUs * connectionsPerRequest, from: [delayed, 'unsplit'], to: 'connect' });

  return {
    responseUs: sum(PHASES, phase => parts[phase]),
    parts,
    perRequest: {
      wait: spreadOf(mergeHistograms(all.map(({ wait }) => wait))),
      firstByte: spreadOf(mergeHistograms(all.map(({ firstByte }) => firstByte))),
      body: spreadOf(mergeHistograms(all.flatMap(({ body }) => body ?? []))),
    },
    perConnection: { connect: spreadOf(connect, roundTripUs), tls: spreadOf(tls, -roundTripUs) },
    connectionsPerRequest,
    roundTripUs,
    isRecorded: trials.some(({ trial }) => trial.phases),
  };
}

/** The mean response time in the parts that are told for each request, so with the opening of connections in the queue. */
function partsOfRequests(all: readonly Measurement[], requests: number): Record<Phase, number> {
  /** A phase that is told of some requests only counts as nothing in the others. */
  const meanUs = (read: (measurement: Measurement) => Histogram | null) =>
    sum(all, measurement => {
      const histogram = read(measurement);
      return histogram === null ? 0 : histogram.meanUs * histogram.count;
    }) / requests;
  const responseUs = meanUs(({ response }) => response);
  const serviceUs = Math.min(
    responseUs,
    meanUs(({ service }) => service),
  );
  const queue = meanUs(({ wait }) => wait);
  const firstByte = meanUs(measurement => measurement.firstByte);
  const body = meanUs(measurement => measurement.body);
  const toldUs = queue + firstByte + body;
  // Each record rounds a time below 1 µs up, so that the parts may come to a little more than the whole.
  const isAllTold = toldUs > serviceUs * (1 - ROUNDING);
  const scale = isAllTold ? serviceUs / toldUs : 1;
  return {
    heldBack: responseUs - serviceUs,
    queue: queue * scale,
    connect: 0,
    tls: 0,
    firstByte: firstByte * scale,
    body: body * scale,
    unsplit: isAllTold ? 0 : serviceUs - toldUs,
  };
}

/** What a handshake takes on the link, jitter of both directions included: on average half of what may be drawn. */
function meanRoundTripUs({ trial: { link } }: CompletedTrial): number {
  return link === undefined ? 0 : (link.roundTripMs + link.jitterMs) * 1000;
}

/** Moves so much, or as much as there is, from the phases in their order. */
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

function spreadOf({ count, meanUs, p99Us }: Histogram, shiftUs = 0): Spread | null {
  if (count === 0) return null;
  return { meanUs: Math.max(0, meanUs + shiftUs), p99Us: Math.max(0, p99Us + shiftUs) };
}

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}
