// Libraries of Node: undici, node:http, axios, got.
import type { Client } from '../../../scenarios/model/client.ts';
import {
  asNumber,
  type Concept,
  code,
  fixed,
  has,
  hasOrder,
  none,
  refuseUsual,
  type Setting,
  type WritableLibrary,
  when,
} from '../library.ts';

const AGENT = 'lib/_http_agent.js';

export const undici: WritableLibrary = {
  title: 'undici',
  version: '8.12.4',
  source: 'npm package undici',
  comment: '//',
  write: writeUndici,
  refuse: refuseOfUndici,
  settings: {
    'pool.maxConnections': has(
      '`connections` of `Agent` or `Pool`',
      'unlimited',
      'lib/dispatcher/pool.js',
      '0 means unlimited too. Without a limit it opens up to twice as many as there are requests in flight.',
    ),
    'pool.maxTotalConnections': none('`maxOrigins` of `Agent` limits the hosts, not their connections'),
    'pool.maxIdleConnections': none('idle connections end only by their idle timeout'),
    'pool.idleTimeoutMs': has(
      '`keepAliveTimeout`, and `keepAliveMaxTimeout` for what a server announces',
      '4 s, and 600 s',
      'lib/dispatcher/client.js',
      "A server's announcement replaces the 4 s, up to the 600 s: set both.",
    ),
    'pool.idleTimeoutBufferMs': has(
      '`keepAliveTimeoutThreshold`',
      '2 s',
      'lib/dispatcher/client.js',
      'If a server announces 2 s or less, every request silently gets a new connection.',
    ),
    'pool.maxLifetimeMs': has(
      '`clientTtl`',
      'none',
      'lib/dispatcher/pool.js',
      'Documented as an idle time, but counts from the connect.',
    ),
    requestsPerConnection: has(
      '`maxRequestsPerClient`; `pipelining: 0` for one',
      'unlimited',
      'lib/dispatcher/client.js',
      'HTTP/2 ignores both.',
    ),
    protocol: has('`allowH2`', 'on', 'lib/core/connect.js', 'Off in undici 7 and before.'),
    'pool.maxConcurrentStreams': has('`h2Options.maxConcurrentStreams`', '100', 'lib/dispatcher/client.js'),
    'pool.pipelining': has(
      '`pipelining`',
      '1',
      'lib/dispatcher/client.js',
      'Only GET and HEAD, and only with `blocking: false` on each request.',
    ),
    'pool.scheduling': has(
      '`RoundRobinPool` in place of `Pool`',
      'the first connection that is free',
      'lib/dispatcher/pool.js',
      'Neither lifo nor fifo.',
    ),
    'pool.tcpKeepAliveMs': has(
      '`connect.keepAliveInitialDelay`',
      '60 s',
      'lib/core/connect.js',
      'Whole seconds.',
    ),
    'pool.tlsSessions': has(
      '`maxCachedSessions`',
      '100',
      'lib/core/connect.js',
      'Sessions are held weakly, so garbage collection decides whether one is resumed.',
    ),
    'timeouts.connectMs': has('`connect.timeout`', '10 s', 'lib/core/connect.js', 'Below 1 s it fires late.'),
    'timeouts.headersMs': has(
      '`headersTimeout`',
      '300 s',
      'lib/dispatcher/client.js',
      'Does not include the wait for a connection.',
    ),
    'timeouts.bodyMs': has('`bodyTimeout`', '300 s', 'lib/dispatcher/client.js'),
    'timeouts.totalMs': has(
      '`signal: AbortSignal.timeout()` of each request',
      'none',
      'lib/api/api-request.js',
      '`request()` does not obey it while the request waits for a connection; `fetch()` does.',
    ),
  },
};

/** What undici has in another form, or not at all. */
function refuseOfUndici(concept: Concept, value: unknown): string | undefined {
  if (concept === 'pool.tlsSessions' && value === 'pinned')
    return 'its cache holds sessions weakly: keep the newest one by a connect function of your own';
  if (concept === 'pool.scheduling' && value !== 'round-robin')
    return 'it knows the first connection that is free, and round-robin';
  return undefined;
}

