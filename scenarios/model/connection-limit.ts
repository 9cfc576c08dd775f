// How many connections a client may have at once.
import type { Client } from './client.ts';

/** Most connections that a pool may open to a single target; Infinity without a limit. */
export function connectionLimit({ maxConnections, maxTotalConnections }: Client['pool']): number {
  return Math.min(
    ...[maxConnections, maxTotalConnections].map(limit =>
      typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY,
    ),
  );
}
