// In: an arm's client settings. Out: undici configured so, sending one request at a time per exchange.
import { Pool } from 'undici';
import type { Client } from '../../scenarios/model/client.ts';
import type { Refusal, Transport, TransportModule, TransportOptions } from '../contracts.ts';
import { plainSessionRefusals } from '../transports/tls-refusals.ts';
import { createConnector } from './undici-connector.ts';
import { DispatchSlot, FetchSlot, RequestSlot, type SlotContext } from '../transports/undici-slots.ts';

const SLOTS = { request: RequestSlot, dispatch: DispatchSlot, fetch: FetchSlot } as const;
type Api = keyof typeof SLOTS;

/** Only what the arm states; what it leaves out stays at undici's own default. */
function poolOptions(client: Client): Pool.Options {
  const { pool, timeouts, requestsPerConnection } = client;
  return {
    allowH2: client.protocol === 'h2',
    ...(pool.maxConcurrentStreams === undefined
      ? {}
      : { h2Options: { maxConcurrentStreams: pool.maxConcurrentStreams } }),
    // Undici calls it an idle time; it is the age since connect, looked at when a request is to be sent.
    ...(pool.maxLifetimeMs === undefined ? {} : { clientTtl: pool.maxLifetimeMs }),
    ...(pool.pipelining === undefined ? {} : { pipelining: pool.pipelining }),
    // pipelining 0 is the one switch that can't be undone by a request: every request says `connection: close`.
    ...(requestsPerConnection === 1 ? { pipelining: 0 } : {}),
    ...(typeof requestsPerConnection === 'number' && requestsPerConnection > 1
      ? { maxRequestsPerClient: requestsPerConnection }
      : {}),
    ...(typeof pool.maxConnections === 'number' ? { connections: pool.maxConnections } : {}),
    // Both, or a server's Keep-Alive hint would override the idle timeout upwards.
    ...(pool.idleTimeoutMs === undefined
      ? {}
      : { keepAliveTimeout: pool.idleTimeoutMs, keepAliveMaxTimeout: pool.idleTimeoutMs }),
    ...(pool.idleTimeoutBufferMs === undefined
      ? {}
      : { keepAliveTimeoutThreshold: pool.idleTimeoutBufferMs }),
    ...(timeouts.headersMs === undefined ? {} : { headersTimeout: timeouts.headersMs }),
    ...(timeouts.bodyMs === undefined ? {} : { bodyTimeout: timeouts.bodyMs }),
  };
}

function isApi(api: string): api is Api {
  return Object.hasOwn(SLOTS, api);
}

function open({ client, endpoint, hasPhases = true, onConnection }: TransportOptions): Transport {
  const connector = createConnector({ client, endpoint, onConnection });
  const pool = new Pool(endpoint.origin, { ...poolOptions(client), connect: connector.connect });
  const api = client.api ?? 'request';
  if (!isApi(api)) throw new TypeError(`undici has no api "${api}"`);
  const Slot = SLOTS[api];
  const context: SlotContext = {
    pool,
    origin: endpoint.origin,
    path: endpoint.path,
    hasPhases,
    isDumped: client.body === 'dump',
    isPipelined: (client.pool.pipelining ?? 1) > 1,
    isReusedConnection: connector.isReusedConnection,
  };
  return {
    send(exchange, onEnd) {
      exchange.transportState ??= new Slot(context, exchange);
      (exchange.transportState as InstanceType<typeof Slot>).send(onEnd);
    },
    openConnections: connector.openConnections,
    remarks: () => timerRemarks(client),
    async close() {
      await pool.destroy();
      await connector.closeAll();
    },
  };
}

/** Below this undici's timers, which it looks at every half second, fire between half of it and all of it. */
const TIMER_MS = 1_000;

/** A timeout that is not in force as it is stated. */
function timerRemarks({ timeouts }: Client): string[] {
  return (['connectMs', 'headersMs', 'bodyMs'] as const).flatMap(name => {
    const ms = timeouts[name];
    return ms === undefined || ms >= TIMER_MS
      ? []
      : [
          `timeouts.${name} is ${ms} ms, but undici's timers below 1 s fire after 0.5 to 1 s: slower answers are good ones until then. timeouts.totalMs is exact.`,
        ];
  });
}

/** What the protocol makes of the settings that share a connection among requests. */
function protocolRefusals({ protocol, requestsPerConnection, pool }: Client): Refusal[] {
  const refusals: Refusal[] = [];
  if (protocol === 'h2') {
    if (requestsPerConnection !== 'unlimited') {
      refusals.push({
        path: 'requestsPerConnection',
        message: 'over HTTP/2 undici ignores every way to limit the requests of a connection',
        hint: "'unlimited', or protocol: 'http1'",
      });
    }
    if (pool.pipelining !== undefined) {
      refusals.push({
        path: 'pool.pipelining',
        message: 'requests share an HTTP/2 connection as streams, not in a pipeline',
        hint: 'pool.maxConcurrentStreams',
      });
    }
    return refusals;
  }
  if (pool.maxConcurrentStreams !== undefined) {
    refusals.push({
      path: 'pool.maxConcurrentStreams',
      message: 'a connection of HTTP/1.1 has no streams',
      hint: "pool.pipelining, or protocol: 'h2'",
    });
  }
  if ((pool.pipelining ?? 1) > 1 && typeof requestsPerConnection === 'number') {
    refusals.push({
      path: 'pool.pipelining',
      message: 'pipelined requests overrun the limit of requestsPerConnection',
      hint: "pipelining: 1, or requestsPerConnection: 'unlimited'",
    });
  }
  return refusals;
}

const undici: TransportModule = {
  kind: 'transport',
  honours: [
    'api',
    'protocol',
    'requestsPerConnection',
    'pool.maxConnections',
    'pool.idleTimeoutMs',
    'pool.idleTimeoutBufferMs',
    'pool.maxLifetimeMs',
    'pool.pipelining',
    'pool.maxConcurrentStreams',
    'pool.tcpKeepAliveMs',
    'pool.tlsSessions',
    'timeouts.connectMs',
    'timeouts.headersMs',
    'timeouts.bodyMs',
    'timeouts.totalMs',
    'body',
  ],
  refusals(client, target) {
    const refusals: Refusal[] = [...protocolRefusals(client)];
    if (client.api !== undefined && !isApi(client.api)) {
      refusals.push({
        path: 'api',
        message: `undici has no api "${client.api}"`,
        hint: `one of ${Object.keys(SLOTS).join(', ')}`,
      });
    }
    if (client.api === 'fetch' && client.body === 'dump') {
      refusals.push({
        path: 'body',
        message: 'fetch cannot dump a body: cancelling it closes the connection',
        hint: "body: 'read', or api: 'request'",
      });
    }
    if ((client.pool.tcpKeepAliveMs ?? 0) % 1_000 !== 0) {
      refusals.push({
        path: 'pool.tcpKeepAliveMs',
        message: 'TCP keep-alive is set in whole seconds; Node ignores the rest',
        hint: 'a multiple of 1000',
      });
    }
    refusals.push(...plainSessionRefusals(client, target));
    return refusals;
  },
  open,
  cannot: {
    options: 'they are for a module of your own',
    'pool.maxTotalConnections': 'undici limits the connections to each origin only',
    'pool.maxIdleConnections': 'undici has no cap on idle connections: they end by their idle timeout only',
    'pool.scheduling': 'undici takes the first connection that is free, and has no option for it',
  },
};

export default undici;
