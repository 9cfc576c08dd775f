// An undici connector that counts and times each connection it opens, to the target or through an HTTP proxy.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { Client } from '../../scenarios/model/client.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { TransportOptions } from '../contracts.ts';
import { given, identityOptions, trustInProcess } from './connection-options.ts';
import { type Evidence, NO_EVIDENCE } from './errors.ts';
import { proxyAuthorization, proxyOrigin } from './proxy.ts';
import { findOrigin, OpenSockets } from './sockets.ts';

/** The server chose another protocol than the client's. */
class WrongProtocolError extends Error {
  constructor(stated: Client['protocol'], spoken: string) {
    super(`the client is configured for ${stated}, but the server chose ${spoken}`);
  }
}

export type ConnectorOptions = Pick<TransportOptions, 'client' | 'endpoint' | 'onConnection'>;

/** A connector of undici, whose types do not say that it returns the socket. */
type Dial = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket;

/** The sockets of a client, and what each had carried when it broke. */
class WatchedSockets {
  readonly #isHttp2: boolean;
  readonly #sockets = new OpenSockets();
  readonly #evidence = new WeakMap<Error, Evidence>();

  constructor(isHttp2 = false) {
    this.#isHttp2 = isHttp2;
  }

  /** Watches a socket that begins to dial, or to shake hands within a tunnel. */
  add(socket: Socket): void {
    this.#sockets.add(socket);
    if (this.#isHttp2) return;
    const bytesBefore = countBytesBefore(socket);
    socket.once('error', (error: Error) => {
      this.#evidence.set(error, {
        isReusedConnection: bytesBefore() > 0,
        hasResponse: socket.bytesRead > bytesBefore(),
      });
    });
  }

  openConnections(): number {
    return this.#sockets.count(({ connecting }) => !connecting);
  }

  closeAll(): Promise<void> {
    return this.#sockets.closeAll();
  }

  /**
   * What the HTTP/1.1 connection had carried that this error broke. Never a reused one over HTTP/2: a server announces that it
   * closes an idle connection, and undici resends requests that came too late.
   */
  evidenceOf(error: unknown): Evidence {
    if (this.#isHttp2) return NO_EVIDENCE;
    const known = error instanceof Error ? this.#evidence.get(error) : undefined;
    if (known !== undefined) return known;
    const info = (error as { socket?: { bytesRead?: number } } | null)?.socket;
    return { isReusedConnection: (info?.bytesRead ?? 0) > 0, hasResponse: false };
  }
}

interface CountingConnector {
  connect: buildConnector.connector;
  sockets: WatchedSockets;
}

/** Options for opening connections. */
function dialOptions({ pool, timeouts }: Client): buildConnector.BuildOptions {
  return given<buildConnector.BuildOptions>({
    timeout: timeouts.connectMs,
    keepAliveInitialDelay: pool.tcpKeepAliveMs,
  });
}

/** Options for shaking hands. */
function tlsOptions(
  { pool: { tlsSessions, tlsContext } }: Client,
  endpoint: Endpoint,
): buildConnector.BuildOptions {
  const identity = identityOptions(endpoint);
  return given<buildConnector.BuildOptions>({
    maxCachedSessions: tlsSessions === 'none' ? 0 : undefined,
    ...identity,
    secureContext: tlsContext === 'shared' ? createSecureContext(identity) : undefined,
  });
}

/**
 * The protocol is the configured one, never the server's preference: the connector offers HTTP/1.1 only, or HTTP/2
 * first, and closes a connection with another protocol, which fails its requests.
 */
export function createConnector({ client, endpoint, onConnection }: ConnectorOptions): CountingConnector {
  const { tlsSessions } = client.pool;
  const isHttp2 = client.protocol === 'h2';
  trustInProcess(endpoint.caPem);
  const dial = buildConnector({
    allowH2: isHttp2,
    preferH2: isHttp2,
    ...dialOptions(client),
    ...(endpoint.socketPath === undefined ? {} : { socketPath: endpoint.socketPath }),
    ...tlsOptions(client, endpoint),
  }) as Dial;
  const sockets = new WatchedSockets(isHttp2);
  const originOf = findOrigin(endpoint);
  // undici's cache holds sessions weakly, so resumption would depend on garbage collection: holding the newest one here
  // keeps it in the cache.
  const pinnedSessions: Buffer[] = [];

  return {
    sockets,
    connect(options, callback) {
      const dialedAtMs = performance.now();
      let connectedAtMs = Number.NaN;
      const socket = dial(options, (...result) => {
        const isTls = options.protocol === 'https:';
        const spoken = isTls ? (socket as TLSSocket).alpnProtocol : null;
        if (result[0] === null && (spoken === 'h2') !== isHttp2) {
          socket.destroy();
          callback(new WrongProtocolError(client.protocol, spoken || 'HTTP/1.1'), null);
          return;
        }
        if (result[0] === null) {
          onConnection({
            connectMs: connectedAtMs - dialedAtMs,
            tlsMs: isTls ? performance.now() - connectedAtMs : Number.NaN,
            isResumed: isTls && (socket as TLSSocket).isSessionReused(),
            origin: originOf(options.hostname, options.port || (isTls ? 443 : 80)),
          });
        }
        callback(...result);
      });
      sockets.add(socket);
      // Before undici's own listener, which uses the connection at once.
      socket.prependOnceListener('connect', () => {
        connectedAtMs = performance.now();
      });
      if (tlsSessions === 'pinned') {
        socket.on('session', (session: Buffer) => {
          pinnedSessions[0] = session;
        });
      }
      return socket;
    },
  };
}

