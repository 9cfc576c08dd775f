// A relay in front of a target: a port whose connections behave as if over a network with a given link.
import { type AddressInfo, createServer, Socket } from 'node:net';
import { createRandom, type Random } from '../../results/random.ts';
import type { Link } from '../../scenarios/model/target.ts';
import { LATENESS_BIN_COUNT, latenessBin, type RelayCounters } from '../protocol.ts';
import { createDelayLine, type DelayLine, type Item, oneWayMs } from './delay-line.ts';
import { createDeliveryTimer, type DeliveryTimer, type Due } from './delivery-timer.ts';

interface DirectionMeter {
  /** Counts written bytes and their lateness; NaN if they had to wait for their reader. */
  countWrite(bytes: number, lateMs: number): void;
}

interface Meter {
  readonly toTarget: DirectionMeter;
  readonly toClient: DirectionMeter;
  countOpened(): void;
  countRefused(): void;
  countClosed(): void;
  read(): Omit<RelayCounters, 'inFlight'>;
}

function createMeter(): Meter {
  /** Counting in a plain array of small integers is as fast as in a typed array. */
  const latenessCounts = new Array<number>(LATENESS_BIN_COUNT).fill(0);
  const bytes = { toTarget: 0, toClient: 0 };
  let connections = 0;
  let openConnections = 0;
  let refused = 0;

  function meterDirection(way: 'toTarget' | 'toClient'): DirectionMeter {
    return {
      countWrite(count, lateMs) {
        bytes[way] += count;
        if (!Number.isNaN(lateMs)) latenessCounts[latenessBin(lateMs)]!++;
      },
    };
  }

  return {
    toTarget: meterDirection('toTarget'),
    toClient: meterDirection('toClient'),
    countOpened() {
      connections++;
      openConnections++;
    },
    countRefused() {
      refused++;
    },
    countClosed() {
      openConnections--;
    },
    read: () => ({
      connections,
      openConnections,
      refused,
      toTargetBytes: bytes.toTarget,
      toClientBytes: bytes.toClient,
      latenessCounts: latenessCounts.slice(0, latenessCounts.findLastIndex(count => count > 0) + 1),
    }),
  };
}

/** What a middlebox on the way, such as a NAT or a load balancer, knows of a connection. */
interface Passage {
  /** Whether something that arrives at this time passes. If not, the connection is forgotten: nothing ever passes again. */
  lets(nowMs: number): boolean;
}

const OPEN_PASSAGE: Passage = { lets: () => true };

function createPassage({ silentAfterIdleMs }: Link, beginsAtMs: number): Passage {
  if (silentAfterIdleMs === undefined) return OPEN_PASSAGE;
  let lastAtMs = beginsAtMs;
  let isForgotten = false;
  return {
    lets(nowMs) {
      isForgotten ||= nowMs - lastAtMs >= silentAfterIdleMs;
      lastAtMs = nowMs;
      return !isForgotten;
    },
  };
}

interface DirectionOptions {
  source: Socket;
  sink: Socket;
  line: DelayLine;
  passage: Passage;
  timer: DeliveryTimer;
  meter: DirectionMeter;
}

/**
 * Carries data from the source to the sink until the source ends. Only a stalled reader stops the sink, and only a full line
 * stops the source. (A stopped source is not polled either, so a reset by its peer is noticed only when the reader continues.)
 */
function carry({ source, sink, line, passage, timer, meter }: DirectionOptions): void {
  let isScheduled = false;
  /** The sink's buffer is full until its reader continues. */
  let isStalled = false;
  /** The data due now has waited for the reader, so its lateness is not the relay's. */
  let hasStalled = false;

  function schedule(): void {
    const dueMs = isStalled ? line.resetDueMs : line.dueMs;
    if (isScheduled || dueMs === Number.POSITIVE_INFINITY) return;
    isScheduled = true;
    timer.schedule(due, dueMs);
  }

  function deliver(item: Item, dueMs: number): void {
    if (item === 'reset') sink.resetAndDestroy();
    else if (item === 'end') sink.end();
    else {
      isStalled = !sink.write(item);
      meter.countWrite(item.length, hasStalled ? Number.NaN : performance.now() - dueMs);
    }
  }

  function flush(): void {
    if (isStalled && line.resetDueMs <= timer.reachMs()) {
      line.clear();
      sink.resetAndDestroy();
    }
    while (!isStalled) {
      const { dueMs } = line;
      const item = line.take(timer.reachMs());
      if (item === undefined) {
        hasStalled = false;
        break;
      }
      deliver(item, dueMs);
    }
    if (source.isPaused() && !line.isFull) source.resume();
    schedule();
  }

  const due: Due = {
    fire() {
      isScheduled = false;
      flush();
    },
  };

  function push(item: Item): void {
    if (sink.destroyed) return; // as a network drops packets to a closed connection
    const arrivedMs = timer.arrivalMs();
    if (!passage.lets(arrivedMs)) {
      // The other side is not told, but the relay needs no socket to a side that has closed.
      if (typeof item === 'string') source.destroy();
      return;
    }
    line.push(item, arrivedMs);
    if (line.isFull) source.pause();
    schedule();
  }

  source.on('data', (chunk: Buffer) => push(chunk));
  source.on('end', () => push('end'));
  source.on('error', () => push('reset'));
  sink.on('drain', () => {
    isStalled = false;
    hasStalled = true;
    flush();
  });
  sink.on('close', () => {
    line.clear();
    source.resume();
  });
}

/** Length of the accept queue, as at the target; the kernel limits it to net.core.somaxconn. */
const BACKLOG = 4096;

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

interface Path {
  upstreamPort: number;
  link: Link;
  random: Random;
  timer: DeliveryTimer;
  meter: Meter;
}

/**
 * Connects to the target for one client. The kernel completes the client's handshake before the relay knows of it, so the
 * handshake's delay is added here: the target is dialled when the client's SYN would have reached it, and the client's
 * first bytes wait in the kernel until the answer would have reached the client. A refusal is returned as a reset.
 */
function carryConnection(client: Socket, path: Path): Socket {
  const { link, random, timer, meter } = path;
  const upstream = new Socket({ allowHalfOpen: true, noDelay: true });
  const passage = createPassage(link, timer.arrivalMs());
  carry({
    source: client,
    sink: upstream,
    line: createDelayLine(link, random),
    passage,
    timer,
    meter: meter.toTarget,
  });
  carry({
    source: upstream,
    sink: client,
    line: createDelayLine(link, random),
    passage,
    timer,
    meter: meter.toClient,
  });
  const dial = (): void => {
    if (!upstream.destroyed) upstream.connect({ host: '127.0.0.1', port: path.upstreamPort });
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

/**
 * Opens a relay on a free port of 127.0.0.1. It does not emulate packet loss, or the slow start of new
 * connections (a real one sends about 14 KiB, then waits a round trip). TCP's own probes of idle connections end at the relay, so
 * they do not keep a connection from being forgotten.
 *
 * @throws the system's error when listening fails.
 */
export async function openRelay({ upstreamPort, link, seed }: RelayOptions): Promise<OpenRelay> {
  const timer = createDeliveryTimer();
  const meter = createMeter();
  const sockets = new Set<Socket>();
  const path: Path = {
    upstreamPort,
    link,
    random: createRandom(seed, 'link'),
    timer,
    meter,
  };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, client => {
    meter.countOpened();
    client.once('close', meter.countClosed);
    keep(client);
    keep(carryConnection(client, path));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG }, resolve);
  });

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