function writeUndici(client: Client): string[] {
  const { pool, timeouts, requestsPerConnection, protocol } = client;
  const pipelining = requestsPerConnection === 1 ? 0 : pool.pipelining;
  const isInTurn = pool.scheduling === 'round-robin';
  const isCounted = typeof requestsPerConnection === 'number' && requestsPerConnection > 1;
  const connect = [
    ...when(timeouts.connectMs, ms => `timeout: ${ms}`),
    ...when(pool.tcpKeepAliveMs, ms => `keepAliveInitialDelay: ${ms}`),
  ];
  const ofRequest = [
    'dispatcher',
    ...((pipelining ?? 1) > 1 ? ['blocking: false'] : []),
    ...totalSignal(client),
  ];
  return code`
    import { Agent${isInTurn ? ', RoundRobinPool' : ''} } from 'undici';

    export const dispatcher = new Agent({
      allowH2: ${protocol === 'h2'},
      ${isInTurn ? 'factory: (origin, options) => new RoundRobinPool(origin, options),' : ''}
      ${when(asNumber(pool.maxConnections), count => `connections: ${count},`)}
      ${when(pool.idleTimeoutMs, ms => `keepAliveTimeout: ${ms},\nkeepAliveMaxTimeout: ${ms},`)}
      ${when(pool.idleTimeoutBufferMs, ms => `keepAliveTimeoutThreshold: ${ms},`)}
      ${when(pool.maxLifetimeMs, ms => `clientTtl: ${ms},`)}
      ${when(pipelining, count => `pipelining: ${count},`)}
      ${isCounted ? `maxRequestsPerClient: ${requestsPerConnection},` : ''}
      ${when(pool.maxConcurrentStreams, count => `h2Options: { maxConcurrentStreams: ${count} },`)}
      ${pool.tlsSessions === 'none' ? 'maxCachedSessions: 0,' : ''}
      ${when(timeouts.headersMs, ms => `headersTimeout: ${ms},`)}
      ${when(timeouts.bodyMs, ms => `bodyTimeout: ${ms},`)}
      ${nested('connect', connect)}
    });
    ${requestOptions("For undici's request(url, requestOptions()) or fetch(url, requestOptions()).", ofRequest)}
  `;
}

/** A function that makes the options of one request; none if there are none. */
function requestOptions(usage: string, options: readonly string[]): string[] {
  return options.length === 0
    ? []
    : ['', `/** ${usage} */`, `export const requestOptions = () => ({ ${options.join(', ')} });`];
}

/** `name: { … },`; none if there is nothing in it. */
function nested(name: string, members: readonly string[]): string {
  return members.length === 0 ? '' : `${name}: { ${members.join(', ')} },`;
}

function totalSignal({ timeouts }: Client): string[] {
  return when(timeouts.totalMs, ms => `signal: AbortSignal.timeout(${ms})`);
}

