// In: an arm's client settings. Out: the fetch that is built into Node, one request at a time per exchange.
import tls from 'node:tls';
import { causesOf } from '../../results/errors.ts';
import type { Client } from '../../scenarios/model/client.ts';
import type { Target } from '../../scenarios/model/target.ts';
import {
  beginExchange,
  type Exchange,
  type Refusal,
  type Transport,
  type TransportModule,
  type TransportOptions,
} from '../contracts.ts';
import { classifyError, describeError } from './errors.ts';
import { type WatchedSockets, watchEndpoint } from './sockets.ts';

const trusted = new Set<string>();

/** Beside those that Node trusts by default. There is no way back, short of the end of the process. */
export function trustInProcess(caPem: string | undefined): void {
  if (caPem === undefined || trusted.has(caPem)) return;
  trusted.add(caPem);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), caPem]);
}

interface SlotContext {
  url: string;
  /** The same for every request; what a signal is added to. */
  init: RequestInit;
  /** Whether requests can be called off. */
  hasSignal: boolean;
  hasPhases: boolean;
  brokenConnection: WatchedSockets['brokenConnection'];
  isClosed: boolean;
}

type OnEnd = (exchange: Exchange) => void;

/** A record's own state. A record that was abandoned gets no second request, so a late answer can only reach its own. */
class FetchSlot {
  readonly #context: SlotContext;
  readonly #exchange: Exchange;
  #onEnd: OnEnd = () => {};
  #controller: AbortController | undefined;
  #hasResponse = false;
  #isAbandoned = false;

  constructor(context: SlotContext, exchange: Exchange) {
    this.#context = context;
    this.#exchange = exchange;
  }

  send(onEnd: OnEnd): void {
    const exchange = this.#exchange;
    this.#onEnd = onEnd;
    this.#hasResponse = false;
    beginExchange(exchange);
    exchange.abandon = this.#abandon;
    this.#start().then(this.#onResponse).then(this.#onBody, this.#onError);
  }

  #start(): Promise<Response> {
    const { url, init, hasSignal, isClosed } = this.#context;
    if (isClosed) return Promise.reject(new Error('the transport is closed'));
    if (!hasSignal) return fetch(url, init);
    this.#controller = new AbortController();
    return fetch(url, { ...init, signal: this.#controller.signal });
  }

  readonly #onResponse = (response: Response): Promise<ArrayBuffer> => {
    this.#hasResponse = true;
    const exchange = this.#exchange;
    if (this.#context.hasPhases) exchange.headersAtMs = performance.now();
    exchange.status = response.status;
    return response.arrayBuffer();
  };

  readonly #onBody = (body: ArrayBuffer): void => {
    this.#exchange.bodyBytes = body.byteLength;
    this.#end();
  };

  readonly #onError = (error: unknown): void => {
    const exchange = this.#exchange;
    const { isReusedConnection, hasResponse } = this.#context.brokenConnection(causesOf(error));
    exchange.outcome = classifyError(error, {
      isReusedConnection,
      hasResponse: hasResponse || this.#hasResponse,
    });
    exchange.error = describeError(error);
    this.#end();
  };

  #end(): void {
    this.#exchange.endedAtMs = performance.now();
    if (this.#isAbandoned) return;
    this.#exchange.abandon = undefined;
    this.#onEnd(this.#exchange);
  }

  readonly #abandon = (): void => {
    this.#isAbandoned = true;
    this.#controller?.abort();
  };
}

function open({ client, endpoint, hasPhases = true, onConnection }: TransportOptions): Transport {
  trustInProcess(endpoint.caPem);
  const sockets = watchEndpoint(endpoint, onConnection);
  const context: SlotContext = {
    url: endpoint.origin + endpoint.path,
    init: {
      // A redirect is an answer like any other: to follow it would be a second request, perhaps to another host.
      redirect: 'manual',
      ...(client.requestsPerConnection === 1 ? { headers: { connection: 'close' } } : {}),
    },
    hasSignal: client.timeouts.totalMs !== undefined,
    hasPhases,
    brokenConnection: sockets.brokenConnection,
    isClosed: false,
  };
  return {
    send(exchange, onEnd) {
      exchange.transportState ??= new FetchSlot(context, exchange);
      (exchange.transportState as FetchSlot).send(onEnd);
    },
    openConnections: sockets.openConnections,
    openedElsewhere: sockets.openedElsewhere,
    async close() {
      context.isClosed = true;
      await sockets.closeAll();
      sockets.stop();
    },
  };
}

function refusals({ requestsPerConnection, protocol, body }: Client, target: Target): Refusal[] {
  const refused: Refusal[] = [];
  if (typeof requestsPerConnection === 'number' && requestsPerConnection > 1) {
    refused.push({
      path: 'requestsPerConnection',
      message: 'fetch can close a connection after each request or leave it to its pool: it does not count',
      hint: "1 or 'unlimited', or transport: 'undici' with api: 'fetch'",
    });
  }
  if (body === 'dump') {
    refused.push({
      path: 'body',
      message: 'fetch cannot dump a body: cancelling it closes the connection',
      hint: "body: 'read', or transport: 'undici'",
    });
  }
  if (protocol !== target.protocol) {
    refused.push({
      path: 'protocol',
      message: `fetch speaks HTTP/2 wherever it is offered, and only there: this target ${target.protocol === 'h2' ? 'offers it' : 'does not'}`,
      hint: `protocol: '${target.protocol}'`,
    });
  } else if (protocol === 'h2' && requestsPerConnection === 1) {
    refused.push({
      path: 'requestsPerConnection',
      message: 'over HTTP/2, fetch ignores what asks for a new connection',
      hint: "'unlimited', or a target.protocol of 'http1'",
    });
  }
  return refused;
}

const NO_POOL =
  "fetch has no settings for the pool behind it: transport 'undici' with api 'fetch' has, in a version of its own";
const NO_TIMEOUTS =
  'fetch takes a signal, which ends a request as a whole, and has no timeout for a part of it: totalMs is what it can keep';

const nodeFetch: TransportModule = {
  kind: 'transport',
  honours: ['protocol', 'requestsPerConnection', 'timeouts.totalMs', 'body'],
  cannot: {
    api: 'fetch is one interface',
    options: 'they are for a module of your own',
    'pool.maxConnections': NO_POOL,
    'pool.maxTotalConnections': NO_POOL,
    'pool.maxIdleConnections': NO_POOL,
    'pool.idleTimeoutMs': NO_POOL,
    'pool.idleTimeoutBufferMs': NO_POOL,
    'pool.maxLifetimeMs': NO_POOL,
    'pool.pipelining': NO_POOL,
    'pool.maxConcurrentStreams': NO_POOL,
    'pool.scheduling': NO_POOL,
    'pool.tcpKeepAliveMs': NO_POOL,
    'pool.tlsSessions': NO_POOL,
    'timeouts.connectMs': NO_TIMEOUTS,
    'timeouts.headersMs': NO_TIMEOUTS,
    'timeouts.bodyMs': NO_TIMEOUTS,
  },
  caveats: [
    'fetch does not say when it writes a request to a connection: its wait and first byte are not known, and stand in no table.',
  ],
  refusals,
  open,
};

export default nodeFetch;
