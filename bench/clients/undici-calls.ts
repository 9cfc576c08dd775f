// Requests in flight by undici's request, dispatch or fetch interface, also that of undici 7, which `ab` may compare with.

import { Dispatcher, fetch, type RequestInit, type Response } from 'undici';
import type { Client } from '../../scenarios/model/client.ts';
import { leavesBody } from '../../scenarios/model/facts.ts';
import { beginExchange, type Exchange, newExchange, type PreparedRequest } from '../contracts.ts';
import { classifyError, describeError, type Evidence, rootCause } from './errors.ts';
import { bodyOf } from './request.ts';
import { retriedStatus } from './undici-interceptors.ts';

/** A request as undici takes it. */
interface CallRequest {
  options: Pick<Dispatcher.DispatchOptions, 'path' | 'method' | 'headers' | 'body'> & { origin: string };
  /** The same for fetch. */
  init: RequestInit;
}

/** @param only where it goes unless it has an origin of its own */
export function prepareCall(
  { method, path, headers, body, isChunked, origin }: PreparedRequest,
  only: string,
): CallRequest {
  const own = { method, headers, ...(body === undefined ? {} : { body: bodyOf(body, isChunked) }) };
  return {
    // undici takes an iterable, which its types do not say.
    options: { origin: origin ?? only, path, ...own } as CallRequest['options'],
    init: { ...own, ...(isChunked ? { duplex: 'half' as const } : {}) },
  };
}

/** What all exchanges of one client share. */
export interface CallContext {
  /** The pool's, or that of its interceptors. */
  dispatch: Dispatcher['dispatch'];
  requests: readonly CallRequest[];
  /** Whether to take timestamps when a request is written and when the response header arrives. */
  hasPhases: boolean;
  body: Client['body'];
  /** Whether several requests may be in flight on one connection. */
  isPipelined: boolean;
  /** Whether requests are given to a proxy: undici then replaces a method of their handler. */
  isForwarded: boolean;
  evidenceOf(error: unknown): Evidence;
}

type OnEnd = (exchange: Exchange) => void;

/** The handler interface of undici 7; undici 8 uses `Dispatcher.DispatchHandler` instead. */
interface LegacyHandler {
  onConnect?(abort: (reason: Error) => void, context: unknown): void;
  onResponseStarted?(): void;
  onHeaders?(status: number, rawHeaders: Buffer[], resume: () => void, message: string): boolean | undefined;
  onData?(chunk: Buffer): boolean | undefined;
  onComplete?(rawTrailers: Buffer[]): void;
  onError?(error: Error): void;
}

interface Abortable {
  abort(reason: Error): void;
}

function isLegacy(handler: object): handler is LegacyHandler {
  return !('onRequestStart' in handler);
}

/** Tells a call what undici 7 tells its handler. One per exchange record, so that a request needs no more allocations than with undici 8. */
class LegacyRelay implements LegacyHandler, Abortable {
  inner: LegacyHandler = {};
  readonly #call: UndiciCall;
  #abort: ((reason: Error) => void) | undefined;

  constructor(call: UndiciCall) {
    this.#call = call;
  }

  abort(reason: Error): void {
    this.#abort?.(reason);
  }

  onConnect(abort: (reason: Error) => void, context: unknown): void {
    this.#abort = abort;
    if (this.#call.begun(this)) this.inner.onConnect?.(abort, context);
  }

  onResponseStarted(): void {
    this.inner.onResponseStarted?.();
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, message: string): boolean | undefined {
    this.#call.answered(status);
    return this.inner.onHeaders?.(status, rawHeaders, resume, message);
  }

  onData(chunk: Buffer): boolean | undefined {
    this.#call.received(chunk.length);
    return this.inner.onData?.(chunk);
  }

  onComplete(rawTrailers: Buffer[]): void {
    this.inner.onComplete?.(rawTrailers);
  }

  onError(error: Error): void {
    this.inner.onError?.(error);
  }
}

/**
 * A dispatcher for one exchange record, and also the handler of its requests: `request` and `fetch` run through it
 * unchanged, and timestamps are stored in the right record without an allocation per request.
 * An abandoned record is never reused, so a late callback cannot reach another exchange.
 */
abstract class UndiciCall extends Dispatcher implements Dispatcher.DispatchHandler {
  protected readonly context: CallContext;
  protected exchange: Exchange;
  #onEnd: OnEnd = () => {};
  #isAbandoned = false;
  #hasResponse = false;
  #inner: Dispatcher.DispatchHandler | undefined;
  #relay: LegacyRelay | undefined;
  #request: Abortable | undefined;
  readonly #abandon = (): void => {
    this.#isAbandoned = true;
    this.#request?.abort(new Error('abandoned by conntax'));
  };

  constructor(context: CallContext, exchange: Exchange) {
    super();
    this.context = context;
    this.exchange = exchange;
  }