export const nodeHttp: WritableLibrary = {
  title: 'node:http, node:https',
  version: 'Node 26.10.0',
  source: "Node's source",
  comment: '//',
  write: writeNodeHttp,
  refuse: refuseUsual,
  settings: {
    'pool.maxConnections': has('`maxSockets` of an `Agent`', 'unlimited', AGENT),
    'pool.maxTotalConnections': has('`maxTotalSockets`', 'unlimited', AGENT),
    'pool.maxIdleConnections': has(
      '`maxFreeSockets`',
      '256 for each host',
      AGENT,
      '0 as an option means 256.',
    ),
    'pool.idleTimeoutMs': has(
      '`timeout` of the `Agent`',
      'none; 5 s for `globalAgent`',
      AGENT,
      "Without it, the agent also ignores the server's announcement, and may use connections that the server has just closed.",
    ),
    'pool.idleTimeoutBufferMs': has(
      '`agentKeepAliveTimeoutBuffer`',
      '1 s',
      AGENT,
      'Only if the agent has a `timeout`.',
    ),
    'pool.maxLifetimeMs': none(),
    requestsPerConnection: has(
      '`keepAlive: false` and `Connection: close` for one',
      'one for a new `Agent`; unlimited for `globalAgent`',
      AGENT,
      '`keepAlive: false` alone still reuses connections while requests queue for `maxSockets`. There is no limit of n.',
    ),
    protocol: fixed('off', AGENT, 'HTTP/1.1 only; HTTP/2 is another module, `node:http2`'),
    'pool.maxConcurrentStreams': none('HTTP/1.1 only'),
    'pool.pipelining': none('a request is sent only after the previous response'),
    'pool.scheduling': has('`scheduling`', 'lifo', AGENT),
    'pool.tcpKeepAliveMs': has(
      '`keepAliveMsecs`',
      '1 s',
      AGENT,
      'Only with `keepAlive: true`. It is not an idle timeout.',
    ),
    'pool.tlsSessions': has('`maxCachedSessions` of `https.Agent`', '100', 'lib/https.js'),
    'timeouts.connectMs': none('destroy the socket with your own timer'),
    'timeouts.headersMs': none('`timeout` of a request limits silence on its socket, in any phase'),
    'timeouts.bodyMs': none(
      '`timeout` of a request only emits an event; your code has to destroy the request',
    ),
    'timeouts.totalMs': has('`signal: AbortSignal.timeout()` of each request', 'none', 'lib/_http_client.js'),
  },
};

/** Both agents, with their imports above the line that `library` adds. */
function agents({ pool, requestsPerConnection }: Client, library = ''): string[] {
  return code`
    import http from 'node:http';
    import https from 'node:https';
    ${library}

    const agentOptions = {
      keepAlive: ${requestsPerConnection !== 1},
      ${when(asNumber(pool.maxConnections), count => `maxSockets: ${count},`)}
      ${when(asNumber(pool.maxTotalConnections), count => `maxTotalSockets: ${count},`)}
      ${when(pool.maxIdleConnections || undefined, count => `maxFreeSockets: ${count},`)}
      ${when(pool.idleTimeoutMs, ms => `timeout: ${ms},`)}
      ${when(pool.idleTimeoutBufferMs, ms => `agentKeepAliveTimeoutBuffer: ${ms},`)}
      ${hasOrder(pool.scheduling) ? `scheduling: '${pool.scheduling}',` : ''}
      ${when(pool.tcpKeepAliveMs, ms => `keepAliveMsecs: ${ms},`)}
      ${pool.tlsSessions === 'none' ? 'maxCachedSessions: 0,' : ''}
    };
    export const httpAgent = new http.Agent(agentOptions);
    export const httpsAgent = new https.Agent(agentOptions);
    ${pool.maxIdleConnections === 0 ? NO_IDLE : ''}
  `;
}

const NO_IDLE = code`
  // As an option, 0 would mean the default.
  httpAgent.maxFreeSockets = httpsAgent.maxFreeSockets = 0;
`;

/** `keepAlive: false` alone still reuses connections while requests queue. */
function closeHeader({ requestsPerConnection }: Client): string[] {
  return requestsPerConnection === 1 ? ["headers: { connection: 'close' }"] : [];
}

function writeNodeHttp(client: Client): string[] {
  return [
    ...agents(client),
    ...requestOptions('For http.request(url, { agent: httpAgent, ...requestOptions() }).', [
      ...closeHeader(client),
      ...totalSignal(client),
    ]),
  ];
}

/** Settings of the agent of node:http, in a library that takes one. */
function ofAgent(option: string): Record<Concept, Setting> {
  const entries = Object.entries(nodeHttp.settings).map(([concept, setting]) => [
    concept,
    setting.name === null
      ? setting
      : { ...setting, name: `${setting.name}, ${option}`, where: `node:http, ${setting.where}`, remark: '' },
  ]);
  return Object.fromEntries(entries);
}

