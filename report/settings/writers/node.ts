// Clients of a scenario as code for undici, node:http, axios and got.
import type { Client } from '../../../scenarios/model/client.ts';
import type { Concept } from '../table.ts';
import { asNumber, hasOrder, indent, refuseUsual, type Writer, when } from './writer.ts';

/** A function that makes the options of one request; none if there are none. */
function requestOptions(usage: string, options: readonly string[]): string[] {
  return options.length === 0
    ? []
    : ['', `/** ${usage} */`, `export const requestOptions = () => ({ ${options.join(', ')} });`];
}

/** `name: { … },`; none if there is nothing in it. */
function nested(name: string, members: readonly string[]): string[] {
  return members.length === 0 ? [] : [`${name}: { ${members.join(', ')} },`];
}

function totalSignal({ timeouts }: Client): string[] {
  return when(timeouts.totalMs, ms => `signal: AbortSignal.timeout(${ms})`);
}

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
  return [
    `import { Agent${isInTurn ? ', RoundRobinPool' : ''} } from 'undici';`,
    '',
    'export const dispatcher = new Agent({',
    ...indent([
      `allowH2: ${protocol === 'h2'},`,
      ...(isInTurn ? ['factory: (origin, options) => new RoundRobinPool(origin, options),'] : []),
      ...when(asNumber(pool.maxConnections), count => `connections: ${count},`),
      ...when(pool.idleTimeoutMs, ms => `keepAliveTimeout: ${ms},`),
      ...when(pool.idleTimeoutMs, ms => `keepAliveMaxTimeout: ${ms},`),
      ...when(pool.idleTimeoutBufferMs, ms => `keepAliveTimeoutThreshold: ${ms},`),
      ...when(pool.maxLifetimeMs, ms => `clientTtl: ${ms},`),
      ...when(pipelining, count => `pipelining: ${count},`),
      ...(typeof requestsPerConnection === 'number' && requestsPerConnection > 1
        ? [`maxRequestsPerClient: ${requestsPerConnection},`]
        : []),
      ...nested(
        'h2Options',
        when(pool.maxConcurrentStreams, count => `maxConcurrentStreams: ${count}`),
      ),
      ...(pool.tlsSessions === 'none' ? ['maxCachedSessions: 0,'] : []),
      ...when(timeouts.headersMs, ms => `headersTimeout: ${ms},`),
      ...when(timeouts.bodyMs, ms => `bodyTimeout: ${ms},`),
      ...nested('connect', [
        ...when(timeouts.connectMs, ms => `timeout: ${ms}`),
        ...when(pool.tcpKeepAliveMs, ms => `keepAliveInitialDelay: ${ms}`),
      ]),
    ]),
    '});',
    ...requestOptions("For undici's request(url, requestOptions()) or fetch(url, requestOptions()).", [
      'dispatcher',
      ...((pipelining ?? 1) > 1 ? ['blocking: false'] : []),
      ...totalSignal(client),
    ]),
  ];
}

/** Both agents, with their imports above the line that `library` adds. */
function agents({ pool, requestsPerConnection }: Client, library: readonly string[] = []): string[] {
  return [
    "import http from 'node:http';",
    "import https from 'node:https';",
    ...library,
    '',
    'const agentOptions = {',
    ...indent([
      `keepAlive: ${requestsPerConnection !== 1},`,
      ...when(asNumber(pool.maxConnections), count => `maxSockets: ${count},`),
      ...when(asNumber(pool.maxTotalConnections), count => `maxTotalSockets: ${count},`),
      ...when(pool.maxIdleConnections || undefined, count => `maxFreeSockets: ${count},`),
      ...when(pool.idleTimeoutMs, ms => `timeout: ${ms},`),
      ...when(pool.idleTimeoutBufferMs, ms => `agentKeepAliveTimeoutBuffer: ${ms},`),
      ...(hasOrder(pool.scheduling) ? [`scheduling: '${pool.scheduling}',`] : []),
      ...when(pool.tcpKeepAliveMs, ms => `keepAliveMsecs: ${ms},`),
      ...(pool.tlsSessions === 'none' ? ['maxCachedSessions: 0,'] : []),
    ]),
    '};',
    'export const httpAgent = new http.Agent(agentOptions);',
    'export const httpsAgent = new https.Agent(agentOptions);',
    ...(pool.maxIdleConnections === 0
      ? [
          '// As an option, 0 would mean the default.',
          'httpAgent.maxFreeSockets = httpsAgent.maxFreeSockets = 0;',
        ]
      : []),
  ];
}

/** `keepAlive: false` alone still reuses connections while requests queue. */
function closeHeader({ requestsPerConnection }: Client, end: string): string[] {
  return requestsPerConnection === 1 ? [`headers: { connection: 'close' }${end}`] : [];
}

function writeNodeHttp(client: Client): string[] {
  return [
    ...agents(client),
    ...requestOptions('For http.request(url, { agent: httpAgent, ...requestOptions() }).', [
      ...closeHeader(client, ''),
      ...totalSignal(client),
    ]),
  ];
}

function writeAxios(client: Client): string[] {
  return [
    ...agents(client, ["import axios from 'axios';"]),
    '',
    'export const client = axios.create({',
    ...indent([
      'httpAgent,',
      'httpsAgent,',
      ...closeHeader(client, ','),
      ...(client.protocol === 'h2' ? ['httpVersion: 2,'] : []),
      ...when(client.timeouts.headersMs, ms => `timeout: ${ms},`),
    ]),
    '});',
    ...requestOptions('For client.get(url, requestOptions()).', totalSignal(client)),
  ];
}

function writeGot(client: Client): string[] {
  const { timeouts, protocol } = client;
  return [
    ...agents(client, ["import got from 'got';"]),
    '',
    'export const client = got.extend({',
    ...indent([
      'agent: { http: httpAgent, https: httpsAgent },',
      ...closeHeader(client, ','),
      ...(protocol === 'h2' ? ['http2: true,'] : []),
      ...nested('timeout', [
        ...when(timeouts.connectMs, ms => `connect: ${ms}, secureConnect: ${ms}`),
        ...when(timeouts.headersMs, ms => `response: ${ms}`),
        ...when(timeouts.bodyMs, ms => `socket: ${ms}`),
        ...when(timeouts.totalMs, ms => `request: ${ms}`),
      ]),
    ]),
    '});',
  ];
}

export const nodeWriters = {
  undici: {
    library: 'undici',
    comment: '//',
    write: writeUndici,
    refuse: refuseOfUndici,
  },
  'node-http': { library: 'node-http', comment: '//', write: writeNodeHttp, refuse: refuseUsual },
  axios: { library: 'axios', comment: '//', write: writeAxios, refuse: refuseUsual },
  got: { library: 'got', comment: '//', write: writeGot, refuse: refuseUsual },
} as const satisfies Record<string, Writer>;
