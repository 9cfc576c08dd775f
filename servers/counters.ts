// Counts a server's connections, requests and TLS handshakes.
import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProcessReading } from '../results/model/trial.ts';
import type { TargetReading } from './protocol.ts';

/** The counters of a target, cumulative except for openConnections. */
export type TargetCounters = Omit<TargetReading, keyof ProcessReading>;

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

/**
 * Counts the connections of a server that does not listen yet. A handshake counts when it is complete (a failed one is
 * an accepted connection without requests). HTTP/2 requests are counted automatically: each stream is one.
 *
 * With TLS a connection has two sockets: the raw one, which is accepted and closed, and the secure one, which carries
 * the requests, or has a session that does. The public API cannot match them, but that is not necessary: connections without
 * requests are the closed ones minus those that carried requests.
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
      // While only one of the two sockets of a TLS connection is closed, the difference may be off by one for a moment.
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
