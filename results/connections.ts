// How many connections a number of requests needs, given the settings of client and target.
import type { Client } from '../scenarios/model/client.ts';
import { connectionLimit } from '../scenarios/model/connection-limit.ts';
import { type Load, mostInFlight } from '../scenarios/model/load.ts';
import { type OwnTarget, STATEMENTS, type Target } from '../scenarios/model/target.ts';
import { UsageError } from './errors.ts';
import type { Ledger } from './model/trial.ts';

/** A connection that may idle for less than this can expire between two slices of its client. */
const LONGEST_PAUSE_MS = 10_000;

/** In an unlimited pool: one in use, and one that is closing. */
const OPEN_PER_USER = 2;

/** How a load tool holds its connections. */
interface Holding {
  /** At once at most; null: no bound. */
  size: number | null;
  /** How often they are all reopened. */
  openings: number;
  /** Opened for no request. */
  unused: number;
}

/**
 * The fewest and the most connections that `requests` can take if every setting works as stated.
 *
 * A connection carries at most `perConnection` requests: the least of the client's requestsPerConnection, the target's
 * maxRequestsPerSocket (0: no limit), and 1 where the target answers with Connection: close.
 * - 1: exactly `requests`.
 * - m: at least ceil(requests / m). At most floor(requests / m) full ones and those still in use at the end, which are as
 *   many as the pool holds; without a limit two for each user, whose next request may find the last connection closing.
 * - no limit: at least one, at most as many as the pool holds; null (no bound) when the pool is unlimited.
 *
 * Over HTTP/2 a pool also holds no more than it takes to have every request in flight on a stream, where the client
 * states its streams.
 *
 * A load tool that reopens its connections in each slice has those still in use at the end, or those of its pool, as
 * often as it does so; what it opens for no request comes on top.
 *
 * If connections can end within the trial by their age, or within a pause of the client (a keep-alive or idle timeout
 * below 10 s, or no timeout stated by either side, so that the library's own default counts; over HTTP/2 a server has no
 * way to state it), or are closed because more of them are idle than may be kept, every request may need a new one: at most
 * `requests`. So it is, too, where something that is not known of the target (null) could close connections earlier.
 */
export function neededConnections(arm: {
  client: Client;
  target: Target;
  load: Load;
  requests: number;
  /** Of a load tool; for other clients, it follows from their settings. */
  pool?: Holding | null;
}): Ledger['needed'] {
  const { client, target, load, requests } = arm;
  const { size, openings, unused } = arm.pool ?? {
    size: statedConnections(client, target, load),
    openings: 1,
    unused: 0,
  };
  const perConnection = requestsPerConnection(client, target);
  if (perConnection === 1) return { least: requests + unused, most: requests + unused };
  const isLimited = Number.isFinite(perConnection);
  const inUse = size ?? (isLimited ? OPEN_PER_USER * mostInFlight(load) : null);
  const full = isLimited ? Math.floor(requests / perConnection) : 0;
  const least = isLimited ? Math.ceil(requests / perConnection) : Math.min(requests, openings);
  const most = inUse === null ? null : full + inUse * openings;
  return {
    least: least + unused,
    most: most === null ? null : unused + (isKept(arm) ? Math.min(requests, most) : requests),
  };
}

/** Requests that one connection can have in flight: streams over HTTP/2, else pipelined ones. */
export function slotsPerConnection(
  { protocol, pool }: Client,
  target: Pick<Target, 'maxConcurrentStreams'>,
): number {
  return protocol === 'h2'
    ? Math.min(pool.maxConcurrentStreams ?? Number.POSITIVE_INFINITY, target.maxConcurrentStreams)
    : (pool.pipelining ?? 1);
}

/** Open at once, closing ones included, if nothing but the settings and the load bounds them. */
export function mostOpenConnections({ pool }: Client, load: Load): number {
  const limit = connectionLimit(pool);
  return Number.isFinite(limit) ? limit : OPEN_PER_USER * mostInFlight(load);
}

/** Connections open at once by the stated settings; null: no bound. */
function statedConnections(client: Client, target: Target, load: Load): number | null {
  const { protocol, pool } = client;
  const areStreamsStated = protocol === 'h2' && pool.maxConcurrentStreams !== undefined;
  const byStreams = areStreamsStated
    ? Math.ceil(mostInFlight(load) / slotsPerConnection(client, target))
    : Number.POSITIVE_INFINITY;
  const most = Math.min(connectionLimit(pool), byStreams);
  return Number.isFinite(most) ? most : null;
}

function requestsPerConnection(client: Client, target: Target): number {
  const byClient =
    client.requestsPerConnection === 'unlimited' ? Number.POSITIVE_INFINITY : client.requestsPerConnection;
  const byTarget = target.maxRequestsPerSocket || Number.POSITIVE_INFINITY;
  return target.connectionClose ? 1 : Math.min(byClient, byTarget);
}

/** Whether the target may close connections for a reason that the scenario does not declare. */
function canCloseEarly(target: Target): boolean {
  return STATEMENTS.some(name => name !== 'keepAliveHint' && target[name] === null);
}

/** Whether an idle connection is still open when it is needed again. */
function isKept({ client, target, load }: { client: Client; target: Target; load: Load }): boolean {
  const { idleTimeoutMs: idleMs, maxIdleConnections = Infinity, maxLifetimeMs } = client.pool;
  const limit = connectionLimit(client.pool);
  const mostIdle = Number.isFinite(limit) ? limit : mostInFlight(load);
  const serverMs = target.keepAliveTimeoutMs ?? 0;
  const isServerQuick = serverMs > 0 && serverMs < LONGEST_PAUSE_MS;
  const isHinted = target.keepAliveHint === true && client.protocol === 'http1';
  const isClientQuick = idleMs === undefined ? !isHinted : idleMs < LONGEST_PAUSE_MS;
  const isAgeing = maxLifetimeMs !== undefined;
  return (
    !(canCloseEarly(target) || isServerQuick || isClientQuick || isAgeing) && maxIdleConnections >= mostIdle
  );
}

/** @throws UsageError if a setting is null (unknown), which only external servers may have. */
export function asOwnTarget(target: Target): OwnTarget {
  const unknown = STATEMENTS.filter(name => target[name] === null);
  if (unknown.length === 0) return target as OwnTarget;
  throw new UsageError(`null (unknown) is only valid for a target with a url: ${unknown.join(', ')}`);
}
