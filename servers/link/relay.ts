// A relay in front of a target: a port whose connections behave as if over a network with a given link.
import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { createRandom, type Random } from '../../results/random.ts';
import type { Link } from '../../scenarios/model/target.ts';
import { LATENESS_BIN_COUNT, latenessBin, type RelayCounters } from '../protocol.ts';
import { DeliveryTimer, type Due } from './delivery-timer.ts';

/** Bytes, or the end of the sender: `end` closes one direction, `reset` the connection. */
export type Item = Buffer | 'end' | 'reset';

/** Limit of bytes in flight without a rate: the default TCP window of a fast sender on Linux. */
const MAX_IN_FLIGHT_BYTES = 4 * 1024 * 1024;
const MIN_IN_FLIGHT_BYTES = 64 * 1024;

/** One packet. A chunk that takes longer than a millisecond to send is delivered in pieces, as over a network. */
const MIN_PIECE_BYTES = 1_460;

/** Draws the delay of one direction: half a round trip, plus up to the jitter. */
export function oneWayMs({ roundTripMs, jitterMs }: Link, random: Random): number {
  return roundTripMs / 2 + (jitterMs === 0 ? 0 : jitterMs * random());
}

/**
 * Bytes that one line holds before its source is paused: twice the bytes sent in a one-way trip at its rate, so that the
 * rate is reached, within limits.
 */
export function inFlightLimitBytes({ roundTripMs, jitterMs, bytesPerSec }: Link): number {
  if (bytesPerSec === 'unlimited') return MAX_IN_FLIGHT_BYTES;
  const oneWayBytes = (bytesPerSec / 1_000) * (roundTripMs / 2 + jitterMs);
  return Math.min(MAX_IN_FLIGHT_BYTES, Math.max(MIN_IN_FLIGHT_BYTES, 2 * oneWayBytes));
}

/** Delays what goes one way over a link, and keeps its order. Pure: the caller passes the time. */
export class DelayLine {
  readonly #link: Link;
  readonly #random: Random;
  readonly #limitBytes: number;
  readonly #bytesPerMs: number;
  readonly #pieceBytes: number;
  #held: { item: Item; dueMs: number }[] = [];
  /** Index of the next item; taken items are removed once they are the majority. */
  #first = 0;
  #heldBytes = 0;
  /** The line is busy with earlier bytes until then. */
  #sendingUntilMs = -Infinity;
  #lastDueMs = -Infinity;
  #resetDueMs = Infinity;

  constructor(link: Link, random: Random) {
    this.#link = link;
    this.#random = random;
    this.#limitBytes = inFlightLimitBytes(link);
    this.#bytesPerMs = link.bytesPerSec === 'unlimited' ? Infinity : link.bytesPerSec / 1_000;
    this.#pieceBytes = Math.max(MIN_PIECE_BYTES, Math.floor(this.#bytesPerMs));
  }

  /** Delivery time of the next item; Infinity without one. */
  get dueMs(): number {
    return this.#held[this.#first]?.dueMs ?? Infinity;
  }

