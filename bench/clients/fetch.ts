// Node's built-in fetch as a client, one request at a time per exchange.
import { causesOf } from '../../results/errors.ts';
import type { Client } from '../../scenarios/model/client.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { Exchange, Refusal, Transport, TransportModule, TransportOptions } from '../contracts.ts';
import { RESILIENCE_SETTINGS } from '../resending.ts';
import { trustInProcess } from './connection-options.ts';
import { classifyError, describeError } from './errors.ts';
import {
  bodyRemarks,
  closingRefusals,
  fetchDumpRefusals,
  fetchFaultRefusals,
  fetchRefusals,
  reachRefusals,
  refuse,
  sharedBodyRefusals,
} from './refusals.ts';
import { bodyOf } from './request.ts';
import { ReusableRequest, sendReusing } from './reusable-request.ts';
import { EndpointSockets } from './sockets.ts';

/** What all exchanges of one client share. */
interface Context {
  /** By index of the scenario's requests; a signal is added where needed. */
  requests: readonly { url: string; init: RequestInit }[];
  /** Whether requests can be cancelled. */
  hasSignal: boolean;
  hasPhases: boolean;
  sockets: EndpointSockets;
  body: Client['body'];
  isClosed: boolean;
}

const noop = (): undefined => undefined;

class FetchRequest extends ReusableRequest {
  readonly #context: Context;
  #controller: AbortController | undefined;
  #hasResponse = false;

  constructor(context: Context, exchange: Exchange) {
    super(exchange);
    this.#context = context;
  }

  protected override start(): void {
    this.#hasResponse = false;
    this.#fetch().then(this.#onResponse).then(this.#onBody, this.#onError);
  }

  protected override giveUp(): void {
    this.#controller?.abort();
  }

  #fetch(): Promise<Response> {
    const { requests, hasSignal, isClosed } = this.#context;
    if (isClosed) return Promise.reject(new Error('the transport is closed'));
    const { url, init } = requests[this.exchange.request]!;
    if (!hasSignal) return fetch(url, init);
    this.#controller = new AbortController();
    return fetch(url, { ...init, signal: this.#controller.signal });
  }

  readonly #onResponse = (response: Response): Promise<ArrayBuffer | undefined> | undefined => {
    this.#hasResponse = true;
    const { exchange } = this;
    if (this.#context.hasPhases) exchange.headersAtMs = performance.now();
    exchange.status = response.status;
    if (this.#context.body === 'cancel') return response.body?.cancel().then(noop);
    return this.#context.body === 'ignore' ? undefined : response.arrayBuffer();
  };

  /** @param body absent if it was left */
  readonly #onBody = (body: ArrayBuffer | undefined): void => {
    this.exchange.bodyBytes = body?.byteLength ?? 0;
    this.end();
  };

  readonly #onError = (error: unknown): void => {
    const { exchange } = this;
    const evidence = this.#context.sockets.brokenConnection(causesOf(error));
    exchange.outcome = classifyError(error, evidence, this.#hasResponse);
    exchange.error = describeError(error);
    this.end();
  };
}

function open({ client, endpoint, requests, hasPhases = true, onConnection }: TransportOptions): Transport {
  trustInProcess(endpoint.caPem);
  const sockets = new EndpointSockets(endpoint, onConnection);
  const context: Context = {
    requests: requests.map(({ method, path, headers, body, isChunked, origin = endpoint.origin }) => ({
      url: origin + path,
      init: {
        // A redirect is an ordinary response: following it would be a second request, perhaps to another host.
        redirect: 'manual',
        method,
        headers: { ...headers, ...(client.requestsPerConnection === 1 ? { connection: 'close' } : {}) },
        ...(body === undefined ? {} : { body: bodyOf(body, isChunked), duplex: 'half' }),
      },
    })),
    hasSignal: client.timeouts.totalMs !== undefined,
    hasPhases,
    sockets,
    body: client.body,
    isClosed: false,
  };
  return {
    send: sendReusing(exchange => new FetchRequest(context, exchange)),
    openConnections: () => sockets.openConnections(),
    openedElsewhere: () => sockets.openedElsewhere(),
    remarks: () => bodyRemarks(client),
    async close() {
      context.isClosed = true;
      await sockets.closeAll();
      sockets.stop();
    },
  };
}

/** Ways to a server that Node's fetch does not support, with the reasons; undici's own fetch supports them by its dispatcher. */
const UNABLE = {
  certFile: 'fetch has no option for a client certificate',
  socketPath: 'fetch connects to the host and port of its URL only',
  proxy: 'fetch has no option for a proxy; Node has one for the whole process only (NODE_USE_ENV_PROXY)',
};

function refusals(client: Client, target: Target, requests: readonly Request[] = []): Refusal[] {
  const { requestsPerConnection, protocol } = client;
  return [
    ...reachRefusals(target, UNABLE),
    ...requests.flatMap(fetchRefusals),
    ...fetchFaultRefusals(target),
    ...(requestsPerConnection !== 1 && protocol === 'http1'
      ? requests.flatMap(request => closingRefusals('fetch', request))
      : []),
    ...refuse({
      when: typeof requestsPerConnection === 'number' && requestsPerConnection > 1,
      path: 'requestsPerConnection',
      message: 'fetch can only close a connection after every request or leave it to its pool',
      hint: "1 or 'unlimited', or transport: 'undici' with api: 'fetch'",
    }),
    ...fetchDumpRefusals(client, "transport: 'undici'"),
    ...(protocol === 'h2' ? sharedBodyRefusals(client) : []),
    ...refuse(
      {
        when: protocol !== target.protocol,
        path: 'protocol',
        message: `fetch uses HTTP/2 exactly where the server offers it, and this target ${target.protocol === 'h2' ? 'does' : 'does not'}`,
        hint: `protocol: '${target.protocol}'`,
      },
      {
        when: protocol === 'h2' && target.protocol === 'h2' && requestsPerConnection === 1,
        path: 'requestsPerConnection',
        message: 'over HTTP/2, fetch cannot use a new connection for each request',
        hint: "'unlimited', or a target.protocol of 'http1'",
      },
    ),
  ];
}

const NO_POOL =
  "fetch has no settings for its pool; transport 'undici' with api 'fetch' has, with its own version of undici";
const NO_DISPATCHER =
  "interceptors need a dispatcher of the npm package undici, whose version is not that of Node's own fetch; transport 'undici' with api 'fetch' has them";
const NO_TIMEOUTS = 'fetch can only abort a whole request, by a signal, so it supports only totalMs';

const nodeFetch: TransportModule = {
  kind: 'transport',
  honours: ['protocol', 'requestsPerConnection', 'timeouts.totalMs', 'body', ...RESILIENCE_SETTINGS],
  cannot: {
    'interceptors.retry': NO_DISPATCHER,
    'interceptors.dns': NO_DISPATCHER,
    'interceptors.cache': NO_DISPATCHER,
    'pool.closing': NO_POOL,
    api: 'fetch has only one interface',
    options: 'options are passed only to your own module',
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
    'pool.tlsContext': NO_POOL,
    'timeouts.connectMs': NO_TIMEOUTS,
    'timeouts.headersMs': NO_TIMEOUTS,
    'timeouts.bodyMs': NO_TIMEOUTS,
  },
  caveats: [
    'fetch does not report when it writes a request to a connection, so its wait and first byte are unknown and not shown.',
  ],
  refusals,
  open,
};

export default nodeFetch;
