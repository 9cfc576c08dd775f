// In: a link and how a connection is opened. Out: how many round trips that takes by the protocols, and how long one is.
import type { Link, Target } from '../../scenarios/model/target.ts';

/** Of a request on an open connection: there, and back with the answer. */
export const REQUEST_ROUND_TRIPS = 1;

/** SYN and its answer: with the last packet of the handshake the first bytes can leave. */
const TCP_ROUND_TRIPS = 1;

/**
 * Before the client may send its request: TLS 1.3 (RFC 8446, 2) one, resumed or not, as long as no early data is sent;
 * TLS 1.2 (RFC 5246, 7.3) two, and one where a session is resumed.
 */
const TLS_ROUND_TRIPS: Record<Target['tls'], { full: number; resumed: number }> = {
  none: { full: 0, resumed: 0 },
  '1.2': { full: 2, resumed: 1 },
  '1.3': { full: 1, resumed: 1 },
};

/** Until a new connection can carry its first request. */
export function openingRoundTrips(tls: Target['tls'], handshake: 'full' | 'resumed'): number {
  return TCP_ROUND_TRIPS + TLS_ROUND_TRIPS[tls][handshake];
}

/** The most that a first request can take: on a connection that is opened for it. */
export const MOST_ROUND_TRIPS = REQUEST_ROUND_TRIPS + openingRoundTrips('1.2', 'full');

/** Each direction adds up to jitterMs, uniformly drawn: half of it on average. */
export function meanRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + jitterMs;
}

export function longestRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + 2 * jitterMs;
}