  /** Delivery time of a reset; Infinity without one. A reset does not wait for a slow reader. */
  get resetDueMs(): number {
    return this.#resetDueMs;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether to pause the source, because the limit of bytes in flight is reached. */
  get isFull(): boolean {
    return this.#heldBytes >= this.#limitBytes;
  }

  /** Adds an item that arrived at the given time; times never decrease. Nothing may follow a reset. */
  push(item: Item, arrivedMs: number): void {
    const delayMs = oneWayMs(this.#link, this.#random);
    if (typeof item !== 'string') {
      this.#pushBytes(item, arrivedMs, delayMs);
      return;
    }
    this.#hold(item, arrivedMs + delayMs);
    if (item === 'reset') this.#resetDueMs = this.#lastDueMs;
  }

  #pushBytes(chunk: Buffer, arrivedMs: number, delayMs: number): void {
    this.#heldBytes += chunk.length;
    if (this.#bytesPerMs === Infinity) {
      this.#hold(chunk, arrivedMs + delayMs);
      return;
    }
    for (let at = 0; at < chunk.length; at += this.#pieceBytes) {
      const piece = chunk.subarray(at, at + this.#pieceBytes);
      this.#sendingUntilMs = Math.max(this.#sendingUntilMs, arrivedMs) + piece.length / this.#bytesPerMs;
      this.#hold(piece, this.#sendingUntilMs + delayMs);
    }
  }

  #hold(item: Item, dueMs: number): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    this.#held.push({ item, dueMs: this.#lastDueMs });
  }

  /** The next item, if it is due by then. */
  take(nowMs: number): Item | undefined {
    const next = this.#held[this.#first];
    if (next === undefined || next.dueMs > nowMs) return undefined;
    this.#first++;
    if (this.#first * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
    if (typeof next.item !== 'string') this.#heldBytes -= next.item.length;
    return next.item;
  }

  /** Drops everything that is held. */
  clear(): void {
    this.#held = [];
    this.#first = 0;
    this.#heldBytes = 0;
    this.#resetDueMs = Infinity;
  }
}

type Way = 'toTarget' | 'toClient';

/** Counts what passes the relay, and how late it is written. */
class Meter {
  /** Counting in a plain array of small integers is as fast as in a typed array. */
  readonly #latenessCounts = new Array<number>(LATENESS_BIN_COUNT).fill(0);
  readonly #bytes: Record<Way, number> = { toTarget: 0, toClient: 0 };
  #connections = 0;
  #openConnections = 0;
  #refused = 0;

  /** @param lateMs NaN if the bytes had to wait for their reader */
  countWrite(way: Way, bytes: number, lateMs: number): void {
    this.#bytes[way] += bytes;
    if (!Number.isNaN(lateMs)) this.#latenessCounts[latenessBin(lateMs)]!++;
  }

  countOpened(): void {
    this.#connections++;
    this.#openConnections++;
  }

  countRefused(): void {
    this.#refused++;
  }

  countClosed(): void {
    this.#openConnections--;
  }

  read(): Omit<RelayCounters, 'inFlight'> {
    const counts = this.#latenessCounts;
    return {
      connections: this.#connections,
      openConnections: this.#openConnections,
      refused: this.#refused,
      toTargetBytes: this.#bytes.toTarget,
      toClientBytes: this.#bytes.toClient,
      latenessCounts: counts.slice(0, counts.findLastIndex(count => count > 0) + 1),
    };
  }
}

/** What a middlebox on the way, such as a NAT or a load balancer, knows of a connection. */
class Passage {
  readonly #silentAfterIdleMs: number;
  #lastAtMs: number;
  #isForgotten = false;

  constructor({ silentAfterIdleMs = Infinity }: Link, beginsAtMs: number) {
    this.#silentAfterIdleMs = silentAfterIdleMs;
    this.#lastAtMs = beginsAtMs;
  }

  /** Whether something that arrives at this time passes. If not, the connection is forgotten: nothing ever passes again. */
  lets(nowMs: number): boolean {
    this.#isForgotten ||= nowMs - this.#lastAtMs >= this.#silentAfterIdleMs;
    this.#lastAtMs = nowMs;
    return !this.#isForgotten;
  }
}

/** What all connections of a relay share. */
interface Path {
  upstreamPort: number;
  link: Link;
  random: Random;
  timer: DeliveryTimer;
  meter: Meter;
}

interface DirectionOptions {
  way: Way;
  source: Socket;
  sink: Socket;
  passage: Passage;
  path: Path;
}

/**
 * Carries data from the source to the sink until the source ends. Only a stalled reader stops the sink, and only a full line
 * stops the source. (A stopped source is not polled either, so a reset by its peer is noticed only when the reader continues.)
 */
class Direction implements Due {
  readonly #way: Way;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #passage: Passage;
  readonly #line: DelayLine;
  readonly #timer: DeliveryTimer;
  readonly #meter: Meter;
  #isScheduled = false;
  /** The sink's buffer is full until its reader continues. */
  #isStalled = false;
  /** The data due now has waited for the reader, so its lateness is not the relay's. */
  #hasStalled = false;

  constructor({ way, source, sink, passage, path }: DirectionOptions) {
    this.#way = way;
    this.#source = source;
    this.#sink = sink;
    this.#passage = passage;
    this.#line = new DelayLine(path.link, path.random);
    this.#timer = path.timer;
    this.#meter = path.meter;
  }

  start(): void {
    this.#source.on('data', (chunk: Buffer) => this.#push(chunk));
    this.#source.on('end', () => this.#push('end'));
    this.#source.on('error', () => this.#push('reset'));
    this.#sink.on('drain', () => {
      this.#isStalled = false;
      this.#hasStalled = true;
      this.#flush();
    });
    this.#sink.on('close', () => {
      this.#line.clear();
      this.#source.resume();
    });
  }

  fire(): void {
    this.#isScheduled = false;
    this.#flush();
  }

  #push(item: Item): void {
    if (this.#sink.destroyed) return; // as a network drops packets to a closed connection
    const arrivedMs = this.#timer.arrivalMs();
    if (!this.#passage.lets(arrivedMs)) {
      // The other side is not told, but the relay needs no socket to a side that has closed.
      if (typeof item === 'string') this.#source.destroy();
      return;
    }
    this.#line.push(item, arrivedMs);
    if (this.#line.isFull) this.#source.pause();
    this.#schedule();
  }

  #schedule(): void {
    const dueMs = this.#isStalled ? this.#line.resetDueMs : this.#line.dueMs;
    if (this.#isScheduled || dueMs === Infinity) return;
    this.#isScheduled = true;
    this.#timer.schedule(this, dueMs);
  }

  #flush(): void {
    const line = this.#line;
    if (this.#isStalled && line.resetDueMs <= this.#timer.reachMs()) {
      line.clear();
      this.#sink.resetAndDestroy();
    }
    while (!this.#isStalled) {
      const { dueMs } = line;
      const item = line.take(this.#timer.reachMs());
      if (item === undefined) {
        this.#hasStalled = false;
        break;
      }
      this.#deliver(item, dueMs);
    }
    if (this.#source.isPaused() && !line.isFull) this.#source.resume();
    this.#schedule();
  }

  #deliver(item: Item, dueMs: number): void {
    if (item === 'reset') this.#sink.resetAndDestroy();
    else if (item === 'end') this.#sink.end();
    else {
      this.#isStalled = !this.#sink.write(item);
      const lateMs = this.#hasStalled ? Number.NaN : performance.now() - dueMs;
      this.#meter.countWrite(this.#way, item.length, lateMs);
    }
  }
}

