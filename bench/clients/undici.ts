// undici as a client, by its request, dispatch or fetch interface, one request at a time per exchange.
import * as library from 'undici';
import { Agent, type buildConnector, type Dispatcher, Pool } from 'undici';
import type { Client } from '../../scenarios/model/client.ts';
import { leavesBody } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { AttemptSink, Refusal, Transport, TransportModule, TransportOptions } from '../contracts.ts';
import { INTERCEPTOR_SETTINGS } from '../resending.ts';
import { given, limitOf } from './connection-options.ts';
import type { Evidence } from './errors.ts';
import {
  bodyRemarks,
  closingRefusals,
  fetchDumpRefusals,
  fetchFaultRefusals,
  fetchRefusals,
  leftBodyRefusals,
  POOL_CLIENT_SETTINGS,
  plainTargetRefusals,
  proxyRefusals,
  refuse,
  sharedBodyRefusals,
  socketRefusals,
  wholeSecondsRule,
} from './refusals.ts';
import { sendReusing } from './reusable-request.ts';
import { CALLS, type CallContext, prepareCall } from './undici-calls.ts';
import {
  type ConnectedDispatcher,
  type ConnectorOptions,
  createConnector,
  createProxied,
} from './undici-connector.ts';
import { intercept, interceptorRefusals, needsAgent } from './undici-interceptors.ts';

function poolOptions(client: Client): Pool.Options {
  const { pool, timeouts, requestsPerConnection } = client;
  const isLimited = typeof requestsPerConnection === 'number' && requestsPerConnection > 1;
  return given<Pool.Options>({
    allowH2: client.protocol === 'h2',
    h2Options:
      pool.maxConcurrentStreams === undefined
        ? undefined
        : { maxConcurrentStreams: pool.maxConcurrentStreams },
    // undici documents it as an idle time, but it is the age since connect, checked before each request.
    clientTtl: pool.maxLifetimeMs,
    // With pipelining 0 every request sends `connection: close`; no other option guarantees that.
    pipelining: requestsPerConnection === 1 ? 0 : pool.pipelining,
    maxRequestsPerClient: isLimited ? requestsPerConnection : undefined,
    connections: limitOf(pool.maxConnections),
    // Both, because a server's Keep-Alive hint could otherwise extend the idle timeout.
    keepAliveTimeout: pool.idleTimeoutMs,
    keepAliveMaxTimeout: pool.idleTimeoutMs,
    keepAliveTimeoutThreshold: pool.idleTimeoutBufferMs,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
  });
}

function createPool(client: Client, origin: string | URL, connect: buildConnector.connector): Dispatcher {
  const options = { ...poolOptions(client), connect };
  if (client.pool.scheduling !== 'round-robin') return new Pool(origin, options);
  // By its name at run time: an older undici, which `ab` may compare with, does not export it.
  const { RoundRobinPool } = library as Partial<typeof library>;
  if (RoundRobinPool === undefined) throw new TypeError('this version of undici has no RoundRobinPool');
  return new RoundRobinPool(origin, options);
}

function isApi(api: string): api is keyof typeof CALLS {
  return Object.hasOwn(CALLS, api);
}

/** The pool of the origin, one for each of several, or undici's own way through a proxy. */
function createDispatcher(options: ConnectorOptions): ConnectedDispatcher {
  const { client, endpoint } = options;
  const { proxyUrl, origin, origins } = endpoint;
  if (proxyUrl !== undefined) {
    return createProxied({ ...options, proxyUrl }, (at, connect) => createPool(client, at, connect));
  }
  const { connect, sockets } = createConnector(options);
  const dispatcher =
    origins !== undefined || needsAgent(client)
      ? new Agent({ factory: at => createPool(client, at, connect) })
      : createPool(client, origin, connect);
  return { dispatcher, sockets, closeAll: () => sockets.closeAll() };
}

const UNCOUNTED: AttemptSink = { sent() {}, ended: () => false };

function open({
  client,
  endpoint,
  requests,
  hasPhases = true,
  onConnection,
  attempts = UNCOUNTED,
}: TransportOptions): Transport {
  const { dispatcher: pool, sockets, closeAll } = createDispatcher({ client, endpoint, onConnection });
  const evidenceOf = (error: unknown): Evidence => sockets.evidenceOf(error);
  const { dispatch, remarks } =
    client.interceptors === undefined
      ? { dispatch: pool.dispatch.bind(pool), remarks: () => [] }
      : intercept(pool, client.interceptors, { attempts, evidenceOf });
  const api = client.api ?? 'request';
  if (!isApi(api)) throw new TypeError(`undici has no api "${api}"`);
  const Call = CALLS[api];
  const context: CallContext = {
    dispatch,
    requests: requests.map(request => prepareCall(request, endpoint.origin)),
    hasPhases,
    body: client.body,
    isPipelined: isPipelined(client),
    isForwarded: endpoint.proxyUrl !== undefined && endpoint.origin.startsWith('http:'),
    evidenceOf,
  };
  const send = sendReusing(exchange => new Call(context, exchange));
  return {
    send: leavesBody(client)
      ? (exchange, onEnd) => {
          // The last call may still receive a body that was left.
          exchange.transportState = undefined;
          send(exchange, onEnd);
        }
      : send,
    openConnections: () => sockets.openConnections(),
    remarks: () => [...timerRemarks(client), ...bodyRemarks(client), ...remarks()],
    async close() {
      await pool.destroy();
      await closeAll();
    },
  };
}

