// In: a pool and the record of an exchange. Out: the exchange done by one of undici's APIs, timed at the same points.
import { Dispatcher, fetch, type Pool } from 'undici';
import type { Exchange } from '../contracts.ts';
import { beginExchange } from '../core/exchange.ts';
import { classifyError, describeError, rootCause } from '../clients/errors.ts';
import { type Abortable, isLegacy, LegacyRelay, type RequestWatcher } from '../clients/undici-7.ts';

export interface SlotContext {
  pool: Pool;
  origin: string;
  path: string;
  /** Whether the clock is read when a request is written and when its header arrives. */
  hasPhases: boolean;
  isDumped: boolean;
  /** Whether several requests may share a connection at once. */
  isPipelined: boolean;
  isReusedConnection(error: unknown): boolean;
}

type OnEnd = (exchange: Exchange) => void;

/**
 * A dispatcher of its own for each exchange record, and at the same time the handler of its requests: `request` and
 * `fetch` run through it unchanged, and their timestamps land in the right record without an allocation per request.
 * A record that was abandoned gets no second request, so a late callback can only reach its own.
 */
abstract class Slot extends Dispatcher implements Dispatcher.DispatchHandler, RequestWatcher {
  protected readonly context: SlotContext;
  protected readonly exchange: Exchange;
  protected onEnd: OnEnd = () => {};
  protected isAbandoned = false;
  #hasResponse = false;
  #inner: Dispatcher.DispatchHandler | undefined;
  #relay: LegacyRelay | undefined;
  #request: Abortable | undefined;
  readonly #abandon = (): void => {
    this.isAbandoned = true;
    this.#request?.abort(new Error('given up by the harness'));
  };

  constructor(context: SlotContext, exchange: Exchange) {
    super();
    this.context = context;
    this.exchange = exchange;
  }

  abstract start(): void;

  send(onEnd: OnEnd): void {
    const { exchange } = this;
    this.onEnd = onEnd;
    this.#request = undefined;
    this.#hasResponse = false;
    beginExchange(exchange);
    exchange.abandon = this.#abandon;
    this.start();
  }

  protected end(): void {
    this.exchange.endedAtMs = performance.now();
    this.report();
  }

  protected report(): void {
    if (this.isAbandoned) return;
    this.exchange.abandon = undefined;
    this.onEnd(this.exchange);
  }

  protected fail(error: unknown): void {
    const { exchange } = this;
    exchange.outcome = classifyError(error, {
      isReusedConnection: this.context.isReusedConnection(rootCause(error)),
      hasResponse: this.#hasResponse,
    });
    exchange.error = describeError(error);
    this.end();
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    // By default a GET blocks its connection until its header has arrived, however deep the pipelining.
    if (this.context.isPipelined) options.blocking = false;
    if (isLegacy(handler)) {
      this.#relay ??= new LegacyRelay(this);
      this.#relay.inner = handler;
      return this.context.pool.dispatch(options, this.#relay);
    }
    this.#inner = handler;
    return this.context.pool.dispatch(options, this);
  }

  begun(request: Abortable): boolean {
    this.#request = request;
    if (this.isAbandoned) {
      request.abort(new Error('given up by the harness while it waited for a connection'));
      return false;
    }
    if (this.context.hasPhases) this.exchange.writtenAtMs = performance.now();
    return true;
  }

  answered(status: number): void {
    if (status < 200) return;
    this.#hasResponse = true;
    if (this.context.hasPhases) this.exchange.headersAtMs = performance.now();
    this.exchange.status = status;
  }

  received(bytes: number): void {
    this.exchange.bodyBytes += bytes;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    if (this.begun(controller)) this.#inner?.onRequestStart?.(controller, context);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2],
    statusMessage?: string,
  ): void {
    this.answered(status);
    this.#inner?.onResponseStart?.(controller, status, headers, statusMessage);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.received(chunk.length);
    this.#inner?.onResponseData?.(controller, chunk);
  }

  onResponseEnd(
    controller: Dispatcher.DispatchController,
    trailers: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>[1],
  ): void {
    this.#inner?.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#inner?.onResponseError?.(controller, error);
  }
}

/** `pool.request()`, its body read to the end or dumped: undici's usual interface. */
export class RequestSlot extends Slot {
  readonly #options: Dispatcher.RequestOptions;
  readonly #onResponse = ({ body }: Dispatcher.ResponseData): Promise<unknown> =>
    this.context.isDumped ? body.dump() : body.bytes();
  readonly #onBody = (): void => this.end();
  readonly #onError = (error: unknown): void => this.fail(error);

  constructor(context: SlotContext, exchange: Exchange) {
    super(context, exchange);
    this.#options = { origin: context.origin, path: context.path, method: 'GET' };
  }

  override start(): void {
    this.request(this.#options).then(this.#onResponse).then(this.#onBody, this.#onError);
  }
}

/** undici's `fetch()` (the npm package's, not the one built into Node), its body read to the end. */
export class FetchSlot extends Slot {
  readonly #url = this.context.origin + this.context.path;
  readonly #onResponse = (response: { arrayBuffer(): Promise<ArrayBuffer> }): Promise<ArrayBuffer> =>
    response.arrayBuffer();
  readonly #onBody = (): void => this.end();
  readonly #onError = (error: unknown): void => this.fail(error);

  override start(): void {
    // A redirect is an answer like any other: to follow it would be a second request, perhaps to another host.
    fetch(this.#url, { dispatcher: this, redirect: 'manual' })
      .then(this.#onResponse)
      .then(this.#onBody, this.#onError);
  }
}

/** `pool.dispatch()`, the lowest interface; the body is seen and not kept. */
export class DispatchSlot extends Slot {
  readonly #options: Dispatcher.DispatchOptions;
  // undici frees the connection only after onResponseEnd returns: a request sent from within would have to wait.
  readonly #onEnded = (): void => this.report();
  #failure: unknown;
  readonly #onFailed = (): void => this.fail(this.#failure);

  constructor(context: SlotContext, exchange: Exchange) {
    super(context, exchange);
    this.#options = {
      origin: context.origin,
      path: context.path,
      method: 'GET',
      blocking: !context.isPipelined,
    };
  }

  override start(): void {
    this.context.pool.dispatch(this.#options, this);
  }

  override onResponseEnd(): void {
    this.exchange.endedAtMs = performance.now();
    setImmediate(this.#onEnded);
  }

  override onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#failure = error;
    setImmediate(this.#onFailed);
  }
}
