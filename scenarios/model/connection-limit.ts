// How many connections a client may have at once.
import type { Client } from './client.ts';

/** Most connections that a pool may open to this number of origins; Infinity without a limit. */
export function connectionLimit(
  { maxConnections, maxTotalConnections }: Client['pool'],
  origins = 1,
): number {
  const perOrigin = typeof maxConnections === 'number' ? maxConnections : Number.POSITIVE_INFINITY;
  const inAll = typeof maxTotalConnections === 'number' ? maxTotalConnections : Number.POSITIVE_INFINITY;
  return Math.min(perOrigin * origins, inAll);
}