export const axios: WritableLibrary = {
  title: 'axios',
  version: '1.21.1',
  source: 'npm package axios',
  comment: '//',
  write: writeAxios,
  refuse: refuseUsual,
  settings: {
    ...ofAgent('in `httpAgent` and `httpsAgent`'),
    requestsPerConnection: has(
      '`keepAlive: false` in both agents and the header `Connection: close` for one',
      'unlimited',
      'lib/adapters/http.js',
      "Without explicit agents it uses Node's `globalAgent`, which keeps connections.",
    ),
    'pool.idleTimeoutMs': has(
      '`timeout` in `httpAgent` and `httpsAgent`',
      "5 s, of Node's `globalAgent`",
      'lib/adapters/http.js',
      "axios's own `timeout` is a different setting.",
    ),
    protocol: has('`httpVersion: 2`', '1.1', 'lib/adapters/http.js', 'HTTP/2 does not use the agents.'),
    'timeouts.headersMs': has(
      '`timeout`',
      'none',
      'lib/defaults/index.js',
      'Counts from the call, so it includes the connect; after the header, it limits silence on the socket.',
    ),
    'timeouts.bodyMs': none('`timeout` covers it'),
    'timeouts.totalMs': has(
      '`signal: AbortSignal.timeout()` of each request',
      'none',
      'lib/adapters/http.js',
    ),
  },
};

function writeAxios(client: Client): string[] {
  return code`
    ${agents(client, "import axios from 'axios';")}

    export const client = axios.create({
      httpAgent,
      httpsAgent,
      ${closeHeader(client).map(header => `${header},`)}
      ${client.protocol === 'h2' ? 'httpVersion: 2,' : ''}
      ${when(client.timeouts.headersMs, ms => `timeout: ${ms},`)}
    });
    ${requestOptions('For client.get(url, requestOptions()).', totalSignal(client))}
  `;
}

export const got: WritableLibrary = {
  title: 'got',
  version: '14.6.6',
  source: 'npm package got',
  comment: '//',
  write: writeGot,
  refuse: refuseUsual,
  settings: {
    ...ofAgent('in `agent.http` and `agent.https`'),
    requestsPerConnection: has(
      '`keepAlive: false` in both agents and the header `Connection: close` for one',
      'unlimited',
      'dist/source/core/options.js',
      "Without explicit agents it uses Node's `globalAgent`, which keeps connections.",
    ),
    'pool.idleTimeoutMs': has(
      '`timeout` in `agent.http` and `agent.https`',
      "5 s, of Node's `globalAgent`",
      'dist/source/core/options.js',
    ),
    protocol: has(
      '`http2: true`',
      'off',
      'dist/source/core/options.js',
      'HTTP/2 has an agent of its own, `agent.http2`.',
    ),
    'pool.maxConcurrentStreams': none(),
    'timeouts.connectMs': has(
      '`timeout.connect` and `timeout.secureConnect`',
      'none',
      'dist/source/core/options.js',
      'Two timers, one after the other.',
    ),
    'timeouts.headersMs': has('`timeout.response`', 'none', 'dist/source/core/options.js'),
    'timeouts.bodyMs': has(
      '`timeout.socket`',
      'none',
      'dist/source/core/options.js',
      'Limits silence in any phase, including the wait for the header.',
    ),
    'timeouts.totalMs': has(
      '`timeout.request`',
      'none',
      'dist/source/core/options.js',
      'A timeout is retried: two times by default, for GET.',
    ),
  },
};

function writeGot(client: Client): string[] {
  const { timeouts, protocol } = client;
  const timeout = [
    ...when(timeouts.connectMs, ms => `connect: ${ms}, secureConnect: ${ms}`),
    ...when(timeouts.headersMs, ms => `response: ${ms}`),
    ...when(timeouts.bodyMs, ms => `socket: ${ms}`),
    ...when(timeouts.totalMs, ms => `request: ${ms}`),
  ];
  return code`
    ${agents(client, "import got from 'got';")}

    export const client = got.extend({
      agent: { http: httpAgent, https: httpsAgent },
      ${closeHeader(client).map(header => `${header},`)}
      ${protocol === 'h2' ? 'http2: true,' : ''}
      ${nested('timeout', timeout)}
    });
  `;
}
