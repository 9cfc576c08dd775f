// How many connections a number of requests needs, given the settings of client and target, and how many requests used one that was
// already open.
import type { Client } from '../scenarios/model/client.ts';
import { closesAfterResponse, connectionLimit, originCount, own } from '../scenarios/model/facts.ts';
import { type Load, mostInFlight } from '../scenarios/model/load.ts';
import type { Scenario } from '../scenarios/model/scenario.ts';
import { type OwnTarget, STATEMENTS, type Target } from '../scenarios/model/target.ts';
import { UsageError } from './errors.ts';
import type { ArmSummary } from './model/run.ts';
import type { Ledger, Measurement, Outcome } from './model/trial.ts';
import { sumOf } from './stats.ts';

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

interface Settings {
  client: Client;
  target: Target;
  load: Load;
}

/**
 * The fewest and the most connections that `requests` can take if every setting works as stated.
 *
 * A connection carries at most `perConnection` requests: the least of the client's requestsPerConnection, the target's
 * maxRequestsPerSocket (0: no limit), and 1 where the target ends each connection after its response.
 * - 1: exactly `requests`.
 * - m: at least ceil(requests / m). At most floor(requests / m) full ones and those still in use at the end, which are as
 *   many as the pool holds; without a limit two for each user, whose next request may find the last connection closing.
 * - (Of several origins each has its own pool, so that limits per host count once for each.)
 * - no limit: at least one, at most as many as the pool holds; null (no bound) when the pool is unlimited.
 *
 * Over HTTP/2 a pool also holds no more than it takes to have every request in flight on a stream, where the client
 * states its streams.
 *
 * A load tool that reopens its connections in each slice has those still in use at the end, or those of its pool, as
 * often as it does so; what it opens for no request comes on top.
 *
 * If the client may close a connection rather than read a body to its end, if connections can end within the trial by their age, or within a pause of the client (a keep-alive or idle timeout
 * below 10 s, or no timeout stated by either side, so that the library's own default counts; over HTTP/2 a server has no
 * way to state it), or are closed because more of them are idle than may be kept, every request may need a new one: at most
 * `requests`. So it is, too, where something that is not known of the target (null) could close connections earlier.
 */
export function neededConnections(
  arm: Settings & {
    requests: number;
    /** The pool of a load tool; for other clients, it follows from their settings. */
    pool?: Holding | null;
  },
): Ledger['needed'] {
  const { client, target, load, requests } = arm;
  const { size, openings, unused } = arm.pool ?? {
    size: statedConnections(client, target, load),
    openings: 1,
    unused: 0,
  };
  const perConnection = requestsPerConnection(client, target);
  if (perConnection === 1) return { least: requests + unused, most: requests + unused };
  const isLimited = Number.isFinite(perConnection);
  const inUse = size ?? (isLimited ? OPEN_PER_USER * mostInFlight(load) * originCount(target) : null);
  const full = isLimited ? Math.floor(requests / perConnection) : 0;
  const least = isLimited ? Math.ceil(requests / perConnection) : Math.min(requests, openings);
  const most = inUse === null ? null : full + inUse * openings;
  return {
    least: least + unused,
    most: most === null ? null : unused + (whyNotKept(arm) === null ? Math.min(requests, most) : requests),
  };
}

/**
 * Connections opened per request in the slices, ramps and drains included. A slice waits for the connections of its requests,
 * so a client that opens one for each has exactly 1, and what fills a pool in the warm-up does not count. In a window, a
 * connection may open whose request began before it.
 */
export function openedPerRequest(all: readonly Measurement[]): number {
  const slices = all.flatMap(measurement => measurement.slices);
  const opened = slices.flatMap(slice => slice.opened ?? []);
  return opened.length < slices.length
    ? timedConnections(all) / sumOf(all, ({ completed, failed }) => completed + failed)
    : sumOf(opened, count => count) / sumOf(slices, ({ exchanges }) => exchanges);
}

