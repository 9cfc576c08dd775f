// undici's ProxyAgent for a target behind an HTTP proxy: its connections are counted, timed and limited as a direct client's are.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { proxyAuthorization, proxyOrigin } from './proxy.ts';
import { trustInProcess } from './trust.ts';
import {
  type ConnectorOptions,
  type CountingConnector,
  createConnector,
  type Dial,
  dialOptions,
  tlsOptions,
  watchSockets,
} from './undici-connector.ts';

/** Makes the pool of an origin with the client's settings. */
export type CreatePool = (origin: string | URL, connect: buildConnector.connector) => Dispatcher;

export interface ProxiedClient extends Omit<CountingConnector, 'connect'> {
  dispatcher: Dispatcher;
}

/** Requests to an http server go to the proxy; those to an https server through a tunnel that the proxy opens. */
export function createProxied(
  options: ConnectorOptions & { proxyUrl: string },
  createPool: CreatePool,
): ProxiedClient {
  const { proxyUrl, endpoint } = options;
  const authorization = proxyAuthorization(proxyUrl);
  const agentOptions = {
    uri: proxyOrigin(proxyUrl),
    proxyTunnel: false,
    ...(authorization === undefined ? {} : { token: authorization }),
  };
  return endpoint.origin.startsWith('https:')
    ? createTunnelled(options, createPool, agentOptions)
    : createForwarding(options, createPool, agentOptions);
}

/** ProxyAgent gives its own pool of connections to the proxy no settings, so it gets one with the client's. */
function createForwarding(
  options: ConnectorOptions,
  createPool: CreatePool,
  agentOptions: ProxyAgent.Options,
): ProxiedClient {
  const { connect, ...watch } = createConnector(options);
  const dispatcher = new ProxyAgent({ ...agentOptions, factory: proxy => createPool(proxy, connect) });
  return { ...watch, dispatcher };
}

/** A connection while it is opened. */
interface Opening {
  tunnelledAtMs: number;
}

function createTunnelled(
  { client, endpoint, onConnection }: ConnectorOptions,
  createPool: CreatePool,
  agentOptions: ProxyAgent.Options,
): ProxiedClient {
  trustInProcess(endpoint.caPem);
  const ways = watchSockets(false);
  const tunnels = watchSockets(false);
  const openings = new AsyncLocalStorage<Opening>();
  const dial = buildConnector(dialOptions(client)) as Dial;

  /** Connections to the proxy: each becomes a tunnel, so this pool has no limit. */
  function openWays(proxy: URL): Pool {
    const pool = new Pool(proxy, {
      connect(options, callback) {
        const socket = dial(options, callback);
        ways.add(socket);
        return socket;
      },
    });
    const ask = pool.connect.bind(pool) as (
      options: Dispatcher.ConnectOptions,
    ) => Promise<Dispatcher.ConnectData>;
    const askTimed: typeof ask = async options => {
      const answer = await ask(options);
      const opening = openings.getStore();
      if (opening !== undefined) opening.tunnelledAtMs = performance.now();
      return answer;
    };
    return Object.assign(pool, { connect: askTimed });
  }

  /** @param open ProxyAgent's own connector, which asks the proxy and then shakes hands with the server */
  function timed(open: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      const opening: Opening = { tunnelledAtMs: Number.NaN };
      const dialledAtMs = performance.now();
      openings.run(opening, open, options, (...result: Parameters<buildConnector.Callback>) => {
        const [error, socket] = result;
        if (error === null) {
          tunnels.add(socket as Socket);
          onConnection({
            connectMs: opening.tunnelledAtMs - dialledAtMs,
            tlsMs: performance.now() - opening.tunnelledAtMs,
            isResumed: (socket as TLSSocket).isSessionReused(),
          });
        }
        callback(...result);
      });
    };
  }

  const dispatcher = new ProxyAgent({
    ...agentOptions,
    requestTls: { ...dialOptions(client), ...tlsOptions(client, endpoint), allowH2: false },
    clientFactory: openWays,
    factory: (origin, { connect }: { connect: buildConnector.connector }) =>
      createPool(origin, timed(connect)),
  });
  return {
    dispatcher,
    openConnections: tunnels.openConnections,
    evidenceOf: tunnels.evidenceOf,
    async closeAll() {
      await Promise.all([tunnels.closeAll(), ways.closeAll()]);
    },
  };
}
