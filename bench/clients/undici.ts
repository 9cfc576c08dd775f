// undici as a client, by its request, dispatch or fetch interface, one request at a time per exchange.
import * as library from 'undici';
import { Agent, type buildConnector, Dispatcher, fetch, Pool, type RequestInit, type Response } from 'undici';
import type { Client } from '../../scenarios/model/client.ts';
import { leavesBody } from '../../scenarios/model/client-facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Target } from '../../scenarios/model/target.ts';
import {
  type AttemptSink,
  beginExchange,
  type Exchange,
  newExchange,
  type PreparedRequest,
  type Refusal,
  type Transport,
  type TransportModule,
  type TransportOptions,
} from '../contracts.ts';
import { INTERCEPTOR_SETTINGS, RESILIENCE_SETTINGS } from '../resending.ts';
import { classifyError, describeError, type Evidence, rootCause } from './errors.ts';
import {
  bodyRemarks,
  closingRefusals,
  fetchDumpRefusals,
  fetchFaultRefusals,
  fetchRefusals,
  leftBodyRefusals,
  plainTargetRefusals,
  proxyRefusals,
  refuse,
  sharedBodyRefusals,
  socketRefusals,
} from './refusals.ts';
import { bodyOf } from './request.ts';
import { type Abortable, isLegacy, LegacyRelay, type RequestWatcher } from './undici-7.ts';
import {
  type ConnectorOptions,
  createConnector,
  createProxied,
  type ProxiedClient,
} from './undici-connector.ts';
import { intercept, interceptorRefusals, needsAgent, retriedStatus } from './undici-interceptors.ts';

interface SlotRequest {
  options: Pick<Dispatcher.DispatchOptions, 'path' | 'method' | 'headers' | 'body'> & { origin: string };
  /** The same for fetch. */
  init: RequestInit;
}

/** What all exchanges of one client share. */
export interface SlotContext {
  /** The pool's, or that of its interceptors. */
  dispatch: Dispatcher['dispatch'];
  requests: readonly SlotRequest[];
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

/**
 * A dispatcher for one exchange record, and also the handler of its requests: `request` and `fetch` run through it
 * unchanged, and timestamps are stored in the right record without an allocation per request.
 * An abandoned record is never reused, so a late callback cannot reach another exchange.
 */
abstract class Slot extends Dispatcher implements Dispatcher.DispatchHandler, RequestWatcher {
  protected readonly context: SlotContext;
  protected exchange: Exchange;
  protected onEnd: OnEnd = () => {};
  protected isAbandoned = false;
  #hasResponse = false;
  #inner: Dispatcher.DispatchHandler | undefined;
  #relay: LegacyRelay | undefined;
  #request: Abortable | undefined;
  readonly #abandon = (): void => {
    this.isAbandoned = true;
    this.#request?.abort(new Error('abandoned by conntax'));
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
    // Of the last request: it would be wrapped again and again.
    if (this.context.isForwarded) Reflect.deleteProperty(this, 'onResponseStart');
    this.start();
  }

  protected end(): void {
    this.exchange.endedAtMs = performance.now();
    this.report();
  }

  protected report(): void {
    if (this.isAbandoned) return;
    const { exchange } = this;
    exchange.abandon = undefined;
    // What still arrives of a body that was left must not be counted in the next exchange.
    if (leavesBody(this.context)) this.exchange = newExchange();
    this.onEnd(exchange);
  }