  abstract start(): void;

  send(onEnd: OnEnd): void {
    const { exchange } = this;
    this.#onEnd = onEnd;
    this.#request = undefined;
    this.#hasResponse = false;
    beginExchange(exchange);
    exchange.abandon = this.#abandon;
    // A handler that was put here for the last request is removed, because it would be wrapped again and again.
    if (this.context.isForwarded) Reflect.deleteProperty(this, 'onResponseStart');
    this.start();
  }

  protected readonly succeed = (): void => this.end();

  protected readonly fail = (error: unknown): void => {
    const { exchange } = this;
    const status = retriedStatus(error);
    if (status === undefined) {
      const evidence = this.context.evidenceOf(rootCause(error));
      exchange.outcome = classifyError(error, evidence, this.#hasResponse);
    } else {
      exchange.status = status;
      exchange.outcome = 'badStatus';
    }
    exchange.error = describeError(error);
    this.end();
  };

  protected end(): void {
    this.exchange.endedAtMs = performance.now();
    this.report();
  }

  protected report(): void {
    if (this.#isAbandoned) return;
    const { exchange } = this;
    exchange.abandon = undefined;
    // What still arrives of a body that was left must not be counted in the next exchange.
    if (leavesBody(this.context)) this.exchange = newExchange();
    this.#onEnd(exchange);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    // By default a GET blocks its connection until its response header has arrived, even with pipelining.
    if (this.context.isPipelined) options.blocking = false;
    if (isLegacy(handler)) {
      this.#relay ??= new LegacyRelay(this);
      this.#relay.inner = handler;
      return this.context.dispatch(options, this.#relay);
    }
    this.#inner = handler;
    return this.context.dispatch(options, this);
  }

  begun(request: Abortable): boolean {
    this.#request = request;
    if (this.#isAbandoned) {
      request.abort(new Error('abandoned by conntax while it waited for a connection'));
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

const noop = (): void => {};

/** Gives a body up; resolves when that is done. */
function cancelBody(body: Dispatcher.ResponseData['body']): Promise<void> {
  return new Promise(resolve => body.on('error', noop).once('close', resolve).destroy());
}

/** `pool.request()`: undici's usual interface. */
class RequestCall extends UndiciCall {
  readonly #onResponse = ({ body }: Dispatcher.ResponseData): Promise<unknown> | undefined => {
    switch (this.context.body) {
      case 'read':
        return body.bytes();
      case 'dump':
        return body.dump();
      case 'cancel':
        return cancelBody(body);
      case 'ignore':
        return undefined;
      default:
        return this.context.body satisfies never;
    }
  };

  override start(): void {
    this.request(this.context.requests[this.exchange.request]!.options)
      .then(this.#onResponse)
      .then(this.succeed, this.fail);
  }
}

/** undici's `fetch()` (the npm package's, not the one built into Node). */
class FetchCall extends UndiciCall {
  readonly #requests: readonly { url: string; init: RequestInit }[] = this.context.requests.map(
    ({ options, init }) => ({
      url: options.origin + options.path,
      // A redirect is an ordinary response: following it would be a second request, perhaps to another host.
      init: { dispatcher: this, redirect: 'manual', ...init },
    }),
  );
  readonly #onResponse = (response: Response): Promise<unknown> | undefined => {
    if (this.context.body === 'cancel') return response.body?.cancel();
    return this.context.body === 'ignore' ? undefined : response.arrayBuffer();
  };

  override start(): void {
    const { url, init } = this.#requests[this.exchange.request]!;
    fetch(url, init).then(this.#onResponse).then(this.succeed, this.fail);
  }
}

/** `pool.dispatch()`, the lowest-level interface; the body is counted but not kept. */
class DispatchCall extends UndiciCall {
  readonly #options: readonly Dispatcher.DispatchOptions[];
  // undici frees the connection only after onResponseEnd returns: a request sent from there would have to wait.
  readonly #onEnded = (): void => this.report();
  #failure: unknown;
  readonly #onFailed = (): void => this.fail(this.#failure);

  constructor(context: CallContext, exchange: Exchange) {
    super(context, exchange);
    this.#options = context.requests.map(({ options }) => ({
      ...options,
      blocking: !context.isPipelined,
    }));
  }

  override start(): void {
    this.#failure = undefined;
    this.context.dispatch(this.#options[this.exchange.request]!, this);
  }

  override onResponseEnd(): void {
    // ProxyAgent fails a request that its proxy answers with 407, and then ends it as well.
    if (this.#failure !== undefined) return;
    this.exchange.endedAtMs = performance.now();
    setImmediate(this.#onEnded);
  }

  override onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#failure = error;
    setImmediate(this.#onFailed);
  }
}

export const CALLS = { request: RequestCall, dispatch: DispatchCall, fetch: FetchCall } as const;
