// In: the sockets of an HTTP client, as they begin to dial. Out: how many connections it opens, what that takes, an end to all.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { errorMonitor } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Endpoint, OpenedConnection } from '../core/contracts.ts';

export interface ClientSockets {
  /** Takes in a socket that has begun to dial at this time and is not connected yet. */
  add(socket: Socket, dialledAtMs: number): void;
  /** Whether requests can be written to it: connected, and its TLS handshake complete. */
  isReady(socket: Socket): boolean;
  /** Whether this is the error of a connection that had carried something before. */
  isOfUsedConnection(error: unknown): boolean;
  openConnections(): number;
  /** Destroys what is left, dials included, and whatever is added later; resolves when all are closed. */
  closeAll(): Promise<void>;
}

type OnConnection = (connection: OpenedConnection) => void;

/** An account of sockets that are added by hand: of a client that lets us see each of its dials. */
export function createClientSockets(onConnection: OnConnection): ClientSockets {
  const sockets = new Set<Socket>();
  const ready = new WeakSet<Socket>();
  const errorsOfUsed = new WeakSet<Error>();
  let isClosed = false;
  let onLastClosed: (() => void) | undefined;

  return {
    add(socket, dialledAtMs) {
      let connectedAtMs = Number.NaN;
      const onReady = (): void => {
        ready.add(socket);
        const isTls = socket instanceof TLSSocket;
        onConnection({
          connectMs: connectedAtMs - dialledAtMs,
          tlsMs: isTls ? performance.now() - connectedAtMs : Number.NaN,
          isResumed: isTls && socket.isSessionReused(),
        });
      };
      sockets.add(socket);
      // Before the client's own listeners, which put the connection to use at once.
      socket.prependOnceListener('connect', () => {
        connectedAtMs = performance.now();
        if (!(socket instanceof TLSSocket)) onReady();
      });
      if (socket instanceof TLSSocket) socket.prependOnceListener('secureConnect', onReady);
      // A monitor, so that an error which the client does not handle is still none that is handled.
      socket.once(errorMonitor, (error: Error) => {
        if (socket.bytesRead > 0) errorsOfUsed.add(error);
      });
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) onLastClosed?.();
      });
      // Not at once: it is about to use the handle that this takes from it.
      if (isClosed) process.nextTick(() => socket.destroy());
    },
    isReady: socket => ready.has(socket),
    isOfUsedConnection: error => error instanceof Error && errorsOfUsed.has(error),
    openConnections: () => [...sockets].filter(socket => ready.has(socket) && !socket.destroyed).length,
    closeAll() {
      isClosed = true;
      return new Promise(resolve => {
        if (sockets.size === 0) resolve();
        else onLastClosed = resolve;
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

/** Node tells of every socket of `node:net` that is about to dial, whoever made it; only later where to. */
const DIALS = 'net.client.socket';
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

export interface WatchedSockets extends Omit<ClientSockets, 'add'> {
  /** Ends the watch; what it knows stays. */
  stop(): void;
}

/**
 * An account of all connections that this process opens to the endpoint's port, whatever library opens them: plain or TLS, by
 * `node:net`. Of TLS over a socket that was connected before (as through a proxy) only the connect is seen. A connection
 * made outside of `node:net`, as by native code or in a worker thread, is not seen at all.
 */
export function watchEndpoint({ origin }: Endpoint, onConnection: OnConnection): WatchedSockets {
  const { port, protocol } = new URL(origin);
  const watchedPort = port === '' ? DEFAULT_PORTS[protocol] : Number(port);
  const { add, ...account } = createClientSockets(onConnection);
  const onDial = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    const dialledAtMs = performance.now();
    socket.once('connectionAttempt', (_address: string, attemptedPort: number) => {
      if (attemptedPort === watchedPort) add(socket, dialledAtMs);
    });
  };
  subscribe(DIALS, onDial);
  return { ...account, stop: () => void unsubscribe(DIALS, onDial) };
}
