// Model of latency and rate behind an emulated link, from round trips and service time alone.
import type { Client } from '../scenarios/model/client.ts';
import { connectionLimit } from '../scenarios/model/facts.ts';
import { type Load, mostInFlight } from '../scenarios/model/load.ts';
import type { Scenario } from '../scenarios/model/scenario.ts';
import {
  type Link,
  meanRoundTripMs,
  openingRoundTrips,
  REQUEST_ROUND_TRIPS,
} from '../scenarios/model/target.ts';
import { slotsPerConnection } from './connections.ts';
import type { CellResult } from './model/run.ts';
import type { CompletedTrial, Measurement } from './model/trial.ts';
import { sumOf } from './stats.ts';

/** Latency and rate of a client if only the network and the service took time. */
export interface Prediction {
  /** Per request on average; those for opening a connection are shared by the requests on it. */
  roundTrips: number;
  roundTripsUs: number;
  /** Mean response time. */
  meanUs: number;
  /** null for a capacity search, whose rate cannot be predicted. */
  requestsPerSec: number | null;
}

/** A prediction, or why there is none. */
export type Modelled = Prediction | { why: string };

export function isPrediction(modelled: Modelled): modelled is Prediction {
  return !('why' in modelled);
}

type LinkedCell = Pick<CellResult, 'scenario' | 'serviceMs'>;

/**
 * A request takes one round trip and the service; of opening a connection it carries one round trip for TCP and those of
 * the TLS handshake, times the connections that were opened for each request, full and resumed handshakes as they were
 * counted. A limited rate adds the time to send what was sent. Users who outnumber the connections wait for each other.
 *
 *     mean latency = (1 + opened / requests x (1 + TLS)) x round trip + service + bytes / rate
 *     requests/s   = users / mean latency        (closed loop)
 *
 * So it is the least that is possible on this link: what was measured beyond it is CPU and queueing.
 */
export function modelArm(
  { scenario, serviceMs }: LinkedCell,
  client: Client,
  trials: readonly CompletedTrial[],
): Modelled {
  const { link, load } = scenario;
  if (link === undefined) return { why: 'there is no link' };
  if ((client.pool.pipelining ?? 1) > 1) {
    return {
      why: 'the model does not cover pipelining, where responses wait for earlier ones on their connection',
    };
  }
  const carried = carriedBy(trials);
  if (carried.exchanges === 0) return { why: 'no request was answered' };
  const roundTrips = REQUEST_ROUND_TRIPS + openingShare(scenario, carried);
  const roundTripsUs = roundTrips * meanRoundTripMs(link) * 1_000;
  const aloneUs = roundTripsUs + (serviceMs ?? 0) * 1_000 + transferUs(link, carried);
  return { roundTrips, roundTripsUs, ...flowOf(load, slotsOf(scenario, client), aloneUs) };
}

/** Traffic of the link in the slices of all trials. */
interface Carried {
  exchanges: number;
  connections: number;
  bytes: number;
  /** Share of the TLS handshakes that resumed a session, warm-up included. */
  resumedRatio: number;
}

function carriedBy(trials: readonly CompletedTrial[]): Carried {
  const total = (read: (measurement: Measurement) => number): number =>
    sumOf(trials, ({ measurement }) => read(measurement));
  const full = total(({ ledger }) => ledger.clientHandshakesFull);
  const resumed = total(({ ledger }) => ledger.clientHandshakesResumed);
  return {
    exchanges: total(({ slices }) => sumOf(slices, ({ exchanges }) => exchanges)),
    connections: total(({ link }) => link?.connections ?? 0),
    bytes: total(({ link }) => link?.bytes ?? 0),
    resumedRatio: full + resumed === 0 ? 0 : resumed / (full + resumed),
  };
}

/** Round trips per request for opening connections. */
function openingShare({ target: { tls } }: Scenario, carried: Carried): number {
  const { exchanges, connections, resumedRatio } = carried;
  const each =
    (1 - resumedRatio) * openingRoundTrips(tls, 'full') + resumedRatio * openingRoundTrips(tls, 'resumed');
  return (connections / exchanges) * each;
}

function transferUs({ bytesPerSec }: Link, { bytes, exchanges }: Carried): number {
  return bytesPerSec === 'unlimited' ? 0 : (bytes / exchanges / bytesPerSec) * 1e6;
}

/** How many requests can be in flight at once; over HTTP/2, streams on each connection count. */
function slotsOf({ target, load }: Scenario, client: Client): number {
  return Math.min(mostInFlight(load), connectionLimit(client.pool) * slotsPerConnection(client, target));
}

/** Little's law, limited by the number of connections. */
function flowOf(load: Load, slots: number, aloneUs: number): Pick<Prediction, 'meanUs' | 'requestsPerSec'> {
  switch (load.model) {
    case 'closed': {
      const thinkUs = load.thinkMs * 1_000;
      const perUs = Math.min(slots / aloneUs, load.concurrency / (aloneUs + thinkUs));
      return {
        meanUs: Math.max(aloneUs, load.concurrency / perUs - thinkUs),
        requestsPerSec: perUs * 1e6,
      };
    }
    case 'open':
      return { meanUs: aloneUs, requestsPerSec: load.ratePerSec };
    case 'burst':
      return { meanUs: aloneUs, requestsPerSec: (load.size / load.everyMs) * 1_000 };
    case 'capacity':
      return { meanUs: aloneUs, requestsPerSec: null };
    default:
      return load satisfies never;
  }
}

/** How far one client's mean latency exceeds another's, and how much of that is due to round trips. */
export interface Gap {
  us: number;
  roundTripsUs: number;
  /** CPU and queueing; negative if the model predicts more than was measured. */
  restUs: number;
}

export function splitGap(
  slow: { meanUs: number; model: Prediction },
  fast: { meanUs: number; model: Prediction },
): Gap {
  const us = slow.meanUs - fast.meanUs;
  const roundTripsUs = slow.model.roundTripsUs - fast.model.roundTripsUs;
  return { us, roundTripsUs, restUs: us - roundTripsUs };
}
