// The plainest client on sockets, at a given rate: the generator of bench/studies/link.ts.
import { once } from 'node:events';
import { connect } from 'node:net';

export interface DriveOrder {
  type: 'drive';
  port: number;
  ratePerSec: number;
  /** kept: connections that are open already; new: one for each exchange, whose time counts from the dial. */
  connections: 'kept' | 'new';
  /** An exchange that would need more is not made, but counted. */
  mostOpen: number;
  rampMs: number;
  windowMs: number;
}

export interface Driven {
  type: 'driven';
  /** One an exchange that was begun in the window, in ms, ascending. */
  tookMs: number[];
  heldBack: number;
}

export type PacedReply = Driven | { type: 'failed'; message: string };

/** Exchanges one at a time. */
interface Connection {
  isConnected: Promise<unknown>;
  ask(onAnswer: (connection: Connection) => void): void;
  end(): void;
}

function reply(message: PacedReply): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  reply({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}

/** How many bytes an answer has, by its header; Infinity until that is complete. */
function answerBytes(received: string): number {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return Number.POSITIVE_INFINITY;
  const length = /content-length: (\d+)/i.exec(received)?.[1];
  if (length === undefined) throw new Error('the target must answer with a Content-Length');
  return end + 4 + Number(length);
}

function dial(port: number): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let received = '';
  let onEnd: (connection: Connection) => void = () => {};
  socket.setEncoding('latin1');
  socket.on('error', fail);
  socket.on('data', (text: string) => {
    received += text;
    if (received.length < answerBytes(received)) return;
    received = '';
    onEnd(connection);
  });
  const connection: Connection = {
    isConnected: once(socket, 'connect'),
    ask(onAnswer) {
      onEnd = onAnswer;
      socket.write('GET / HTTP/1.1\r\nHost: target\r\n\r\n');
    },
    end: () => void socket.end(),
  };
  return connection;
}

/** By port. They stay open from one order to the next. */
const idleConnections = new Map<number, Connection[]>();

/** Ensures that this number is open and has had its first exchange, which pays for the handshake. */
async function openKept(port: number, count: number): Promise<Connection[]> {
  const idle = idleConnections.get(port) ?? [];
  idleConnections.set(port, idle);
  const opened = Array.from({ length: count - idle.length }, () => dial(port));
  await Promise.all(opened.map(({ isConnected }) => isConnected));
  const answered = opened.map(connection => new Promise<Connection>(resolve => connection.ask(resolve)));
  idle.push(...(await Promise.all(answered)));
  return idle;
}

async function drive(order: DriveOrder): Promise<Driven> {
  const { port, ratePerSec, connections, mostOpen, rampMs, windowMs } = order;
  const idle = connections === 'kept' ? await openKept(port, mostOpen) : undefined;
  const tookMs: number[] = [];
  let heldBack = 0;
  let inFlight = 0;
  let isRecording = false;
  const done = Promise.withResolvers<void>();
  let isOver = false;

  const send = (): void => {
    const isRecorded = isRecording;
    const startMs = performance.now();
    const connection = idle ? idle.pop() : inFlight < mostOpen ? dial(port) : undefined;
    if (connection === undefined) {
      heldBack++;
      return;
    }
    inFlight++;
    connection.ask(answered => {
      inFlight--;
      if (isRecorded) tookMs.push(performance.now() - startMs);
      if (idle) idle.push(answered);
      else answered.end();
      if (isOver && inFlight === 0) done.resolve();
    });
  };

  const startMs = performance.now();
  let begun = 0;
  const tick = (): void => {
    const elapsedMs = performance.now() - startMs;
    isRecording = elapsedMs >= rampMs;
    isOver = elapsedMs >= rampMs + windowMs;
    if (!isOver) {
      for (const due = (elapsedMs / 1_000) * ratePerSec; begun < due; begun++) send();
      setTimeout(tick, 1);
    } else if (inFlight === 0) done.resolve();
  };
  tick();
  await done.promise;
  return { type: 'driven', tookMs: tookMs.sort((a, b) => a - b), heldBack };
}

process.on('SIGINT', () => {});
process.once('disconnect', () => process.exit(0));
process.on('message', (order: DriveOrder) => void drive(order).then(reply, fail));
