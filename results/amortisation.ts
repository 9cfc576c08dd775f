// Fits what a handshake costs to the mean latencies of clients that differ in requests per connection.

import { own } from '../scenarios/model/facts.ts';
import type { CellResult } from './model/run.ts';
import { sumOf } from './stats.ts';

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
const LEAST_KINDS = 3;

/**
 * Fits latency(k) = service + handshake / k, k being the requests per connection ('unlimited': 1 / k is 0), by weighted
 * least squares. Null with fewer than three different k: two points fit any line, and clients with the same k differ in
 * something else.
 */
export function fitAmortisation(points: readonly AmortisationPoint[]): AmortisationFit | null {
  const usable = points.filter(point => point.weight > 0 && point.meanUs > 0);
  if (new Set(usable.map(point => point.requestsPerConnection)).size < LEAST_KINDS) return null;
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
