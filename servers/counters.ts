// Counts a server's connections, requests and TLS handshakes.
import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProcessReading } from '../results/model/process.ts';
import type { TargetReading } from './protocol.ts';

/** Counts of connections and requests, cumulative except for openConnections. */
export type TargetCounters = Omit<TargetReading, keyof ProcessReading | 'faults' | 'origins'>;

/** Those of one server. */
export type ServerCounters = Omit<TargetCounters, 'backends' | 'growth'>;

/** The counters of a target whose servers share its address; each server's own are beside their sum. */
export function sumCounters(all: readonly ServerCounters[]): Omit<TargetCounters, 'growth'> {
  const sum = (name: Exclude<keyof ServerCounters, 'requestsPerConnection'>): number =>
    all.reduce((total, counters) => total + counters[name], 0);
  const byBin = Map.groupBy(
    all.flatMap(({ requestsPerConnection }) => requestsPerConnection),
    ({ requests }) => requests,
  );
  return {
    accepted: sum('accepted'),
    requests: sum('requests'),
    openConnections: sum('openConnections'),
    handshakesFull: sum('handshakesFull'),
    handshakesResumed: sum('handshakesResumed'),
    acceptedHttp2: sum('acceptedHttp2'),
    requestsPerConnection: [...byBin]
      .map(([requests, entries]) => ({
        requests,
        connections: entries.reduce((total, { connections }) => total + connections, 0),
      }))
      .sort((a, b) => a.requests - b.requests),
    backends: all.map(({ accepted, requests }) => ({ accepted, requests })),
  };
}

export interface ConnectionCounters {
  /** Call it for each HTTP/1.1 request, before it is answered. Returns the number of requests on its connection so far. */
  countRequest(socket: Socket): number;
  /** The accepted socket below a request's socket, the same without TLS; undefined once it is closed. */
  rawSocketOf(socket: Socket): Socket | undefined;
  read(): ServerCounters;
  /** Destroys every open connection, including those in a handshake; resolves when each is counted as closed. */
  destroyConnections(): Promise<void>;
}

/** The bin for a number of requests per connection: exact up to 64, two significant digits above. */
export function requestsBin(requests: number): number {
  return requests <= 64 ? requests : Number(requests.toPrecision(2));
}

/** What carries a connection's requests: its socket, or its session with HTTP/2. */
type Carrier = Socket | ServerHttp2Session;

/** The address and port of the other end; 'undefined undefined' when the socket was closed before anyone asked. */
function peerOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Counts the connections of a server that does not listen yet. A handshake counts when it is complete (a failed one is
 * an accepted connection without requests). HTTP/2 requests are counted automatically: each stream is one.
 *
 * With TLS a connection has two sockets: the raw one, which is accepted and closed, and the secure one, which carries
 * the requests, or has a session that does, and closes a moment before or after. They are matched by the address of their
 * peer, so that each connection is counted as closed once: with its requests if it carried any, else without.
 */
export function countConnections(server: Server): ConnectionCounters {
  const open = new Set<Socket>();
  const byPeer = new Map<string, Socket>();
  const carrying = new WeakSet<Socket>();
  const carriedBy = new Map<Carrier, number>();
  const closedByBin = new Map<number, number>();
  let accepted = 0;
  let requests = 0;
  let handshakesFull = 0;
  let handshakesResumed = 0;
  let acceptedHttp2 = 0;

  server.on('connection', (socket: Socket) => {
    accepted++;
    open.add(socket);
    const peer = peerOf(socket);
    byPeer.set(peer, socket);
    socket.once('close', () => {
      open.delete(socket);
      if (byPeer.get(peer) === socket) byPeer.delete(peer);
      if (!carrying.has(socket)) countClosed(0);
    });
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    peerOf(socket); // Node keeps it, so that it is still known at the first request if the peer has gone by then.
    if (socket.isSessionReused()) handshakesResumed++;
    else handshakesFull++;
  });
  server.on('session', (session: ServerHttp2Session) => {
    acceptedHttp2++;
    session.on('stream', () => countRequest(session));
  });

  function countClosed(carried: number): void {
    const bin = requestsBin(carried);
    closedByBin.set(bin, (closedByBin.get(bin) ?? 0) + 1);
  }

  function tally(carrier: Carrier): void {
    countClosed(carriedBy.get(carrier)!);
    carriedBy.delete(carrier);
  }

  function countRequest(carrier: Carrier): number {
    requests++;
    const carried = (carriedBy.get(carrier) ?? 0) + 1;
    carriedBy.set(carrier, carried);
    if (carried === 1) {
      const socket = byPeer.get(peerOf('socket' in carrier ? carrier.socket : carrier));
      if (socket !== undefined) carrying.add(socket);
      carrier.once('close', () => tally(carrier));
    }
    return carried;
  }

  return {
    countRequest,
    rawSocketOf: socket => byPeer.get(peerOf(socket)),
    read() {
      const closed = [...closedByBin].sort(([a], [b]) => a - b);
      return {
        accepted,
        requests,
        openConnections: open.size,
        handshakesFull,
        handshakesResumed,
        acceptedHttp2,
        requestsPerConnection: closed.map(([requests, connections]) => ({ requests, connections })),
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
