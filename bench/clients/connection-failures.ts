// In: the sockets of a client that we can't see into, and an error of its. Out: what the connection of the failed request had carried.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { errorMonitor } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

/** What is known of a connection that broke: both false where nothing is. */
export interface BrokenConnection {
  /** Whether it had carried an answer before the request. */
  isReusedConnection: boolean;
  /** Whether any byte of the answer had come. */
  hasResponse: boolean;
}

export interface ConnectionFailures {
  /** Takes in a socket that has begun to dial. */
  add(socket: Socket): void;
  /** What broke, by an error and its causes. Where that is not known for certain, both are false. */
  evidenceOf(causes: readonly unknown[]): BrokenConnection;
  stop(): void;
}

/** Node tells of every error of a request of its own client, with the connection that it was on. */
const REQUEST_ERRORS = 'http.client.request.error';
const UNKNOWN: BrokenConnection = { isReusedConnection: false, hasResponse: false };
const REQUEST_HEAD = /^[A-Z-]{3,20} \S+ HTTP\/1\.[01]\r\n/;
const LONGEST_REQUEST_LINE = 4_096;

/** One connection: how many requests were written to it, and what it had read when the last one was. */
interface Wire {
  requests: number;
  bytesBefore: number;
  /** A request was written before anything of the answer to the last one had come: whose answer a byte is can't be told. */
  isPipelined: boolean;
  port: number | undefined;
}

function beginsRequest(chunk: unknown): boolean {
  if (typeof chunk === 'string') return REQUEST_HEAD.test(chunk);
  return Buffer.isBuffer(chunk) && REQUEST_HEAD.test(chunk.toString('latin1', 0, LONGEST_REQUEST_LINE));
}

/** Has each head of a request that is written to it noted. */
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
  // Of HTTP/2, and of TLS over a socket that was there before, no head of a request is seen.
  if (requests === 0 || isPipelined) return UNKNOWN;
  return { isReusedConnection: bytesBefore > 0, hasResponse: bytesRead > bytesBefore };
}

/** The undici inside of Node names with its error the port that the connection had. */
function localPortOf(cause: unknown): unknown {
  try {
    return (cause as { socket?: { localPort?: unknown } }).socket?.localPort;
  } catch {
    return undefined;
  }
}

/**
 * An error is traced to its connection by itself (a socket's own), by the request of `node:http` that had it, or by the
 * connection's port. One that a library has made anew, without a cause, is taken for that of the connections which broke in
 * the same turn of the event loop, if they all tell the same.
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
      // Later, for a socket takes back its own `write` as it begins to dial; and before a client writes to it.
      process.nextTick(watchRequests, socket, wire);
      socket.prependOnceListener('connect', () => {
        wire.port = socket.localPort;
      });
      // A monitor, so that an error which the client does not handle is still none that is handled.
      socket.once(errorMonitor, (error: Error) => byError.set(error, noteBroken(socket)));
      // An ended one is closed in a later turn, and only then does a request within its body fail.
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
