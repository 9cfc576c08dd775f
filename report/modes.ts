// In: a client. Out: how it treats connections, in words.
import { type Client, isModulePath } from '../scenarios/model/client.ts';

/** The article's name for it: `short`, `persistent`, or `5 requests per connection`; `persistent, HTTP/2`. */
export function modeText(client: Client | undefined): string {
  if (client === undefined) return 'unknown';
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited') {
    // What a module of the user's does with its connections is its own affair.
    if (isModulePath(transport)) return transport;
    return protocol === 'h2' ? 'persistent, HTTP/2' : 'persistent';
  }
  return requests === 1 ? 'short' : `${requests} requests per connection`;
}

/** As the subject of a sentence: `short connections`, `persistent HTTP/2 connections`, `connections of 5 requests`. */
export function modeSubject(client: Client): string {
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited' && isModulePath(transport)) return `connections of ${transport}`;
  if (protocol === 'h2') return 'persistent HTTP/2 connections';
  return typeof requests === 'number' && requests > 1
    ? `connections of ${requests} requests`
    : `${modeText(client)} connections`;
}

/** The settings that were given, as a phrase: what is not named is the library's default. */
export function clientText(client: Client): string {
  const { transport, api, protocol, requestsPerConnection, pool, timeouts, body, options } = client;
  const settings = [
    protocol === 'h2' ? 'HTTP/2' : '',
    requestsPerConnection === 'unlimited'
      ? isModulePath(transport)
        ? 'connections kept as the module does'
        : 'keep-alive'
      : requestsPerConnection === 1
        ? 'a new connection for each request'
        : `${requestsPerConnection} requests per connection`,
    ...poolTexts(pool),
    ...Object.entries(timeouts).map(([phase, ms]) =>
      ms === undefined ? '' : `${phase.replace(/Ms$/, '')} timeout ${ms} ms`,
    ),
    body === 'read' ? 'body read' : 'body discarded',
    options === undefined ? '' : `options ${JSON.stringify(options)}`,
  ];
  const library = api === undefined ? transport : `${transport} ${api}`;
  return `${library}: ${settings.filter(setting => setting !== '').join(', ')}`;
}

type Pool = Client['pool'];

const TLS_SESSIONS = {
  none: 'no TLS resumption',
  library: 'TLS sessions as the library caches them',
  pinned: 'TLS sessions always resumed',
} as const;

/** Every setting of a pool, so that none is left untold. */
const POOL_TEXTS: { [Name in keyof Required<Pool>]: (value: NonNullable<Pool[Name]>) => string } = {
  maxConnections: most =>
    most === 'unlimited' ? 'no limit on connections' : `at most ${most} connection${most === 1 ? '' : 's'}`,
  maxTotalConnections: most =>
    most === 'unlimited'
      ? 'no limit on connections to all hosts'
      : `at most ${most} connection${most === 1 ? '' : 's'} to all hosts`,
  maxIdleConnections: most => `at most ${most} idle connection${most === 1 ? '' : 's'}`,
  idleTimeoutMs: ms => `idle connections kept ${ms} ms`,
  idleTimeoutBufferMs: ms => `given up ${ms} ms before the server's keep-alive hint`,
  maxLifetimeMs: ms => `no connection used for longer than ${ms} ms`,
  pipelining: depth => (depth === 1 ? 'no pipelining' : `${depth} requests pipelined`),
  maxConcurrentStreams: most => `at most ${most} streams on each`,
  scheduling: order =>
    order === 'lifo' ? 'the connection used last first' : 'the connection idle longest first',
  tcpKeepAliveMs: ms => `TCP keep-alive after ${ms} ms`,
  tlsSessions: mode => TLS_SESSIONS[mode],
};

function poolTexts(pool: Pool): string[] {
  return Object.entries(POOL_TEXTS).map(([name, tell]) => {
    const value = pool[name as keyof Pool];
    return value === undefined ? '' : (tell as (value: unknown) => string)(value);
  });
}