/**
 * What a connection had read when it was last written to: what it reads beyond is of the answer. undici says that there is an
 * answer only when its whole header has come.
 */
function countBytesBefore(socket: Socket): () => number {
  let bytesBefore = 0;
  const write = socket.write as (...args: unknown[]) => boolean;
  socket.write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    bytesBefore = socket.bytesRead;
    return write.call(socket, chunk, encoding, callback);
  };
  return () => bytesBefore;
}

/** Makes the pool of an origin with the client's settings. */
type CreatePool = (origin: string | URL, connect: buildConnector.connector) => Dispatcher;

/** A dispatcher, and the connections that it opens. */
export interface ConnectedDispatcher {
  dispatcher: Dispatcher;
  sockets: WatchedSockets;
  /** Ends all connections and dials; resolves when all are closed. */
  closeAll(): Promise<void>;
}

/** Requests to an http server go to the proxy; those to an https server through a tunnel that the proxy opens. */
export function createProxied(
  options: ConnectorOptions & { proxyUrl: string },
  createPool: CreatePool,
): ConnectedDispatcher {
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
): ConnectedDispatcher {
  const { connect, sockets } = createConnector(options);
  const dispatcher = new ProxyAgent({ ...agentOptions, factory: proxy => createPool(proxy, connect) });
  return { dispatcher, sockets, closeAll: () => sockets.closeAll() };
}

/** A connection while it is opened. */
interface Opening {
  tunnelledAtMs: number;
}

/** Opens and times connections through tunnels: ways to the proxy, and the TLS connections to the server within them. */
class Tunnels {
  readonly ways = new OpenSockets();
  readonly sockets = new WatchedSockets();
  readonly #dial: Dial;
  readonly #onConnection: TransportOptions['onConnection'];
  readonly #openings = new AsyncLocalStorage<Opening>();

  constructor({ client, onConnection }: ConnectorOptions) {
    this.#dial = buildConnector(dialOptions(client)) as Dial;
    this.#onConnection = onConnection;
  }

  /** Connections to the proxy: each becomes a tunnel, so this pool has no limit. */
  openWays(proxy: URL): Pool {
    const pool = new Pool(proxy, {
      connect: (options, callback) => {
        const way = this.#dial(options, callback);
        this.ways.add(way);
        return way;
      },
    });
    const ask = pool.connect.bind(pool) as (
      options: Dispatcher.ConnectOptions,
    ) => Promise<Dispatcher.ConnectData>;
    const askTimed: typeof ask = async options => {
      const answer = await ask(options);
      const opening = this.#openings.getStore();
      if (opening !== undefined) opening.tunnelledAtMs = performance.now();
      return answer;
    };
    return Object.assign(pool, { connect: askTimed });
  }

  /** @param open ProxyAgent's own connector, which asks the proxy and then shakes hands with the server */
  timed(open: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      const opening: Opening = { tunnelledAtMs: Number.NaN };
      const dialledAtMs = performance.now();
      this.#openings.run(opening, open, options, (...result: Parameters<buildConnector.Callback>) => {
        const [error, socket] = result;
        if (error === null) {
          this.sockets.add(socket as Socket);
          this.#onConnection({
            connectMs: opening.tunnelledAtMs - dialledAtMs,
            tlsMs: performance.now() - opening.tunnelledAtMs,
            isResumed: (socket as TLSSocket).isSessionReused(),
          });
        }
        callback(...result);
      });
    };
  }
}

function createTunnelled(
  options: ConnectorOptions,
  createPool: CreatePool,
  agentOptions: ProxyAgent.Options,
): ConnectedDispatcher {
  const { client, endpoint } = options;
  trustInProcess(endpoint.caPem);
  const tunnels = new Tunnels(options);
  const dispatcher = new ProxyAgent({
    ...agentOptions,
    requestTls: { ...dialOptions(client), ...tlsOptions(client, endpoint), allowH2: false },
    clientFactory: proxy => tunnels.openWays(proxy),
    factory: (origin, { connect }: { connect: buildConnector.connector }) =>
      createPool(origin, tunnels.timed(connect)),
  });
  return {
    dispatcher,
    sockets: tunnels.sockets,
    async closeAll() {
      await Promise.all([tunnels.sockets.closeAll(), tunnels.ways.closeAll()]);
    },
  };
}