/** undici checks its timers every half second, so a timeout below this fires after half to all of it. */
const TIMER_MS = 1_000;

/** Remarks on timeouts that undici does not apply as configured. */
function timerRemarks({ timeouts }: Client): string[] {
  return (['connectMs', 'headersMs', 'bodyMs'] as const).flatMap(name => {
    const ms = timeouts[name];
    return ms === undefined || ms >= TIMER_MS
      ? []
      : [
          `timeouts.${name} is ${ms} ms, but undici's timers below 1 s fire after 0.5 to 1 s, so slower responses may still succeed. timeouts.totalMs is exact.`,
        ];
  });
}

function isPipelined({ pool }: Client): boolean {
  return (pool.pipelining ?? 1) > 1;
}

/** Requests that undici sends by other rules than the settings say. */
function requestRefusals(client: Client, request: Request): Refusal[] {
  const { requestsPerConnection, protocol, api } = client;
  const { method } = request;
  return [
    ...(requestsPerConnection !== 1 && protocol === 'http1' ? closingRefusals('undici', request) : []),
    ...refuse({
      when: method !== 'GET' && method !== 'HEAD' && isPipelined(client),
      path: 'pool.pipelining',
      message: `undici pipelines GET and HEAD only, not ${method}`,
      hint: '1, or transport: wire',
    }),
    ...(api === 'fetch' ? fetchRefusals(request) : []),
  ];
}

/** Refuses settings of shared connections that the protocol does not have. */
function protocolRefusals(client: Client): Refusal[] {
  const { protocol, requestsPerConnection, pool } = client;
  const isHttp2 = protocol === 'h2';
  return refuse(
    {
      when: isHttp2 && requestsPerConnection !== 'unlimited',
      path: 'requestsPerConnection',
      message: 'over HTTP/2, undici cannot limit the requests of a connection',
      hint: "'unlimited', or protocol: 'http1'",
    },
    {
      when: isHttp2 && pool.pipelining !== undefined,
      path: 'pool.pipelining',
      message: 'HTTP/2 uses streams instead of pipelining',
      hint: 'pool.maxConcurrentStreams',
    },
    {
      when: !isHttp2 && pool.maxConcurrentStreams !== undefined,
      path: 'pool.maxConcurrentStreams',
      message: 'an HTTP/1.1 connection has no streams',
      hint: "pool.pipelining, or protocol: 'h2'",
    },
    {
      when: !isHttp2 && isPipelined(client) && typeof requestsPerConnection === 'number',
      path: 'pool.pipelining',
      message: 'pipelined requests would exceed the limit of requestsPerConnection',
      hint: "pipelining: 1, or requestsPerConnection: 'unlimited'",
    },
  );
}

/** Bodies that cannot be left with this interface, or on a shared connection. */
function bodyRefusals(client: Client): Refusal[] {
  if (client.api === 'dispatch') {
    return leftBodyRefusals(client, 'dispatch hands over each piece of a body, so none can be left unread');
  }
  return client.protocol === 'h2' || isPipelined(client) ? sharedBodyRefusals(client) : [];
}

function refusals(client: Client, target: Target, requests: readonly Request[] = []): Refusal[] {
  const { api, pool } = client;
  return [
    ...protocolRefusals(client),
    ...requests.flatMap(request => requestRefusals(client, request)),
    ...(api === 'fetch' ? fetchFaultRefusals(target) : []),
    ...refuse({
      when: api !== undefined && !isApi(api),
      path: 'api',
      message: `undici has no api "${api}"`,
      hint: `one of ${Object.keys(CALLS).join(', ')}`,
    }),
    ...(api === 'fetch' ? fetchDumpRefusals(client, "api: 'request'") : []),
    ...bodyRefusals(client),
    ...refuse(
      {
        when: pool.scheduling !== undefined && pool.scheduling !== 'round-robin',
        path: 'pool.scheduling',
        message: `undici has no ${pool.scheduling}: its Pool takes the first connection that is free, and its RoundRobinPool each in turn`,
        hint: "'round-robin', or no scheduling, or transport: node-http or wire",
      },
      wholeSecondsRule(pool),
    ),
    ...plainTargetRefusals(client, target, undici.honours),
    ...socketRefusals(client, target),
    ...proxyRefusals(client, target),
    ...interceptorRefusals(client, target, requests),
  ];
}

const undici: TransportModule = {
  kind: 'transport',
  honours: [
    ...POOL_CLIENT_SETTINGS,
    'api',
    'pool.maxLifetimeMs',
    'pool.pipelining',
    'pool.maxConcurrentStreams',
    ...INTERCEPTOR_SETTINGS,
  ],
  refusals,
  open,
  cannot: {
    'pool.closing': 'undici closes a connection itself, at once after the last response',
    options: 'options are passed only to your own module',
    'pool.maxTotalConnections': 'undici limits connections per origin only',
    'pool.maxIdleConnections': 'undici does not limit idle connections: only their idle timeout closes them',
  },
};

export default undici;