  protected fail(error: unknown): void {
    const { exchange } = this;
    const status = retriedStatus(error);
    if (status === undefined) {
      const { isReusedConnection, hasResponse } = this.context.evidenceOf(rootCause(error));
      exchange.outcome = classifyError(error, {
        isReusedConnection,
        hasResponse: hasResponse || this.#hasResponse,
      });
    } else {
      exchange.status = status;
      exchange.outcome = 'badStatus';
    }
    exchange.error = describeError(error);
    this.end();
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
    if (this.isAbandoned) {
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
export class RequestSlot extends Slot {
  readonly #options: readonly Dispatcher.RequestOptions[];
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
  readonly #onBody = (): void => this.end();
  readonly #onError = (error: unknown): void => this.fail(error);

  constructor(context: SlotContext, exchange: Exchange) {
    super(context, exchange);
    this.#options = context.requests.map(({ options }) => options);
  }

  override start(): void {
    this.request(this.#options[this.exchange.request]!)
      .then(this.#onResponse)
      .then(this.#onBody, this.#onError);
  }
}

/** undici's `fetch()` (the npm package's, not the one built into Node). */
export class FetchSlot extends Slot {
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
  readonly #onBody = (): void => this.end();
  readonly #onError = (error: unknown): void => this.fail(error);

  override start(): void {
    const { url, init } = this.#requests[this.exchange.request]!;
    fetch(url, init).then(this.#onResponse).then(this.#onBody, this.#onError);
  }
}

/** `pool.dispatch()`, the lowest-level interface; the body is counted but not kept. */
export class DispatchSlot extends Slot {
  readonly #options: readonly Dispatcher.DispatchOptions[];
  // undici frees the connection only after onResponseEnd returns: a request sent from there would have to wait.
  readonly #onEnded = (): void => this.report();
  #failure: unknown;
  readonly #onFailed = (): void => this.fail(this.#failure);

  constructor(context: SlotContext, exchange: Exchange) {
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

const SLOTS = { request: RequestSlot, dispatch: DispatchSlot, fetch: FetchSlot } as const;
type Api = keyof typeof SLOTS;

/** Only the given settings; others stay at undici's defaults. */
function poolOptions(client: Client): Pool.Options {
  const { pool, timeouts, requestsPerConnection } = client;
  return {
    allowH2: client.protocol === 'h2',
    ...(pool.maxConcurrentStreams === undefined
      ? {}
      : { h2Options: { maxConcurrentStreams: pool.maxConcurrentStreams } }),
    // undici documents it as an idle time, but it is the age since connect, checked before each request.
    ...(pool.maxLifetimeMs === undefined ? {} : { clientTtl: pool.maxLifetimeMs }),
    ...(pool.pipelining === undefined ? {} : { pipelining: pool.pipelining }),
    // With pipelining 0 every request sends `connection: close`; no other option guarantees that.
    ...(requestsPerConnection === 1 ? { pipelining: 0 } : {}),
    ...(typeof requestsPerConnection === 'number' && requestsPerConnection > 1
      ? { maxRequestsPerClient: requestsPerConnection }
      : {}),
    ...(typeof pool.maxConnections === 'number' ? { connections: pool.maxConnections } : {}),
    // Both, because a server's Keep-Alive hint could otherwise extend the idle timeout.
    ...(pool.idleTimeoutMs === undefined
      ? {}
      : { keepAliveTimeout: pool.idleTimeoutMs, keepAliveMaxTimeout: pool.idleTimeoutMs }),
    ...(pool.idleTimeoutBufferMs === undefined
      ? {}
      : { keepAliveTimeoutThreshold: pool.idleTimeoutBufferMs }),
    ...(timeouts.headersMs === undefined ? {} : { headersTimeout: timeouts.headersMs }),
    ...(timeouts.bodyMs === undefined ? {} : { bodyTimeout: timeouts.bodyMs }),
  };
}

function createPool(client: Client, origin: string | URL, connect: buildConnector.connector): Dispatcher {
  const options = { ...poolOptions(client), connect };
  if (client.pool.scheduling !== 'round-robin') return new Pool(origin, options);
  // By its name at run time: an older undici, which `ab` may compare with, does not export it.
  const { RoundRobinPool } = library as Partial<typeof library>;
  if (RoundRobinPool === undefined) throw new TypeError('this version of undici has no RoundRobinPool');
  return new RoundRobinPool(origin, options);
}

function isApi(api: string): api is Api {
  return Object.hasOwn(SLOTS, api);
}

/** The pool of the origin, one for each of several, or undici's own way through a proxy. */
function createDispatcher(options: ConnectorOptions): ProxiedClient {
  const { client, endpoint } = options;
  const { proxyUrl, origin, origins } = endpoint;
  if (proxyUrl !== undefined) {
    return createProxied({ ...options, proxyUrl }, (at, connect) => createPool(client, at, connect));
  }
  const { connect, ...watch } = createConnector(options);
  const dispatcher =
    origins !== undefined || needsAgent(client)
      ? new Agent({ factory: at => createPool(client, at, connect) })
      : createPool(client, origin, connect);
  return { ...watch, dispatcher };
}

const UNCOUNTED: AttemptSink = { sent() {}, ended: () => false };

function open({
  client,
  endpoint,
  requests,
  hasPhases = true,
  onConnection,
  attempts = UNCOUNTED,
}: TransportOptions): Transport {
  const { dispatcher: pool, ...connections } = createDispatcher({ client, endpoint, onConnection });
  const { evidenceOf } = connections;
  const { dispatch, remarks } =
    client.interceptors === undefined
      ? { dispatch: pool.dispatch.bind(pool), remarks: () => [] }
      : intercept(pool, client.interceptors, { attempts, evidenceOf });
  const api = client.api ?? 'request';
  if (!isApi(api)) throw new TypeError(`undici has no api "${api}"`);
  const Slot = SLOTS[api];
  const context: SlotContext = {
    dispatch,
    requests: requests.map(request => slotRequest(request, endpoint.origin)),
    hasPhases,
    body: client.body,
    isPipelined: isPipelined(client),
    isForwarded: endpoint.proxyUrl !== undefined && endpoint.origin.startsWith('http:'),
    evidenceOf,
  };
  return {
    send(exchange, onEnd) {
      // The last slot may still receive a body that was left.
      if (leavesBody(client)) exchange.transportState = undefined;
      exchange.transportState ??= new Slot(context, exchange);
      (exchange.transportState as InstanceType<typeof Slot>).send(onEnd);
    },
    openConnections: connections.openConnections,
    remarks: () => [...timerRemarks(client), ...bodyRemarks(client), ...remarks()],
    async close() {
      await pool.destroy();
      await connections.closeAll();
    },
  };
}

function slotRequest(
  { method, path, headers, body, isChunked, origin }: PreparedRequest,
  only: string,
): SlotRequest {
  const own = { method, headers, ...(body === undefined ? {} : { body: bodyOf(body, isChunked) }) };
  return {
    // undici takes an iterable, which its types do not say.
    options: { origin: origin ?? only, path, ...own } as SlotRequest['options'],
    init: { ...own, ...(isChunked ? { duplex: 'half' as const } : {}) },
  };
}

/** undici checks its timers every half second, so a timeout below this fires after half to all of it. */
const TIMER_MS = 1_000;

/** Remarks on timeouts that undici does not apply as configured. */
function timerRemarks({ timeouts }: Client): string[] {
  return (['connectMs', 'headersMs', 'bodyMs'] as const).flatMap(name => {
    const ms = timeouts[name];
    return ms === undefined || ms >= TIMER_MS
      ? []
      : [
          `timeouts.${name} is ${ms} ms, but undici's timers below 1 s fire after 0.5 to 1 s, so slower responses may still succeed. timeouts.totalMs is exact.`,
        ];
  });
}

function isPipelined({ pool }: Client): boolean {
  return (pool.pipelining ?? 1) > 1;
}

/** Requests that undici sends by other rules than the settings say. */
function requestRefusals(client: Client, request: Request): Refusal[] {
  const { requestsPerConnection, protocol, api } = client;
  const { method } = request;
  return [
    ...(requestsPerConnection !== 1 && protocol === 'http1' ? closingRefusals('undici', request) : []),
    ...refuse({
      when: method !== 'GET' && method !== 'HEAD' && isPipelined(client),
      path: 'pool.pipelining',
      message: `undici pipelines GET and HEAD only, not ${method}`,
      hint: '1, or transport: wire',
    }),
    ...(api === 'fetch' ? fetchRefusals(request) : []),
  ];
}

/** Refuses settings of shared connections that the protocol does not have. */
function protocolRefusals(client: Client): Refusal[] {
  const { protocol, requestsPerConnection, pool } = client;
  const isHttp2 = protocol === 'h2';
  return refuse(
    {
      when: isHttp2 && requestsPerConnection !== 'unlimited',
      path: 'requestsPerConnection',
      message: 'over HTTP/2, undici cannot limit the requests of a connection',
      hint: "'unlimited', or protocol: 'http1'",
    },
    {
      when: isHttp2 && pool.pipelining !== undefined,
      path: 'pool.pipelining',
      message: 'HTTP/2 uses streams instead of pipelining',
      hint: 'pool.maxConcurrentStreams',
    },
    {
      when: !isHttp2 && pool.maxConcurrentStreams !== undefined,
      path: 'pool.maxConcurrentStreams',
      message: 'an HTTP/1.1 connection has no streams',
      hint: "pool.pipelining, or protocol: 'h2'",
    },
    {
      when: !isHttp2 && isPipelined(client) && typeof requestsPerConnection === 'number',
      path: 'pool.pipelining',
      message: 'pipelined requests would exceed the limit of requestsPerConnection',
      hint: "pipelining: 1, or requestsPerConnection: 'unlimited'",
    },
  );
}

/** Bodies that cannot be left with this interface, or on a shared connection. */
function bodyRefusals(client: Client): Refusal[] {
  if (client.api === 'dispatch') {
    return leftBodyRefusals(client, 'dispatch hands over each piece of a body, so none can be left unread');
  }
  return client.protocol === 'h2' || isPipelined(client) ? sharedBodyRefusals(client) : [];
}

function refusals(client: Client, target: Target, requests: readonly Request[] = []): Refusal[] {
  const { api, pool } = client;
  return [
    ...protocolRefusals(client),
    ...requests.flatMap(request => requestRefusals(client, request)),
    ...(api === 'fetch' ? fetchFaultRefusals(target) : []),
    ...refuse({
      when: api !== undefined && !isApi(api),
      path: 'api',
      message: `undici has no api "${api}"`,
      hint: `one of ${Object.keys(SLOTS).join(', ')}`,
    }),
    ...(api === 'fetch' ? fetchDumpRefusals(client, "api: 'request'") : []),
    ...bodyRefusals(client),
    ...refuse(
      {
        when: pool.scheduling !== undefined && pool.scheduling !== 'round-robin',
        path: 'pool.scheduling',
        message: `undici has no ${pool.scheduling}: its Pool takes the first connection that is free, and its RoundRobinPool each in turn`,
        hint: "'round-robin', or no scheduling, or transport: node-http or wire",
      },
      {
        when: (pool.tcpKeepAliveMs ?? 0) % 1_000 !== 0,
        path: 'pool.tcpKeepAliveMs',
        message: 'TCP keep-alive is set in whole seconds; Node ignores the rest',
        hint: 'a multiple of 1000',
      },
    ),
    ...plainTargetRefusals(client, target, undici.honours),
    ...socketRefusals(client, target),
    ...proxyRefusals(client, target),
    ...interceptorRefusals(client, target, requests),
  ];
}

const undici: TransportModule = {
  kind: 'transport',
  honours: [
    'api',
    'protocol',
    'requestsPerConnection',
    'pool.maxConnections',
    'pool.idleTimeoutMs',
    'pool.idleTimeoutBufferMs',
    'pool.maxLifetimeMs',
    'pool.pipelining',
    'pool.maxConcurrentStreams',
    'pool.scheduling',
    'pool.tcpKeepAliveMs',
    'pool.tlsSessions',
    'pool.tlsContext',
    'timeouts.connectMs',
    'timeouts.headersMs',
    'timeouts.bodyMs',
    'timeouts.totalMs',
    'body',
    ...INTERCEPTOR_SETTINGS,
    ...RESILIENCE_SETTINGS,
  ],
  refusals,
  open,
  cannot: {
    'pool.closing': 'undici closes a connection itself, at once after the last response',
    options: 'options are passed only to your own module',
    'pool.maxTotalConnections': 'undici limits connections per origin only',
    'pool.maxIdleConnections': 'undici does not limit idle connections: only their idle timeout closes them',
  },
};

export default undici;
