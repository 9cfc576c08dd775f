// What follows from the settings of a client: how many connections it may have at once, and whether it reads bodies. Without the
// schemas, for processes that only send load.
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

/** Whether an exchange ends with the response header, because nobody reads the body. */
export function leavesBody({ body }: Pick<Client, 'body'>): boolean {
  return body === 'cancel' || body === 'ignore';
}
