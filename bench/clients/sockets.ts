// Counts and times the connections that an HTTP client opens, from its sockets, and closes what is left.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { BlockList, isIP, isIPv6, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { hostAndPort } from '../../scenarios/model/facts.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { OpenedConnection } from '../contracts.ts';
import { ConnectionFailures } from './connection-failures.ts';
import type { Evidence } from './errors.ts';

/** Sockets that are not closed yet. */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();
  #isClosed = false;
  #onLastClosed: (() => void) | undefined;

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onLastClosed?.();
    });
    // Deferred: the socket is about to use the handle that destroy() releases.
    if (this.#isClosed) process.nextTick(() => socket.destroy());
  }

  count(isCounted: (socket: Socket) => boolean): number {
    return [...this.#sockets].filter(socket => !socket.destroyed && isCounted(socket)).length;
  }

  /** Destroys all sockets, including dials and sockets added later; resolves when all are closed. */
  closeAll(): Promise<void> {
    this.#isClosed = true;
    return new Promise(resolve => {
      if (this.#sockets.size === 0) resolve();
      else this.#onLastClosed = resolve;
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}

type OnConnection = (connection: OpenedConnection) => void;

/** Counts and times the sockets that are added to it, for clients with a hook for each dial. */
export class ClientSockets {
  readonly #onConnection: OnConnection;
  readonly #sockets = new OpenSockets();
  readonly #ready = new WeakSet<Socket>();

  constructor(onConnection: OnConnection) {
    this.#onConnection = onConnection;
  }

  /** Starts watching a socket that began to dial at this time, one of several origins perhaps, and is not connected yet. */
  add(socket: Socket, dialledAtMs: number, origin?: number): void {
    let connectedAtMs = Number.NaN;
    const onReady = (): void => {
      this.#ready.add(socket);
      const isTls = socket instanceof TLSSocket;
      this.#onConnection({
        connectMs: connectedAtMs - dialledAtMs,
        tlsMs: isTls ? performance.now() - connectedAtMs : Number.NaN,
        isResumed: isTls && socket.isSessionReused(),
        origin,
      });
    };
    // Before the client's own listeners, which use the connection at once.
    socket.prependOnceListener('connect', () => {
      connectedAtMs = performance.now();
      if (!(socket instanceof TLSSocket)) onReady();
    });
    if (socket instanceof TLSSocket) socket.prependOnceListener('secureConnect', onReady);
    this.#sockets.add(socket);
  }

  /**
   * Starts watching a socket that began to dial a proxy, which it asks for a tunnel.
   * @returns to be called with the TLS socket within the tunnel once it is ready: that is the connection
   */
  addWay(way: Socket): (tunnel: Socket) => void {
    const dialledAtMs = performance.now();
    let answeredAtMs = Number.NaN;
    // The proxy's answer to CONNECT is the first that can be read.
    way.prependOnceListener('readable', () => {
      answeredAtMs = performance.now();
    });
    this.#sockets.add(way);
    return tunnel => {
      this.#sockets.add(tunnel);
      this.#ready.add(tunnel);
      this.#onConnection({
        connectMs: answeredAtMs - dialledAtMs,
        tlsMs: performance.now() - answeredAtMs,
        isResumed: tunnel instanceof TLSSocket && tunnel.isSessionReused(),
      });
    };
  }

  /** Whether the socket is connected and its TLS handshake complete. */
  isReady(socket: Socket): boolean {
    return this.#ready.has(socket);
  }

  openConnections(): number {
    return this.#sockets.count(socket => this.isReady(socket));
  }

  closeAll(): Promise<void> {
    return this.#sockets.closeAll();
  }
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * By the host (as in its URL, without brackets, or its address) and the port that a client connects to: which of several origins
 * it is; undefined where there is one.
 */
export function findOrigin({
  origins = [],
}: Pick<Endpoint, 'origins'>): (host: unknown, port: unknown) => number | undefined {
  const byPlace = new Map<string, number>(
    origins.flatMap(({ origin, address }, index) => {
      const { host, port } = hostAndPort(origin);
      return [host, address ?? host].map(place => [`${place}:${port}`, index] as const);
    }),
  );
  return (host, port) => byPlace.get(`${host}:${port}`);
}

/** Which of the endpoint's origins a connection leads to, by index; -1: none of them. */
function destinationIn(endpoint: Endpoint): (address: string, port: number | undefined) => number {
  const { origins = [endpoint] } = endpoint;
  const places = origins.map(({ origin, address }) => {
    const { host, port } = hostAndPort(origin);
    return { address: address ?? host, port };
  });
  return (attempted, port) => {
    const exact = places.findIndex(place => place.port === port && place.address === attempted);
    return exact === -1 ? places.findIndex(place => place.port === port && isSame(place, attempted)) : exact;
  };
}

/** Without a known address, only the port is compared. */
function isSame({ address }: { address: string }, attempted: string): boolean {
  // A server may listen on all addresses of this machine.
  return isIP(address) === 0 || (isLoopback(attempted) && isLoopback(address));
}

/** Node publishes every `node:net` socket that is about to dial on this channel; the address is known only later. */
const DIALS = 'net.client.socket';

/**
 * Watches all `node:net` connections, plain or TLS, that this process opens to the endpoint, by any library, and counts
 * those that lead elsewhere. For TLS over an existing socket (as through a proxy) only the connect is seen. Connections
 * outside `node:net`, by native code or in a worker thread, are not seen.
 */
export class EndpointSockets extends ClientSockets {
  readonly #endpoint: Endpoint;
  readonly #destinationOf: ReturnType<typeof destinationIn>;
  readonly #failures = new ConnectionFailures();
  #elsewhere = 0;

  constructor(endpoint: Endpoint, onConnection: OnConnection) {
    super(onConnection);
    this.#endpoint = endpoint;
    this.#destinationOf = destinationIn(endpoint);
    subscribe(DIALS, this.#onDial);
  }

  /** Connections to anything but the endpoint: another port or host, a proxy, a Unix socket. */
  openedElsewhere(): number {
    return this.#elsewhere;
  }

  /** What the connection of a failed request had carried, by the error's causes. */
  brokenConnection(causes: readonly unknown[]): Evidence {
    return this.#failures.evidenceOf(causes);
  }

  /** Stops watching; results stay available. */
  stop(): void {
    unsubscribe(DIALS, this.#onDial);
    this.#failures.stop();
  }

  readonly #onDial = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    const dialledAtMs = performance.now();
    this.#failures.add(socket);
    socket.once('connectionAttempt', (address: string, port: number | undefined) => {
      const index = this.#destinationOf(address, port);
      if (index === -1) socket.once('connect', () => this.#elsewhere++);
      else this.add(socket, dialledAtMs, this.#endpoint.origins && index);
    });
  };
}
