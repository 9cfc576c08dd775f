// Counts a server's connections, requests and TLS handshakes.

import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProcessReading } from '../results/model/process.ts';
import { sumOf } from '../results/stats.ts';
import type { TargetReading } from './protocol.ts';

/** Counts of connections and requests, cumulative except for openConnections. */
export type TargetCounters = Omit<TargetReading, keyof ProcessReading | 'faults' | 'origins'>;

/** Those of one server. */
export type ServerCounters = Omit<TargetCounters, 'backends' | 'growth'>;

/** The counters of a target whose servers share its address; each server's own are beside their sum. */
export function sumCounters(all: readonly ServerCounters[]): Omit<TargetCounters, 'growth'> {
  const sum = (name: Exclude<keyof ServerCounters, 'requestsPerConnection'>): number =>
    sumOf(all, counters => counters[name]);
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
        connections: sumOf(entries, ({ connections }) => connections),
      }))
      .sort((a, b) => a.requests - b.requests),
    backends: all.map(({ accepted, requests }) => ({ accepted, requests })),
  };
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
export class ConnectionCounters {
  readonly #open = new Set<Socket>();
  readonly #byPeer = new Map<string, Socket>();
  readonly #carrying = new WeakSet<Socket>();
  readonly #carriedBy = new Map<Carrier, number>();
  readonly #closedByBin = new Map<number, number>();
  #accepted = 0;
  #requests = 0;
  #handshakesFull = 0;
  #handshakesResumed = 0;
  #acceptedHttp2 = 0;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => this.#countAccepted(socket));
    server.on('secureConnection', (socket: TLSSocket) => {
      peerOf(socket); // Node keeps it, so that it is still known at the first request if the peer has gone by then.
      if (socket.isSessionReused()) this.#handshakesResumed++;
      else this.#handshakesFull++;
    });
    server.on('session', (session: ServerHttp2Session) => {
      this.#acceptedHttp2++;
      session.on('stream', () => this.countRequest(session));
    });
  }

  /** Call it for each HTTP/1.1 request, before it is answered. Returns the number of requests on its connection so far. */
  countRequest(carrier: Carrier): number {
    this.#requests++;
    const carried = (this.#carriedBy.get(carrier) ?? 0) + 1;
    this.#carriedBy.set(carrier, carried);
    if (carried === 1) {
      const socket = this.rawSocketOf('socket' in carrier ? carrier.socket : carrier);
      if (socket !== undefined) this.#carrying.add(socket);
      carrier.once('close', () => {
        this.#countClosed(this.#carriedBy.get(carrier)!);
        this.#carriedBy.delete(carrier);
      });
    }
    return carried;
  }

  /** The accepted socket below a request's socket, the same without TLS; undefined once it is closed. */
  rawSocketOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): Socket | undefined {
    return this.#byPeer.get(peerOf(socket));
  }

  read(): ServerCounters {
    const closed = [...this.#closedByBin].sort(([a], [b]) => a - b);
    return {
      accepted: this.#accepted,
      requests: this.#requests,
      openConnections: this.#open.size,
      handshakesFull: this.#handshakesFull,
      handshakesResumed: this.#handshakesResumed,
      acceptedHttp2: this.#acceptedHttp2,
      requestsPerConnection: closed.map(([requests, connections]) => ({ requests, connections })),
    };
  }

  /** Destroys every open connection, including those in a handshake; resolves when each is counted as closed. */
  async destroyConnections(): Promise<void> {
    const closed = [...this.#open, ...this.#carriedBy.keys()].map(
      carrier => new Promise<void>(resolve => carrier.once('close', () => resolve())),
    );
    for (const socket of this.#open) socket.destroy();
    await Promise.all(closed);
  }

  #countAccepted(socket: Socket): void {
    this.#accepted++;
    this.#open.add(socket);
    const peer = peerOf(socket);
    this.#byPeer.set(peer, socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#byPeer.get(peer) === socket) this.#byPeer.delete(peer);
      if (!this.#carrying.has(socket)) this.#countClosed(0);
    });
  }

  #countClosed(carried: number): void {
    const bin = requestsBin(carried);
    this.#closedByBin.set(bin, (this.#closedByBin.get(bin) ?? 0) + 1);
  }
}