/** Connections opened in the windows by clients that report how long that took. */
export function timedConnections(all: readonly Measurement[]): number {
  return sumOf(all, ({ connect, tls }) => Math.max(connect.count, tls.count));
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
export function mostOpenConnections(
  { pool }: Client,
  load: Load,
  target: Pick<Target, 'url' | 'urls' | 'origins'> = {},
): number {
  const origins = originCount(target);
  const limit = connectionLimit(pool, origins);
  return Number.isFinite(limit) ? limit : OPEN_PER_USER * mostInFlight(load) * origins;
}

/** Connections open at once by the stated settings; null: no bound. */
function statedConnections(client: Client, target: Target, load: Load): number | null {
  const { protocol, pool } = client;
  const areStreamsStated = protocol === 'h2' && pool.maxConcurrentStreams !== undefined;
  const origins = originCount(target);
  const byStreams = areStreamsStated
    ? Math.ceil(mostInFlight(load) / slotsPerConnection(client, target)) * origins
    : Number.POSITIVE_INFINITY;
  const most = Math.min(connectionLimit(pool, origins), byStreams);
  return Number.isFinite(most) ? most : null;
}

function requestsPerConnection(client: Client, target: Target): number {
  const byClient =
    client.requestsPerConnection === 'unlimited' ? Number.POSITIVE_INFINITY : client.requestsPerConnection;
  const byTarget = target.maxRequestsPerSocket || Number.POSITIVE_INFINITY;
  return closesAfterResponse(target) ? 1 : Math.min(byClient, byTarget);
}

/**
 * Why nothing bounds the connections that a trial may need, so that none of them can be called unnecessary; null if their number
 * is bounded. If a connection may end at any time, every request may need a new one: `most` is then the number of requests, and
 * says nothing about how connections were used.
 */
export function whyUnbounded(settings: Settings, { most }: Ledger['needed']): string | null {
  if (requestsPerConnection(settings.client, settings.target) === 1) return null;
  return most === null ? 'no setting limits its connections (pool.maxConnections)' : whyNotKept(settings);
}

/** Why not even the opened connections of a client are known. */
export const WHY_UNCOUNTED = 'the connections of the client cannot be observed';

/** Why the unnecessary connections of a client are not known; null if they are. */
export function whyUnneededUnknown(
  { arm, openedBy, needed }: Pick<ArmSummary, 'arm' | 'openedBy' | 'needed'>,
  { clients, target, load }: Pick<Scenario, 'clients' | 'target' | 'load'>,
): string | null {
  if (openedBy === 'unknown') return WHY_UNCOUNTED;
  const client = own(clients, arm);
  return client === undefined ? null : whyUnbounded({ client, target, load }, needed);
}

/** Why a connection may have ended before it is needed again; null if it is kept. */
function whyNotKept({ client, target, load }: Settings): string | null {
  const { idleTimeoutMs: idleMs, maxIdleConnections = Infinity, maxLifetimeMs } = client.pool;
  if (client.body !== 'read')
    return `the client may close a connection instead of reading the rest of a body (body: '${client.body}')`;
  // What the target may close connections for without a statement of the scenario.
  const unstated = STATEMENTS.filter(name => name !== 'keepAliveHint' && target[name] === null);
  if (unstated.length > 0) {
    const names = unstated.map(name => `target.${name}`).join(', ');
    return `the scenario does not state when the server closes connections (${names})`;
  }
  const serverMs = target.keepAliveTimeoutMs ?? 0;
  const atLeast = `at least ${LONGEST_PAUSE_MS} ms would outlast every pause of the client`;
  if (serverMs > 0 && serverMs < LONGEST_PAUSE_MS)
    return `the server closes connections that are idle for ${serverMs} ms (target.keepAliveTimeoutMs; ${atLeast})`;
  const isHinted = target.keepAliveHint === true && client.protocol === 'http1';
  if (idleMs === undefined && !isHinted)
    return `neither client nor server states how long an idle connection is kept (pool.idleTimeoutMs; ${atLeast})`;
  if (idleMs !== undefined && idleMs < LONGEST_PAUSE_MS)
    return `the client closes connections that are idle for ${idleMs} ms (pool.idleTimeoutMs; ${atLeast})`;
  if (originCount(target) > 1 && typeof client.pool.maxTotalConnections === 'number')
    return 'a connection to one origin may be closed to open one to another (pool.maxTotalConnections)';
  if (maxLifetimeMs !== undefined) return 'connections end by their age (pool.maxLifetimeMs)';
  const limit = connectionLimit(client.pool);
  const mostIdle = Number.isFinite(limit) ? limit : mostInFlight(load);
  return maxIdleConnections < mostIdle
    ? `the client keeps fewer idle connections (pool.maxIdleConnections: ${maxIdleConnections}) than it may use at once (${mostIdle})`
    : null;
}

/** @throws UsageError if a setting is null (unknown), which only external servers may have. */
export function asOwnTarget(target: Target): OwnTarget {
  const unknown = STATEMENTS.filter(name => target[name] === null);
  if (unknown.length === 0) return target as OwnTarget;
  throw new UsageError(`null (unknown) is only valid for a target with a url: ${unknown.join(', ')}`);
}

/** Failures before there was a connection, or instead of one. */
const WITHOUT_CONNECTION = [
  'timeoutConnect',
  'refused',
  'portExhausted',
  'descriptorLimit',
  'breakerOpen',
  'bulkheadFull',
] as const satisfies readonly Outcome[];

/** Failures that only a request on a connection can have. */
const WITH_CONNECTION = [
  'badStatus',
  'timeoutHeaders',
  'timeoutBody',
  'staleSocket',
] as const satisfies readonly Outcome[];

export interface Reuse {
  opened: number;
  /**
   * Requests that had a connection; where a client may send one several times or not at all, attempts. Those that were cut short
   * or failed in another way, such as by a reset, may have had one: they are in `most` only.
   */
  connected: { least: number; most: number };
  /** Share of these that needed no new connection. */
  ratio: { least: number; most: number };
}

/** null if no request had a connection, or the connections of the client cannot be observed. */
export function reuseOf(ledgers: readonly Ledger[]): Reuse | null {
  const opened = sumOf(ledgers, ledger => ledger.opened);
  const each = ledgers.map(connectedOf);
  const connected = { least: sumOf(each, ({ least }) => least), most: sumOf(each, ({ most }) => most) };
  if (connected.most === 0 || ledgers.some(({ openedBy }) => openedBy === 'unknown')) return null;
  const share = (requests: number): number => (requests === 0 ? 0 : Math.max(0, 1 - opened / requests));
  return { opened, connected, ratio: { least: share(connected.least), most: share(connected.most) } };
}

function connectedOf(ledger: Ledger): Reuse['connected'] {
  const { sent, answered, failures } = ledger.attempts ?? {
    sent: ledger.requestsSent,
    answered: ledger.answered,
    // Runs of older versions do not record how requests failed.
    failures: ledger.failures ?? {},
  };
  const count = (kinds: readonly Outcome[]): number => sumOf(kinds, kind => failures[kind] ?? 0);
  return { least: answered + count(WITH_CONNECTION), most: sent - count(WITHOUT_CONNECTION) };
}
