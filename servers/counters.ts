// In: the events of a server's connections. Out: how many there were, what they carried and what their handshakes were.
import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProcessReading } from '../results/model/trial.ts';
import type { TargetReading } from './protocol.ts';

/** The connection accounts of a target, cumulative but for openConnections. */
export type TargetCounters = Omit<TargetReading, keyof ProcessReading>;

export interface ConnectionCounters {
  /** To be called for each request of HTTP/1.1, before it is answered. Returns how many its connection has now carried. */
  countRequest(socket: Socket): number;
  read(): TargetCounters;
  /** Destroys every open connection, those in a handshake included; resolves when each has been counted as closed. */
  destroyConnections(): Promise<void>;
}

/** Requests of a connection as a bin of the distribution: exact to 64, two significant digits above. */
export function requestsBin(requests: number): number {
  return requests <= 64 ? requests : Number(requests.toPrecision(2));
}

/** What carries the requests of a connection: its socket, or its session where HTTP/2 is spoken. */
type Carrier = Socket | ServerHttp2Session;

/**
 * Counts the connections of a server that does not listen yet. A handshake counts once it is complete (a failed one is
 * an accepted connection without requests). Requests of HTTP/2 are counted without being told of: each stream is one.
 *
 * Under TLS a connection is two sockets: the raw one, which is accepted and closed, and the secure one, which carries
 * requests, or has a session that does. They cannot be matched by public API and need not be: connections that carried
 * nothing are those closed less those that carried something.
 */
export function countConnections(server: Server): ConnectionCounters {
  const open = new Set<Socket>();
  const carriedBy = new Map<Carrier, number>();
  const closedByBin = new Map<number, number>();
  let accepted = 0;
  let requests = 0;
  let handshakesFull = 0;
  let handshakesResumed = 0;
  let acceptedHttp2 = 0;
  let closedCarriers = 0;

  server.on('connection', (socket: Socket) => {
    accepted++;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.isSessionReused()) handshakesResumed++;
    else handshakesFull++;
  });
  server.on('session', (session: ServerHttp2Session) => {
    acceptedHttp2++;
    session.on('stream', () => countRequest(session));
  });

  function tally(carrier: Carrier): void {
    const bin = requestsBin(carriedBy.get(carrier)!);
    carriedBy.delete(carrier);
    closedByBin.set(bin, (closedByBin.get(bin) ?? 0) + 1);
    closedCarriers++;
  }

  function countRequest(carrier: Carrier): number {
    requests++;
    const carried = (carriedBy.get(carrier) ?? 0) + 1;
    carriedBy.set(carrier, carried);
    if (carried === 1) carrier.once('close', () => tally(carrier));
    return carried;
  }

  return {
    countRequest,
    read() {
      // Between the close of the two sockets of a TLS connection the difference may be off by one, but never stays so.
      const idle = Math.max(0, accepted - open.size - closedCarriers);
      const carried = [...closedByBin].sort(([a], [b]) => a - b);
      return {
        accepted,
        requests,
        openConnections: open.size,
        handshakesFull,
        handshakesResumed,
        acceptedHttp2,
        requestsPerConnection: [...(idle > 0 ? [[0, idle] as const] : []), ...carried].map(
          ([requests, connections]) => ({ requests, connections }),
        ),
      };
    },
    async destroyConnections() {
      const closed = [...open, ...carriedBy.keys()].map(
        carrier => new Promise<void>(resolve => carrier.once('close', () => resolve())),
      );
      for (const socket of open) socket.destroy();
      await Promise.all(closed);
    },
  };
}
