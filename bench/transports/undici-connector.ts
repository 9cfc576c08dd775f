// In: how connections are to be opened. Out: an undici connector that counts and times each of them.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import type { TransportOptions } from '../core/contracts.ts';

export interface CountingConnector {
  connect: buildConnector.connector;
  openConnections(): number;
  /** Ends what is left of them, dials that would go on until their timeout included; resolves when all are closed. */
  closeAll(): Promise<void>;
  /** Whether this error broke a connection that had carried an answer before. */
  isReusedConnection(error: unknown): boolean;
}

type ConnectorOptions = Pick<TransportOptions, 'client' | 'endpoint' | 'onConnection'>;

/** HTTP/1.1 only: where h2 is offered, undici's ways of asking for a new connection are all ignored. */
export function createConnector({ client, endpoint, onConnection }: ConnectorOptions): CountingConnector {
  const { tlsSessions } = client.pool;
  const dial = buildConnector({
    allowH2: false,
    ...(client.timeouts.connectMs === undefined ? {} : { timeout: client.timeouts.connectMs }),
    ...(tlsSessions === 'none' ? { maxCachedSessions: 0 } : {}),
    ...(endpoint.caPem === undefined ? {} : { ca: endpoint.caPem }),
  }) as (options: buildConnector.Options, callback: buildConnector.Callback) => Socket; // types say void
  const sockets = new Set<Socket>();
  const reusedErrors = new WeakSet<Error>();
  let onLastClosed: (() => void) | undefined;
  // undici's cache holds sessions weakly, so that resumption depends on garbage collection: holding the newest here
  // keeps it there.
  const pinnedSessions: Buffer[] = [];

  return {
    connect(options, callback) {
      const dialedAtMs = performance.now();
      let connectedAtMs = Number.NaN;
      const socket = dial(options, (...result) => {
        if (result[0] === null) {
          const isTls = options.protocol === 'https:';
          onConnection({
            connectMs: connectedAtMs - dialedAtMs,
            tlsMs: isTls ? performance.now() - connectedAtMs : Number.NaN,
            isResumed: isTls && (socket as TLSSocket).isSessionReused(),
          });
        }
        callback(...result);
      });
      sockets.add(socket);
      // Before undici's own listener, which has the connection used at once.
      socket.prependOnceListener('connect', () => {
        connectedAtMs = performance.now();
      });
      socket.once('error', (error: Error) => {
        if (socket.bytesRead > 0) reusedErrors.add(error);
      });
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) onLastClosed?.();
      });
      if (tlsSessions === 'pinned') {
        socket.on('session', (session: Buffer) => {
          pinnedSessions[0] = session;
        });
      }
      return socket;
    },
    openConnections: () => [...sockets].filter(socket => !socket.connecting && !socket.destroyed).length,
    closeAll: () =>
      new Promise(resolve => {
        pinnedSessions.length = 0;
        if (sockets.size === 0) resolve();
        else onLastClosed = resolve;
        for (const socket of sockets) socket.destroy();
      }),
    isReusedConnection(error) {
      if (error instanceof Error && reusedErrors.has(error)) return true;
      const info = (error as { socket?: { bytesRead?: number } } | null)?.socket;
      return (info?.bytesRead ?? 0) > 0;
    },
  };
}
