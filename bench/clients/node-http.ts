// In: an arm's client settings. Out: Node's own http and https with an agent configured so, one request at a time per exchange.
import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { Client } from '../../scenarios/model/client.ts';
import type { Refusal, Transport, TransportModule, TransportOptions } from '../contracts.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { createAgent } from '../transports/node-http-agent.ts';
import { NodeHttpSlot, type SlotContext } from '../transports/node-http-slot.ts';
import { plainSessionRefusals } from '../transports/tls-refusals.ts';

/** How finely headersMs and bodyMs are kept: a twentieth of the shorter one, within these bounds. */
const SWEEP_MS = { least: 5, most: 100 } as const;

/** One timer for all exchanges costs none of them anything; a timer for each would. */
function watchTimeouts({ timeouts, slots }: SlotContext): NodeJS.Timeout | undefined {
  const shortestMs = Math.min(timeouts.headersMs ?? Infinity, timeouts.bodyMs ?? Infinity);
  if (shortestMs === Infinity) return undefined;
  const everyMs = Math.min(SWEEP_MS.most, Math.max(SWEEP_MS.least, shortestMs / 20));
  return setInterval(() => {
    const nowMs = performance.now();
    for (const slot of slots) slot.expire(nowMs);
  }, everyMs).unref();
}

function open({ client, endpoint, hasPhases = true, onConnection }: TransportOptions): Transport {
  const { protocol, hostname, port, path } = urlToHttpOptions(new URL(endpoint.origin + endpoint.path));
  const isTls = protocol === 'https:';
  const { agent, sockets, close } = createAgent({ client, endpoint, onConnection });
  const { headersMs, bodyMs } = client.timeouts;
  const context: SlotContext = {
    request: isTls ? https.request : http.request,
    options: { agent, hostname, port, path, method: 'GET' },
    requestsPerConnection: client.requestsPerConnection,
    carried: new WeakMap(),
    sockets,
    readyEvent: isTls ? 'secureConnect' : 'connect',
    timeouts: client.timeouts,
    isTimed: hasPhases || headersMs !== undefined || bodyMs !== undefined,
    isDumped: client.body === 'dump',
    isClosed: false,
    slots: new Set(),
  };
  const timer = watchTimeouts(context);
  return {
    send(exchange, onEnd) {
      exchange.transportState ??= new NodeHttpSlot(context, exchange);
      (exchange.transportState as NodeHttpSlot).send(onEnd);
    },
    openConnections: sockets.openConnections,
    async close() {
      context.isClosed = true;
      clearInterval(timer);
      await close();
    },
  };
}

function refusals(client: Client, target: Target): Refusal[] {
  const { pool, requestsPerConnection, protocol } = client;
  const refused: Refusal[] = [];
  if (protocol === 'h2') {
    refused.push({
      path: 'protocol',
      message: 'node:http and node:https speak HTTP/1.1 only',
      hint: "protocol: 'http1', or transport: 'undici'",
    });
  }
  if (pool.idleTimeoutBufferMs !== undefined && pool.idleTimeoutMs === undefined) {
    refused.push({
      path: 'pool.idleTimeoutBufferMs',
      message:
        "without a timeout of its own, Node's agent ignores the server's Keep-Alive hint, and a buffer with it",
      hint: 'idleTimeoutMs as well',
    });
  }
  if (pool.tcpKeepAliveMs !== undefined && pool.tcpKeepAliveMs % 1_000 !== 0) {
    refused.push({
      path: 'pool.tcpKeepAliveMs',
      message: 'Node hands whole seconds to the kernel, and nothing of what is less than one',
      hint: 'a multiple of 1000',
    });
  }
  if (pool.tcpKeepAliveMs !== undefined && requestsPerConnection === 1) {
    refused.push({
      path: 'pool.tcpKeepAliveMs',
      message: "Node's agent probes only connections that it keeps",
      hint: 'leave it out, or more requestsPerConnection',
    });
  }
  return [...refused, ...plainSessionRefusals(client, target)];
}

const nodeHttp: TransportModule = {
  kind: 'transport',
  honours: [
    'protocol',
    'requestsPerConnection',
    'pool.maxConnections',
    'pool.maxTotalConnections',
    'pool.maxIdleConnections',
    'pool.idleTimeoutMs',
    'pool.idleTimeoutBufferMs',
    'pool.scheduling',
    'pool.tcpKeepAliveMs',
    'pool.tlsSessions',
    'timeouts.connectMs',
    'timeouts.headersMs',
    'timeouts.bodyMs',
    'timeouts.totalMs',
    'body',
  ],
  cannot: {
    api: 'node:http has one interface only',
    options: 'they are for a module of your own',
    'pool.maxLifetimeMs': "Node's agent knows no age of a connection",
    'pool.pipelining': 'node:http sends a request only when the answer before it has arrived',
    'pool.maxConcurrentStreams': 'node:http does not speak HTTP/2',
  },
  refusals,
  open,
};

export default nodeHttp;
