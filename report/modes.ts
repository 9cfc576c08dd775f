// In: a client. Out: how it treats connections, in words.
import type { Client } from '../bench/core/client.ts';

/** The article's name for it: `short`, `persistent`, or `5 requests per connection`; `persistent, HTTP/2`. */
export function modeText(client: Client | undefined): string {
  if (client === undefined) return 'unknown';
  const { requestsPerConnection: requests, protocol } = client;
  if (requests === 'unlimited') return protocol === 'h2' ? 'persistent, HTTP/2' : 'persistent';
  return requests === 1 ? 'short' : `${requests} requests per connection`;
}

/** As the subject of a sentence: `short connections`, `persistent HTTP/2 connections`, `connections of 5 requests`. */
export function modeSubject(client: Client): string {
  const { requestsPerConnection: requests, protocol } = client;
  if (protocol === 'h2') return 'persistent HTTP/2 connections';
  return typeof requests === 'number' && requests > 1
    ? `connections of ${requests} requests`
    : `${modeText(client)} connections`;
}

/** The settings that were given, as a phrase: what is not named is the library's default. */
export function clientText(client: Client): string {
  const { transport, api, protocol, requestsPerConnection, pool, timeouts, body } = client;
  const settings = [
    protocol === 'h2' ? 'HTTP/2' : '',
    requestsPerConnection === 'unlimited'
      ? 'keep-alive'
      : requestsPerConnection === 1
        ? 'a new connection for each request'
        : `${requestsPerConnection} requests per connection`,
    pool.maxConnections === undefined
      ? ''
      : pool.maxConnections === 'unlimited'
        ? 'no limit on connections'
        : `at most ${pool.maxConnections} connection${pool.maxConnections === 1 ? '' : 's'}`,
    pool.maxConcurrentStreams === undefined ? '' : `at most ${pool.maxConcurrentStreams} streams on each`,
    pool.idleTimeoutMs === undefined ? '' : `idle connections kept ${pool.idleTimeoutMs} ms`,
    pool.maxLifetimeMs === undefined ? '' : `no connection used for longer than ${pool.maxLifetimeMs} ms`,
    pool.tcpKeepAliveMs === undefined ? '' : `TCP keep-alive after ${pool.tcpKeepAliveMs} ms`,
    pool.pipelining === undefined
      ? ''
      : pool.pipelining === 1
        ? 'no pipelining'
        : `${pool.pipelining} requests pipelined`,
    pool.tlsSessions === undefined ? '' : TLS_SESSIONS[pool.tlsSessions],
    ...Object.entries(timeouts).map(([phase, ms]) =>
      ms === undefined ? '' : `${phase.replace(/Ms$/, '')} timeout ${ms} ms`,
    ),
    body === 'read' ? 'body read' : 'body discarded',
  ];
  const library = api === undefined ? transport : `${transport} ${api}`;
  return `${library}: ${settings.filter(setting => setting !== '').join(', ')}`;
}

const TLS_SESSIONS = {
  none: 'no TLS resumption',
  library: 'TLS sessions as the library caches them',
  pinned: 'TLS sessions always resumed',
} as const;
