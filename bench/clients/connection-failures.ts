// Finds out what a broken connection had carried, for client libraries whose connections conntax can only observe.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { errorMonitor } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

/** What is known about a connection that broke; both false if nothing is. */
export interface BrokenConnection {
  /** Whether it had carried an answer before the request. */
  isReusedConnection: boolean;
  /** Whether any byte of the answer had come. */
  hasResponse: boolean;
}

export interface ConnectionFailures {
  /** Starts watching a socket that has begun to dial. */
  add(socket: Socket): void;
  /** The connection that caused an error, by the error and its causes. Both are false if that is uncertain. */
  evidenceOf(causes: readonly unknown[]): BrokenConnection;
  stop(): void;
}

/** Node publishes every error of a request of its own client on this channel, with the connection. */
const REQUEST_ERRORS = 'http.client.request.error';
const UNKNOWN: BrokenConnection = { isReusedConnection: false, hasResponse: false };
const REQUEST_HEAD = /^[A-Z-]{3,20} \S+ HTTP\/1\.[01]\r\n/;
const LONGEST_REQUEST_LINE = 4_096;

/** One connection: the number of requests written, and the bytes read before the last one. */
interface Wire {
  requests: number;
  bytesBefore: number;
  /** A request was written before any byte of the previous response arrived, so bytes cannot be assigned to requests. */
  isPipelined: boolean;
  port: number | undefined;
}

function beginsRequest(chunk: unknown): boolean {
  if (typeof chunk === 'string') return REQUEST_HEAD.test(chunk);
  return Buffer.isBuffer(chunk) && REQUEST_HEAD.test(chunk.toString('latin1', 0, LONGEST_REQUEST_LINE));
}

/** Counts each request whose head is written to the socket. */
function watchRequests(socket: Socket, wire: Wire): void {
  const write = socket.write;
  socket.write = function writeNoted(this: Socket, ...args: Parameters<Socket['write']>) {
    if (beginsRequest(args[0])) {
      const { bytesRead } = socket;
      wire.isPipelined ||= wire.requests > 0 && bytesRead === wire.bytesBefore;
      wire.requests++;
      wire.bytesBefore = bytesRead;
    }
    return write.apply(this, args);
  } as Socket['write'];
}

function evidenceOfWire(
  { bytesRead }: Socket,
  { requests, bytesBefore, isPipelined }: Wire,
): BrokenConnection {
  // With HTTP/2, or TLS over an existing socket, request heads cannot be seen.
  if (requests === 0 || isPipelined) return UNKNOWN;
  return { isReusedConnection: bytesBefore > 0, hasResponse: bytesRead > bytesBefore };
}

/** The undici built into Node includes the connection's local port in its error. */
function localPortOf(cause: unknown): unknown {
  try {
    return (cause as { socket?: { localPort?: unknown } }).socket?.localPort;
  } catch {
    return undefined;
  }
}

/**
 * Traces an error to its connection by identity (a socket's own error), by the request of `node:http`, or by the
 * connection's port. An error that a library created itself, without a cause, is assigned to the connections that broke in
 * the same turn of the event loop, if they all agree.
 */
export function watchFailures(): ConnectionFailures {
  const wires = new WeakMap<Socket, Wire>();
  const byError = new WeakMap<object, BrokenConnection>();
  const byPort = new Map<unknown, BrokenConnection>();
  let broken = new Map<Socket, BrokenConnection>();

  function noteBroken(socket: Socket): BrokenConnection {
    const wire = wires.get(socket);
    if (wire === undefined) return UNKNOWN;
    const noted = broken.get(socket);
    if (noted !== undefined) return noted;
    const evidence = evidenceOfWire(socket, wire);
    if (broken.size === 0) {
      setImmediate(() => {
        broken = new Map();
        byPort.clear();
      });
    }
    broken.set(socket, evidence);
    if (wire.port !== undefined) byPort.set(wire.port, evidence);
    return evidence;
  }

  const onRequestError = (message: unknown): void => {
    const { request, error } = message as { request: ClientRequest & { res?: unknown }; error: Error };
    if (request.socket == null) return;
    const { isReusedConnection, hasResponse } = noteBroken(request.socket);
    byError.set(error, { isReusedConnection, hasResponse: hasResponse || request.res != null });
  };
  subscribe(REQUEST_ERRORS, onRequestError);

  return {
    add(socket) {
      const wire: Wire = { requests: 0, bytesBefore: 0, isPipelined: false, port: undefined };
      wires.set(socket, wire);
      // Deferred, because a socket restores its own `write` when it begins to dial; still before a client writes to it.
      process.nextTick(watchRequests, socket, wire);
      socket.prependOnceListener('connect', () => {
        wire.port = socket.localPort;
      });
      // errorMonitor, so that an unhandled error stays unhandled.
      socket.once(errorMonitor, (error: Error) => byError.set(error, noteBroken(socket)));
      // An ended socket is closed in a later turn, and only then does a request fail within its body.
      for (const event of ['end', 'close']) socket.prependOnceListener(event, () => noteBroken(socket));
    },
    evidenceOf(causes) {
      for (const cause of causes) {
        const own = byError.get(cause as object) ?? byPort.get(localPortOf(cause) ?? Number.NaN);
        if (own !== undefined) return own;
      }
      const [first = UNKNOWN, ...others] = broken.values();
      const isAgreed = others.every(
        other =>
          other.isReusedConnection === first.isReusedConnection && other.hasResponse === first.hasResponse,
      );
      return isAgreed ? first : UNKNOWN;
    },
    stop: () => void unsubscribe(REQUEST_ERRORS, onRequestError),
  };
}
