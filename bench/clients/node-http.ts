// Node's own http and https clients with a configured agent, one request at a time per exchange.

import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import type { Outcome } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { leavesBody, usesTls } from '../../scenarios/model/facts.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { Exchange, Refusal, Transport, TransportModule, TransportOptions } from '../contracts.ts';
import { NO_INTERCEPTORS } from '../resending.ts';
import { given, identityOptions, limitOf, trustInProcess } from './connection-options.ts';
import { classifyError, describeError } from './errors.ts';
import {
  bodyRemarks,
  POOL_CLIENT_SETTINGS,
  plainTargetRefusals,
  proxyRefusals,
  refuse,
  socketRefusals,
  wholeSecondsRule,
} from './refusals.ts';
import { framedHeaders } from './request.ts';
import { ReusableRequest, sendReusing, sweepTimeouts } from './reusable-request.ts';
import { ClientSockets, findOrigin } from './sockets.ts';

type OnDialled = (error: Error | null, socket?: Socket) => void;
type Dial = (options: ConnectionOptions, callback: OnDialled) => Socket | undefined;

function agentOptions({ pool, requestsPerConnection }: Client, endpoint: Endpoint): https.AgentOptions {
  const identity = identityOptions(endpoint);
  const { proxyUrl } = endpoint;
  return given<https.AgentOptions>({
    ...identity,
    proxyEnv: proxyUrl === undefined ? undefined : { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl },
    keepAlive: requestsPerConnection !== 1,
    maxSockets: limitOf(pool.maxConnections),
    maxTotalSockets: limitOf(pool.maxTotalConnections),
    // As an agent option it closes idle sockets only; without it the agent ignores a server's Keep-Alive hint.
    timeout: pool.idleTimeoutMs,
    agentKeepAliveTimeoutBuffer: pool.idleTimeoutBufferMs,
    scheduling: pool.scheduling === 'round-robin' ? undefined : pool.scheduling,
    keepAliveMsecs: pool.tcpKeepAliveMs,
    secureContext: pool.tlsContext === 'shared' ? createSecureContext(identity) : undefined,
    maxCachedSessions: pool.tlsSessions === 'none' || pool.tlsSessions === 'pinned' ? 0 : undefined,
  });
}

function connectTimeout(ms: number): Error {
  return Object.assign(new Error(`not connected within connectMs = ${ms}`), { code: 'ETIMEDOUT' });
}

/** Destroys a socket that is not ready in time, because node:http has no connect timeout. */
function limitDial(socket: Socket, readyEvent: string, limitMs: number): void {
  const timer = setTimeout(() => socket.destroy(connectTimeout(limitMs)), limitMs);
  const stop = (): void => clearTimeout(timer);
  socket.once(readyEvent, stop).once('close', stop);
}

interface TunnelOptions {
  dial: Dial;
  sockets: ClientSockets;
  connectMs: number | undefined;
}

/** Node asks the proxy, shakes hands with the server, and only then calls back with the socket within the tunnel. */
function dialTunnel(
  options: ConnectionOptions,
  callback: OnDialled,
  { dial, sockets, connectMs }: TunnelOptions,
): Socket {
  let onTunnel = (_tunnel: Socket): void => {};
  let late: Error | undefined;
  const way = dial(options, (error, tunnel) => {
    clearTimeout(timer);
    if (error === null && tunnel !== undefined) onTunnel(tunnel);
    callback(late ?? error, tunnel);
  })!;
  onTunnel = sockets.addWay(way);
  const timer =
    connectMs === undefined
      ? undefined
      : setTimeout(() => {
          late = connectTimeout(connectMs);
          way.destroy(late);
        }, connectMs);
  return way;
}

