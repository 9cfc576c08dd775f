// In: an agent and the record of an exchange. Out: the exchange done by node:http, timed at the points that all transports share.
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Client } from '../../scenarios/model/client.ts';
import type { Exchange } from '../contracts.ts';
import { beginExchange } from '../core/exchange.ts';
import type { Outcome } from '../../results/model/trial.ts';
import type { ClientSockets } from '../clients/sockets.ts';
import { classifyError, describeError } from '../clients/errors.ts';

export interface SlotContext {
  /** `http.request` or `https.request`. */
  request(options: RequestOptions): ClientRequest;
  /** The same for every request. */
  options: RequestOptions;
  requestsPerConnection: Client['requestsPerConnection'];
  /** Requests that each connection has carried; only kept where that is limited to more than one. */
  carried: WeakMap<Socket, number>;
  sockets: ClientSockets;
  /** The event after which a new connection can be written to. */
  readyEvent: 'connect' | 'secureConnect';
  timeouts: Pick<Client['timeouts'], 'headersMs' | 'bodyMs'>;
  /** Whether times within the exchange are wanted, for phases or timeouts. */
  isTimed: boolean;
  isDumped: boolean;
  isClosed: boolean;
  /** Those whose timeouts are to be watched. */
  slots: Set<NodeHttpSlot>;
}

type OnEnd = (exchange: Exchange) => void;

/** A record's own state: what handles its requests one after another, without an allocation for each beyond Node's. */
export class NodeHttpSlot {
  readonly #context: SlotContext;
  readonly #exchange: Exchange;
  readonly #chunks: Buffer[] = [];
  #onEnd: OnEnd = () => {};
  /** The request in flight; what an earlier one still says is not about this exchange. */
  #request: ClientRequest | undefined;
  #bytesBefore = 0;
  #hasResponse = false;
  #lastPieceAtMs = Number.NaN;
  #isAbandoned = false;

  constructor(context: SlotContext, exchange: Exchange) {
    this.#context = context;
    this.#exchange = exchange;
    context.slots.add(this);
  }

  send(onEnd: OnEnd): void {
    const exchange = this.#exchange;
    this.#onEnd = onEnd;
    this.#bytesBefore = 0;
    this.#hasResponse = false;
    beginExchange(exchange);
    exchange.abandon = this.#abandon;
    this.#start();
  }

  #start(): void {
    const { request: createRequest, options, requestsPerConnection, isClosed } = this.#context;
    if (isClosed) {
      this.#fail('other', 'the transport is closed');
      return;
    }
    const request = createRequest(options);
    this.#request = request;
    request.on('socket', this.#onSocket);
    request.on('response', this.#onResponse);
    request.on('error', error => this.#onError(request, error));
    request.on('close', () => this.#onClose(request));
    if (requestsPerConnection === 1) request.shouldKeepAlive = false;
    // Where requests are counted, the header is only known with the connection.
    if (typeof requestsPerConnection !== 'number' || requestsPerConnection === 1) request.end();
  }

  readonly #onSocket = (socket: Socket): void => {
    const { requestsPerConnection, carried, sockets, readyEvent, isTimed } = this.#context;
    this.#bytesBefore = socket.bytesRead;
    if (typeof requestsPerConnection === 'number' && requestsPerConnection > 1) {
      const count = (carried.get(socket) ?? 0) + 1;
      carried.set(socket, count);
      if (count >= requestsPerConnection) this.#request!.shouldKeepAlive = false;
      this.#request!.end();
    }
    if (!isTimed) return;
    if (sockets.isReady(socket)) this.#onReady();
    else socket.once(readyEvent, this.#onReady);
  };

  readonly #onReady = (): void => {
    this.#exchange.writtenAtMs = performance.now();
  };

  readonly #onResponse = (response: IncomingMessage): void => {
    const { isTimed, isDumped, timeouts } = this.#context;
    const exchange = this.#exchange;
    const request = this.#request!;
    this.#hasResponse = true;
    if (isTimed) {
      exchange.headersAtMs = performance.now();
      this.#lastPieceAtMs = exchange.headersAtMs;
    }
    exchange.status = response.statusCode ?? 0;
    response.on('data', isDumped ? this.#onPieceDumped : this.#onPiece);
    if (timeouts.bodyMs !== undefined) response.on('data', this.#onPieceTimed);
    response.on('end', this.#onBodyEnd);
    response.on('error', error => this.#onError(request, error));
  };

  readonly #onPieceDumped = (piece: Buffer): void => {
    this.#exchange.bodyBytes += piece.length;
  };

  readonly #onPiece = (piece: Buffer): void => {
    this.#exchange.bodyBytes += piece.length;
    this.#chunks.push(piece);
  };

  readonly #onPieceTimed = (): void => {
    this.#lastPieceAtMs = performance.now();
  };

  /** Node frees the connection in the turn after this one: a request sent from within would open another. */
  readonly #onBodyEnd = (): void => {
    if (this.#request === undefined) return;
    this.#request = undefined;
    // As a program that reads a body does: it wants it in one piece.
    if (this.#chunks.length > 1) this.#chunks[0] = Buffer.concat(this.#chunks);
    this.#chunks.length = 0;
    this.#exchange.endedAtMs = performance.now();
    process.nextTick(this.#report);
  };

  #onError(request: ClientRequest, error: Error): void {
    if (request !== this.#request) return;
    const bytesRead = request.socket?.bytesRead ?? 0;
    const evidence = {
      isReusedConnection: this.#bytesBefore > 0,
      hasResponse: this.#hasResponse || bytesRead > this.#bytesBefore,
    };
    this.#fail(classifyError(error, evidence), describeError(error));
  }

  /** Node ends a request whose answer changes to another protocol (101) without an answer and without an error. */
  #onClose(request: ClientRequest): void {
    if (request !== this.#request || this.#hasResponse) return;
    this.#fail('other', 'the connection was closed, and no answer had come that could be read (status 101?)');
  }

  #fail(outcome: Outcome, error: string): void {
    const exchange = this.#exchange;
    this.#request = undefined;
    this.#chunks.length = 0;
    exchange.outcome = outcome;
    exchange.error = error;
    exchange.endedAtMs = performance.now();
    setImmediate(this.#report);
  }

  readonly #report = (): void => {
    if (this.#isAbandoned) return;
    this.#exchange.abandon = undefined;
    this.#onEnd(this.#exchange);
  };

  readonly #abandon = (): void => {
    this.#isAbandoned = true;
    this.#context.slots.delete(this);
    const request = this.#request;
    this.#request = undefined;
    request?.destroy();
  };

  /** Gives the exchange up if a phase of it has lasted for too long. */
  expire(nowMs: number): void {
    const request = this.#request;
    if (request === undefined) return;
    const { headersMs = Infinity, bodyMs = Infinity } = this.#context.timeouts;
    const isLate = this.#hasResponse
      ? nowMs - this.#lastPieceAtMs >= bodyMs
      : nowMs - this.#exchange.writtenAtMs >= headersMs;
    if (!isLate) return;
    if (this.#hasResponse) this.#fail('timeoutBody', `nothing more of the body within bodyMs = ${bodyMs}`);
    else this.#fail('timeoutHeaders', `no response header within headersMs = ${headersMs}`);
    request.destroy();
  }
}
