// In: a scenario and its service time. Out: how long an arm may be idle between two of its slices.
import { type Client, connectionLimit } from '../../scenarios/model/client.ts';
import { longestRoundTripMs, openingRoundTrips, REQUEST_ROUND_TRIPS } from '../core/round-trips.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { usesTls } from '../../scenarios/model/target.ts';
import { paced, probeShape } from './pace.ts';
import { sliceShape } from './timing.ts';

/** CPU on the slowest machine worth measuring on, ms: of an exchange, and of opening its connection, plain and with TLS. */
const CPU_MS = { exchange: 0.05, opening: 0.3, openingTls: 1.5 };
/** Between the end of one slice and the start of the next: two messages between processes. */
const TURN_MS = 10;

/** How many users wait for each connection, the one that it serves included. */
function usersPerConnection({ load, target }: Scenario, { pool, protocol }: Client): number {
  const limit = connectionLimit(pool);
  if (load.model !== 'closed' || !Number.isFinite(limit)) return 1;
  const streams = Math.min(pool.maxConcurrentStreams ?? Infinity, target.maxConcurrentStreams);
  const atOnce = protocol === 'h2' ? streams : (pool.pipelining ?? 1);
  return Math.max(1, load.concurrency / (limit * atOnce));
}

/** What the link adds to an arm's mean response time, jitter at its worst. */
function tripsMs({ target, link }: Scenario, { requestsPerConnection }: Client): number {
  if (link === undefined) return 0;
  const opening =
    requestsPerConnection === 'unlimited' ? 0 : openingRoundTrips(target.tls, 'full') / requestsPerConnection;
  return (REQUEST_ROUND_TRIPS + opening) * longestRoundTripMs(link);
}

/** A high guess of an arm's mean response time: its users queue for one core, or wait for service and network. */
export function expectedResponseMs(scenario: Scenario, client: Client, serviceMs: number): number {
  const { target, load } = scenario;
  const openingMs = usesTls(target) ? CPU_MS.openingTls : CPU_MS.opening;
  const { requestsPerConnection } = client;
  const cpuMs =
    CPU_MS.exchange + (requestsPerConnection === 'unlimited' ? 0 : openingMs / requestsPerConnection);
  const queuedMs = load.model === 'closed' ? load.concurrency * cpuMs : 0;
  const servedMs = serviceMs + tripsMs(scenario, client) + cpuMs;
  return Math.max(servedMs * usersPerConnection(scenario, client), queuedMs);
}

function turnMs(scenario: Scenario, client: Client, serviceMs: number): number {
  const { timing, load } = scenario;
  const responseMs = expectedResponseMs(scenario, client, serviceMs);
  const shapes = [paced(sliceShape(timing, { meanMs: responseMs }), timing, load)];
  // An arm pauses while others search, too.
  if (load.model === 'capacity') shapes.push(probeShape(load, timing, load.minRatePerSec));
  return Math.max(...shapes.map(({ rampMs, windowMs }) => rampMs + windowMs)) + responseMs + TURN_MS;
}

/**
 * The longest idle time of one arm between two of its slices, ms, estimated high: it is first in one block and last in
 * the next, so every other arm has two turns in between.
 */
export function sliceGapMs(scenario: Scenario, arm: string, serviceMs: number): number {
  const others = Object.entries(scenario.clients).filter(([name]) => name !== arm);
  const oneTurnEachMs = others.reduce((sum, [, client]) => sum + turnMs(scenario, client, serviceMs), 0);
  return Math.ceil(TURN_MS + 2 * oneTurnEachMs);
}