/** An agent of Node's whose connections are counted and timed. */
function createAgent({
  client,
  endpoint,
  onConnection,
}: Pick<TransportOptions, 'client' | 'endpoint' | 'onConnection'>) {
  const isTls = endpoint.origin.startsWith('https:');
  trustInProcess(endpoint.caPem);
  const options = agentOptions(client, endpoint);
  const agent = isTls ? new https.Agent(options) : new http.Agent(options);
  const { maxIdleConnections, tlsSessions } = client.pool;
  // As a constructor option, 0 would mean "not given".
  if (maxIdleConnections !== undefined) agent.maxFreeSockets = maxIdleConnections;
  const sockets = new ClientSockets(onConnection);
  const dial = agent.createConnection.bind(agent) as Dial;
  const { connectMs } = client.timeouts;
  const originOf = findOrigin(endpoint);
  const isTunnelled = isTls && endpoint.proxyUrl !== undefined;
  // Node's cache also resumes sessions, but drops one when any of its connections fails.
  let pinnedSession: Buffer | undefined;
  let isClosed = false;

  const createConnection: Dial = (dialOptions, callback) => {
    if (isClosed) {
      callback(new Error('the transport is closed'));
      return undefined;
    }
    if (isTunnelled) return dialTunnel(dialOptions, callback, { dial, sockets, connectMs });
    const dialledAtMs = performance.now();
    const socket = dial(
      pinnedSession === undefined ? dialOptions : { ...dialOptions, session: pinnedSession },
      callback,
    )!;
    sockets.add(socket, dialledAtMs, originOf(dialOptions.host, dialOptions.port));
    if (connectMs !== undefined) limitDial(socket, isTls ? 'secureConnect' : 'connect', connectMs);
    if (tlsSessions === 'pinned') {
      socket.on('session', (session: Buffer) => {
        pinnedSession = session;
      });
    }
    return socket;
  };
  agent.createConnection = createConnection as typeof agent.createConnection;

  return {
    agent,
    sockets,
    /** Ends every connection and dial and prevents new ones; resolves when all are closed. */
    async close() {
      isClosed = true;
      agent.destroy();
      await sockets.closeAll();
    },
  };
}

/** What all exchanges of one client share. */
interface Context {
  /** `http.request` or `https.request`. */
  request(options: RequestOptions): ClientRequest;
  /** By index of the scenario's requests. */
  requests: readonly { options: RequestOptions; body: Buffer | undefined }[];
  requestsPerConnection: Client['requestsPerConnection'];
  /** Requests per connection; only counted with a limit of more than one. */
  carried: WeakMap<Socket, number>;
  sockets: ClientSockets;
  /** The event after which a new connection can be written to. */
  readyEvent: 'connect' | 'secureConnect';
  timeouts: Pick<Client['timeouts'], 'headersMs' | 'bodyMs'>;
  /** Whether to take timestamps within an exchange, for phases or timeouts. */
  isTimed: boolean;
  body: Client['body'];
  isClosed: boolean;
  /** For timeouts. */
  watched: Set<NodeHttpRequest>;
}

const noop = (): void => {};

/** Handles the requests of a record without allocations beyond Node's own. */
class NodeHttpRequest extends ReusableRequest {
  readonly #context: Context;
  readonly #chunks: Buffer[] = [];
  /** The request in flight; events of earlier requests are ignored. */
  #request: ClientRequest | undefined;
  #bytesBefore = 0;
  #hasResponse = false;
  #lastPieceAtMs = Number.NaN;

  constructor(context: Context, exchange: Exchange) {
    super(exchange);
    this.#context = context;
    context.watched.add(this);
  }

