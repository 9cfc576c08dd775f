// In: the port of a target, and a link. Out: a port that leads to the target as over a network with that link.
import { type AddressInfo, createServer, Socket } from 'node:net';
import type { RelayCounters } from '../../bench/core/link-protocol.ts';
import { createRandom, type Random } from '../../results/random.ts';
import type { Link } from '../../scenarios/model/target.ts';
import { createDelayLine, oneWayMs } from './delay-line.ts';
import { carry } from './direction.ts';
import { createMeter, type Meter } from './meter.ts';
import { createPacemaker, type Pacemaker } from './pacemaker.ts';

/** Connections that may wait to be accepted, as at the target; the kernel lowers it to net.core.somaxconn. */
const BACKLOG = 4096;

export interface RelayOptions {
  /** Where the target listens, on 127.0.0.1. */
  upstreamPort: number;
  link: Link;
  /** Fixes what jitter is drawn. */
  seed: number;
}

export interface OpenRelay {
  /** Where to connect instead, on 127.0.0.1. */
  port: number;
  read(): RelayCounters;
  /** Destroys every connection and stops listening; resolves when both are done. */
  close(): Promise<void>;
}

interface Path {
  upstreamPort: number;
  link: Link;
  random: Random;
  pacemaker: Pacemaker;
  meter: Meter;
}

/**
 * Connects onward for one client. The kernel has told the client "connected" before the relay knows of it, so the
 * handshake is made up for here: the target is dialled when the client's SYN would have reached it, and the client's
 * first bytes wait in the kernel until the answer would have reached the client. A refusal comes back as a reset.
 */
function carryConnection(client: Socket, path: Path): Socket {
  const { link, random, pacemaker, meter } = path;
  const upstream = new Socket({ allowHalfOpen: true, noDelay: true });
  carry({
    source: client,
    sink: upstream,
    line: createDelayLine(link, random),
    pacemaker,
    meter: meter.toTarget,
  });
  carry({
    source: upstream,
    sink: client,
    line: createDelayLine(link, random),
    pacemaker,
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
    pacemaker.schedule({ fire: establish }, pacemaker.arrivalMs() + oneWayMs(link, random));
  });
  upstream.once('error', () => {
    if (!isTaken) meter.countRefused();
  });
  pacemaker.schedule({ fire: dial }, pacemaker.arrivalMs() + oneWayMs(link, random));
  return upstream;
}

/**
 * Opens a relay on a free port of 127.0.0.1. What it does not have of a network: loss, and a slow start of new
 * connections (a real one sends about 14 KiB, then waits a round trip).
 *
 * @throws the system's error when listening fails.
 */
export async function openRelay({ upstreamPort, link, seed }: RelayOptions): Promise<OpenRelay> {
  const pacemaker = createPacemaker();
  const meter = createMeter();
  const sockets = new Set<Socket>();
  const path: Path = {
    upstreamPort,
    link,
    random: createRandom(seed, 'link'),
    pacemaker,
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
    read: () => ({ ...meter.read(), inFlight: pacemaker.waiting }),
    async close() {
      pacemaker.close();
      const closed = new Promise(resolve => server.close(resolve));
      const destroyed = [...sockets].map(socket => new Promise(resolve => socket.once('close', resolve)));
      for (const socket of sockets) socket.destroy();
      await Promise.all([closed, ...destroyed]);
    },
  };
}
