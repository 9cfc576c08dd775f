// Finds out what the connection of a failed request had carried: whether it was reused, and whether an answer had begun.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { errorMonitor } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { type Evidence, NO_EVIDENCE } from './errors.ts';

/** Node publishes every error of a request of its own client on this channel, with the connection. */
const REQUEST_ERRORS = 'http.client.request.error';
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

function evidenceOfWire({ bytesRead }: Socket, { requests, bytesBefore, isPipelined }: Wire): Evidence {
  // With HTTP/2, or TLS over an existing socket, request heads cannot be seen.
  if (requests === 0 || isPipelined) return NO_EVIDENCE;
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
export class ConnectionFailures {
  readonly #wires = new WeakMap<Socket, Wire>();
  readonly #byError = new WeakMap<object, Evidence>();
  readonly #byPort = new Map<unknown, Evidence>();
  readonly #broken = new Map<Socket, Evidence>();

  constructor() {
    subscribe(REQUEST_ERRORS, this.#onRequestError);
  }

  /** Starts watching a socket that has begun to dial. */
  add(socket: Socket): void {
    const wire: Wire = { requests: 0, bytesBefore: 0, isPipelined: false, port: undefined };
    this.#wires.set(socket, wire);
    // Deferred, because a socket restores its own `write` when it begins to dial; still before a client writes to it.
    process.nextTick(watchRequests, socket, wire);
    socket.prependOnceListener('connect', () => {
      wire.port = socket.localPort;
    });
    // errorMonitor, so that an unhandled error stays unhandled.
    socket.once(errorMonitor, (error: Error) => this.#byError.set(error, this.#noteBroken(socket)));
    // An ended socket is closed in a later turn, and only then does a request fail within its body.
    for (const event of ['end', 'close']) socket.prependOnceListener(event, () => this.#noteBroken(socket));
  }

  /** The connection that caused an error, by the error and its causes. No evidence if that is uncertain. */
  evidenceOf(causes: readonly unknown[]): Evidence {
    for (const cause of causes) {
      const own = this.#byError.get(cause as object) ?? this.#byPort.get(localPortOf(cause) ?? Number.NaN);
      if (own !== undefined) return own;
    }
    const [first = NO_EVIDENCE, ...others] = this.#broken.values();
    const isAgreed = others.every(
      other =>
        other.isReusedConnection === first.isReusedConnection && other.hasResponse === first.hasResponse,
    );
    return isAgreed ? first : NO_EVIDENCE;
  }

  stop(): void {
    unsubscribe(REQUEST_ERRORS, this.#onRequestError);
  }

  readonly #onRequestError = (message: unknown): void => {
    const { request, error } = message as { request: ClientRequest & { res?: unknown }; error: Error };
    if (request.socket == null) return;
    const { isReusedConnection, hasResponse } = this.#noteBroken(request.socket);
    this.#byError.set(error, { isReusedConnection, hasResponse: hasResponse || request.res != null });
  };

  #noteBroken(socket: Socket): Evidence {
    const wire = this.#wires.get(socket);
    if (wire === undefined) return NO_EVIDENCE;
    const noted = this.#broken.get(socket);
    if (noted !== undefined) return noted;
    const evidence = evidenceOfWire(socket, wire);
    if (this.#broken.size === 0) {
      setImmediate(() => {
        this.#broken.clear();
        this.#byPort.clear();
      });
    }
    this.#broken.set(socket, evidence);
    if (wire.port !== undefined) this.#byPort.set(wire.port, evidence);
    return evidence;
  }
}