/**
 * Connects to the target for one client. The kernel completes the client's handshake before the relay knows of it, so the
 * handshake's delay is added here: the target is dialled when the client's SYN would have reached it, and the client's
 * first bytes wait in the kernel until the answer would have reached the client. A refusal is returned as a reset.
 */
function carryConnection(client: Socket, path: Path): Socket {
  const { link, random, timer, meter, upstreamPort } = path;
  const upstream = new Socket({ allowHalfOpen: true, noDelay: true });
  const passage = new Passage(link, timer.arrivalMs());
  new Direction({ way: 'toTarget', source: client, sink: upstream, passage, path }).start();
  new Direction({ way: 'toClient', source: upstream, sink: client, passage, path }).start();
  const dial = (): void => {
    if (!upstream.destroyed) upstream.connect({ host: '127.0.0.1', port: upstreamPort });
  };
  const establish = (): void => {
    if (!client.destroyed) client.resume();
  };
  let isTaken = false;
  upstream.once('connect', () => {
    isTaken = true;
    timer.schedule({ fire: establish }, timer.arrivalMs() + oneWayMs(link, random));
  });
  upstream.once('error', () => {
    if (!isTaken) meter.countRefused();
  });
  timer.schedule({ fire: dial }, timer.arrivalMs() + oneWayMs(link, random));
  return upstream;
}

/** Length of the accept queue: DEFAULT_BACKLOG of the target, which cannot be imported without the schemas. */
export const BACKLOG = 4096;

interface RelayOptions {
  /** The target's port on 127.0.0.1. */
  upstreamPort: number;
  link: Link;
  /** Seed of the jitter. */
  seed: number;
}

export interface OpenRelay {
  /** The relay's port on 127.0.0.1. */
  port: number;
  read(): RelayCounters;
  /** Destroys every connection and stops listening; resolves when both are done. */
  close(): Promise<void>;
}

/**
 * Opens a relay on a free port of 127.0.0.1. It does not emulate packet loss, or the slow start of new
 * connections (a real one sends about 14 KiB, then waits a round trip). TCP's own probes of idle connections end at the relay, so
 * they do not keep a connection from being forgotten.
 *
 * @throws the system's error when listening fails.
 */
export async function openRelay({ upstreamPort, link, seed }: RelayOptions): Promise<OpenRelay> {
  const timer = new DeliveryTimer();
  const meter = new Meter();
  const sockets = new Set<Socket>();
  const path: Path = { upstreamPort, link, random: createRandom(seed, 'link'), timer, meter };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, client => {
    meter.countOpened();
    client.once('close', () => meter.countClosed());
    keep(client);
    keep(carryConnection(client, path));
  });
  await once(server.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG }), 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    read: () => ({ ...meter.read(), inFlight: timer.waiting }),
    async close() {
      timer.close();
      const closed = new Promise(resolve => server.close(resolve));
      const destroyed = [...sockets].map(socket => new Promise(resolve => socket.once('close', resolve)));
      for (const socket of sockets) socket.destroy();
      await Promise.all([closed, ...destroyed]);
    },
  };
}
