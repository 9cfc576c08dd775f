// In: the mean latency of arms that differ in requests per connection. Out: what a handshake costs, and when it is paid off.
import { own } from '../scenarios/model/own.ts';
import type { CellResult } from './model/run.ts';

/** One arm: how many requests share a connection, its mean latency, and how sure that is (1 / variance, up to a factor). */
export interface AmortisationPoint {
  arm: string;
  requestsPerConnection: number | 'unlimited';
  meanUs: number;
  weight: number;
}

export interface AmortisationFit {
  /** Latency without any handshake: the limit for many requests per connection. */
  serviceUs: number;
  /** What opening a connection adds to the requests on it, together; negative only if the data say so. */
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
 * least squares. Null with fewer than three different k: two points fit any line, and arms of the same k differ by something
 * else.
 */
export function fitAmortisation(points: readonly AmortisationPoint[]): AmortisationFit | null {
  const usable = points.filter(point => point.weight > 0 && point.meanUs > 0);
  if (new Set(usable.map(point => point.requestsPerConnection)).size < LEAST_KINDS) return null;
  const total = sum(usable, point => point.weight);
  const meanX = sum(usable, point => point.weight * inverse(point)) / total;
  const meanY = sum(usable, point => point.weight * point.meanUs) / total;
  const spreadX = sum(usable, point => point.weight * (inverse(point) - meanX) ** 2);
  const handshakeUs =
    sum(usable, point => point.weight * (inverse(point) - meanX) * (point.meanUs - meanY)) / spreadX;
  const serviceUs = meanY - handshakeUs * meanX;
  const predict = (point: AmortisationPoint) => serviceUs + handshakeUs * inverse(point);
  const residual = sum(usable, point => point.weight * (point.meanUs - predict(point)) ** 2);
  const spreadY = sum(usable, point => point.weight * (point.meanUs - meanY) ** 2);
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
 * The fit over a cell's arms. Their weights are trials / meanUs^2: replicates differ by a share of their mean, not by a
 * number of microseconds. Null where the arms are of several libraries: each has a service time of its own.
 */
export function cellAmortisation(cell: Pick<CellResult, 'arms' | 'scenario'>): AmortisationFit | null {
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

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}