  protected override start(): void {
    this.#bytesBefore = 0;
    this.#hasResponse = false;
    const { request: createRequest, requests, requestsPerConnection, isClosed } = this.#context;
    if (isClosed) {
      this.fail('other', 'the transport is closed');
      return;
    }
    const { options, body } = requests[this.exchange.request]!;
    const request = createRequest(options);
    this.#request = request;
    request.on('socket', this.#onSocket);
    request.on('response', this.#onResponse);
    request.on('error', error => this.#onError(request, error));
    request.on('close', () => this.#onClose(request));
    if (requestsPerConnection === 1) request.shouldKeepAlive = false;
    // With a limit of requests, the Connection header depends on the connection.
    if (typeof requestsPerConnection !== 'number' || requestsPerConnection === 1) request.end(body);
  }

  readonly #onSocket = (socket: Socket): void => {
    const { requestsPerConnection, carried, sockets, readyEvent, isTimed, requests } = this.#context;
    this.#bytesBefore = socket.bytesRead;
    if (typeof requestsPerConnection === 'number' && requestsPerConnection > 1) {
      const count = (carried.get(socket) ?? 0) + 1;
      carried.set(socket, count);
      if (count >= requestsPerConnection) this.#request!.shouldKeepAlive = false;
      this.#request!.end(requests[this.exchange.request]!.body);
    }
    if (!isTimed) return;
    if (sockets.isReady(socket)) this.#onReady();
    else socket.once(readyEvent, this.#onReady);
  };

  readonly #onReady = (): void => {
    this.exchange.writtenAtMs = performance.now();
  };

  readonly #onResponse = (response: IncomingMessage): void => {
    const { isTimed, body, timeouts } = this.#context;
    const { exchange } = this;
    const request = this.#request!;
    this.#hasResponse = true;
    if (isTimed) {
      exchange.headersAtMs = performance.now();
      this.#lastPieceAtMs = exchange.headersAtMs;
    }
    exchange.status = response.statusCode ?? 0;
    if (leavesBody({ body })) {
      this.#leaveBody(response);
      return;
    }
    response.on('data', body === 'dump' ? this.#onPieceDumped : this.#onPiece);
    if (timeouts.bodyMs !== undefined) response.on('data', this.#onPieceTimed);
    response.on('end', this.#onBodyEnd);
    response.on('error', error => this.#onError(request, error));
  };

  /** Later events of this request are ignored. */
  #leaveBody(response: IncomingMessage): void {
    response.on('error', noop);
    if (this.#context.body === 'cancel') response.destroy();
    this.#request = undefined;
    this.exchange.endedAtMs = performance.now();
    process.nextTick(this.report);
  }

  readonly #onPieceDumped = (piece: Buffer): void => {
    this.exchange.bodyBytes += piece.length;
  };

  readonly #onPiece = (piece: Buffer): void => {
    this.exchange.bodyBytes += piece.length;
    this.#chunks.push(piece);
  };

  readonly #onPieceTimed = (): void => {
    this.#lastPieceAtMs = performance.now();
  };

  /** Node frees the connection in the next turn: a request sent from here would open another one. */
  readonly #onBodyEnd = (): void => {
    if (this.#request === undefined) return;
    this.#request = undefined;
    // Joined, as in a program that reads the body.
    if (this.#chunks.length > 1) this.#chunks[0] = Buffer.concat(this.#chunks);
    this.#chunks.length = 0;
    this.exchange.endedAtMs = performance.now();
    process.nextTick(this.report);
  };

  #onError(request: ClientRequest, error: Error): void {
    if (request !== this.#request) return;
    const bytesRead = request.socket?.bytesRead ?? 0;
    const evidence = {
      isReusedConnection: this.#bytesBefore > 0,
      hasResponse: this.#hasResponse || bytesRead > this.#bytesBefore,
    };
    this.fail(classifyError(error, evidence), describeError(error));
  }

  /** After status 101 (switching protocols) Node closes a request without a response and without an error. */
  #onClose(request: ClientRequest): void {
    if (request !== this.#request || this.#hasResponse) return;
    this.fail('other', 'the connection was closed without a readable response (status 101?)');
  }

  override fail(outcome: Outcome, error: string): void {
    this.#request = undefined;
    this.#chunks.length = 0;
    super.fail(outcome, error);
  }

  protected override giveUp(): void {
    this.#context.watched.delete(this);
    const request = this.#request;
    this.#request = undefined;
    request?.destroy();
  }

  /** Fails the exchange if one of its phases has exceeded its timeout. */
  expire(nowMs: number): void {
    const request = this.#request;
    if (request === undefined) return;
    const { headersMs = Infinity, bodyMs = Infinity } = this.#context.timeouts;
    const isLate = this.#hasResponse
      ? nowMs - this.#lastPieceAtMs >= bodyMs
      : nowMs - this.exchange.writtenAtMs >= headersMs;
    if (!isLate) return;
    if (this.#hasResponse) this.fail('timeoutBody', `no further data of the body within bodyMs = ${bodyMs}`);
    else this.fail('timeoutHeaders', `no response header within headersMs = ${headersMs}`);
    request.destroy();
  }
}

function placeOf(origin: string): Pick<RequestOptions, 'hostname' | 'port'> {
  const { hostname, port } = urlToHttpOptions(new URL(origin));
  return { hostname, port };
}

function open({ client, endpoint, requests, hasPhases = true, onConnection }: TransportOptions): Transport {
  const isTls = endpoint.origin.startsWith('https:');
  const { agent, sockets, close } = createAgent({ client, endpoint, onConnection });
  const { headersMs, bodyMs } = client.timeouts;
  const context: Context = {
    request: isTls ? https.request : http.request,
    requests: requests.map(request => ({
      options: {
        agent,
        ...placeOf(request.origin ?? endpoint.origin),
        ...(endpoint.socketPath === undefined ? {} : { socketPath: endpoint.socketPath }),
        path: request.path,
        method: request.method,
        headers: framedHeaders(request),
      },
      body: request.body,
    })),
    requestsPerConnection: client.requestsPerConnection,
    carried: new WeakMap(),
    sockets,
    readyEvent: isTls ? 'secureConnect' : 'connect',
    timeouts: client.timeouts,
    isTimed: hasPhases || headersMs !== undefined || bodyMs !== undefined,
    body: client.body,
    isClosed: false,
    watched: new Set(),
  };
  const timer = sweepTimeouts([headersMs, bodyMs], nowMs => {
    for (const request of context.watched) request.expire(nowMs);
  });
  return {
    send: sendReusing(exchange => new NodeHttpRequest(context, exchange)),
    openConnections: () => sockets.openConnections(),
    remarks: () => bodyRemarks(client),
    async close() {
      context.isClosed = true;
      clearInterval(timer);
      await close();
    },
  };
}

/** Node's agent counts a connection only once its tunnel stands, so requests that come before open one each. */
function tunnelRefusals({ pool }: Client, target: Target): Refusal[] {
  if (target.proxy === undefined || !usesTls(target)) return [];
  const rules = (['maxConnections', 'maxTotalConnections'] as const).map(name => ({
    when: typeof pool[name] === 'number',
    path: `pool.${name}`,
    message:
      "Node's agent exceeds this limit while a proxy opens its tunnels, because it counts finished ones only",
    hint: "'unlimited', or transport: 'undici'",
  }));
  return refuse(...rules);
}

function refusals(client: Client, target: Target): Refusal[] {
  const { pool, requestsPerConnection, protocol } = client;
  return [
    ...refuse(
      {
        when: protocol === 'h2',
        path: 'protocol',
        message: 'node:http and node:https speak HTTP/1.1 only',
        hint: "protocol: 'http1', or transport: 'undici'",
      },
      {
        when: pool.idleTimeoutBufferMs !== undefined && pool.idleTimeoutMs === undefined,
        path: 'pool.idleTimeoutBufferMs',
        message:
          "without idleTimeoutMs, Node's agent ignores the server's Keep-Alive hint, and the buffer with it",
        hint: 'idleTimeoutMs as well',
      },
      {
        when: pool.scheduling === 'round-robin',
        path: 'pool.scheduling',
        message: "Node's agent takes idle connections by when they were last used",
        hint: "'fifo', which uses idle connections in turn, or transport: 'undici'",
      },
      wholeSecondsRule(pool),
      {
        when: pool.tcpKeepAliveMs !== undefined && requestsPerConnection === 1,
        path: 'pool.tcpKeepAliveMs',
        message: "Node's agent sends keep-alive probes only on connections that it keeps",
        hint: 'no tcpKeepAliveMs, or more requestsPerConnection',
      },
    ),
    ...plainTargetRefusals(client, target, nodeHttp.honours),
    ...socketRefusals(client, target),
    ...proxyRefusals(client, target),
    ...tunnelRefusals(client, target),
  ];
}

const nodeHttp: TransportModule = {
  kind: 'transport',
  honours: [...POOL_CLIENT_SETTINGS, 'pool.maxTotalConnections', 'pool.maxIdleConnections'],
  cannot: {
    ...NO_INTERCEPTORS,
    'pool.closing': 'node:http closes a connection itself, at once after the last response',
    api: 'node:http has one interface only',
    options: 'options are passed only to your own module',
    'pool.maxLifetimeMs': "Node's agent does not limit the age of a connection",
    'pool.pipelining': 'node:http sends a request only after the previous response has arrived',
    'pool.maxConcurrentStreams': 'node:http does not support HTTP/2',
  },
  refusals,
  open,
};

export default nodeHttp;
