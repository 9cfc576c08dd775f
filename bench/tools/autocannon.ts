// autocannon as a load tool, its own loop run in slices. The only file that imports the package.
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createDraw } from '../../results/random.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { usesTls } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { classifyError, describeError } from '../clients/errors.ts';
import { plainTargetRefusals, refuse } from '../clients/refusals.ts';
import {
  beginExchange,
  CUT_DRAIN_MS,
  describeNoAnswer,
  type Engine,
  type EngineModule,
  type EngineOptions,
  type EnginePool,
  type Exchange,
  type ExchangeSink,
  newExchange,
  type OpenedConnection,
  type Refusal,
  type SliceTimes,
  type Window,
} from '../contracts.ts';
import { bodyRefusals, engineCannot, requestRefusals, toolReachRefusals } from './refusals.ts';

/**
 * The parts of autocannon's client that conntax uses. All but its events are private, so the version is pinned exactly, and
 * autocannon.io.test.ts checks that each part behaves as assumed.
 */
interface CannonClient extends EventEmitter {
  conn: Socket | undefined;
  parser: { reinitialize(type: string): void; execute(chunk: Buffer): unknown; finish(): unknown };
  /** Requests that await a response; each response takes the first of them. */
  pipelinedRequests: { insertRequest(request: unknown): void };
  /** Called before each request but the first, to go on to the next one of the list. */
  requestIterator: { requests: readonly unknown[]; currentRequest: unknown; nextRequest(): void };
  /** Opens a connection and calls `_doRequest`. autocannon also calls it when a connection ended or failed. */
  _connect(): void;
  /** Writes a request. autocannon calls it after each response, even if the connection is unusable. */
  _doRequest(): void;
  /** Closes the connection, removes its listeners, and drops its requests. */
  _destroyConnection(): void;
  destroy(): void;
}

/** The options of autocannon 9.0.0 that conntax uses; it has no types, and those on the registry are for version 7. */
interface CannonOptions {
  url: string;
  connections: number;
  pipelining: number;
  /** Seconds. */
  duration: number;
  /** Seconds from a request to its complete response. */
  timeout: number;
  /** Interval of its statistics and of its check whether to stop, ms. */
  sampleInt: number;
  requests: readonly {
    method: string;
    path: string;
    headers: Readonly<Record<string, string>>;
    body?: Buffer;
  }[];
  /** Called with each client before it connects. */
  setupClient(client: CannonClient): void;
}

/** Starts at once; resolves when every client has stopped. */
type Autocannon = (options: CannonOptions) => PromiseLike<unknown>;

const PARSE_RESPONSES = 'RESPONSE';
const SWITCHING = 101;

function endedEarly(): Error {
  const message = 'the server closed the connection before its response was complete';
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/**
 * One user of a closed load, with corrected connection handling and times. An unmodified client of autocannon loses responses
 * after which it must reconnect. When the server closes, it writes the next request to the closing connection and again to the
 * new one, so responses are timed from the wrong request, by half of the time since the start. It takes an interim response
 * (such as 103) for the response and sends again, and it drops a response that ends with the connection. Here nothing is
 * written to a connection that may carry no more requests, a request in flight on a connection that ends fails, and parser
 * and queue are reset for each connection.
 */
class User {
  /** Its record, of the request in flight or the last one. */
  readonly exchange = newExchange();
  readonly #client: CannonClient;
  readonly #run: CannonRun;
  readonly #connect: () => void;
  readonly #write: () => void;
  readonly #destroy: () => void;
  readonly #parse: (chunk: Buffer) => unknown;
  readonly #open = new Set<Socket>();
  /** Requests that the connection may still carry; 0 without a connection. */
  #left = 0;
  #isBusy = false;
  #isConnecting = false;
  #hasAnswered = false;
  /** Whether an interim response (1xx) is being read. */
  #isInterim = false;
  /** A response is complete; the next step waits until its last chunk is parsed. */
  #hasEnded = false;
  #failure: Error | undefined;

  constructor(client: CannonClient, run: CannonRun) {
    this.#client = client;
    this.#run = run;
    this.#connect = client._connect.bind(client);
    this.#write = client._doRequest.bind(client);
    this.#destroy = client._destroyConnection.bind(client);
    this.#parse = client.parser.execute.bind(client.parser);
    client.requestIterator.nextRequest = () => {};
    client._destroyConnection = () => {
      if (client.conn !== undefined) this.#destroy();
    };
    client._doRequest = () => this.#onWritable();
    client._connect = () => this.#onDisconnected();
    client.parser.execute = chunk => this.#onChunk(chunk);
    client.on('connError', (error: Error) => {
      this.#failure = error;
    });
    client.on('headers', (head: ResponseHead) => this.#onHead(head));
    client.on('body', (piece: Buffer) => {
      this.exchange.bodyBytes += piece.length;
    });
    client.on('response', () => {
      if (this.#isInterim) return;
      this.#hasAnswered = true;
      this.#end();
    });
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  ask(): void {
    const { exchange } = this;
    exchange.startedAtMs = performance.now();
    exchange.intendedAtMs = exchange.startedAtMs;
    exchange.idleMs = exchange.startedAtMs - exchange.endedAtMs;
    beginExchange(exchange);
    this.#isBusy = true;
    exchange.request = this.#run.drawRequest();
    if (this.#left === 0) this.#reconnect();
    else {
      exchange.writtenAtMs = exchange.startedAtMs;
      this.#send();
    }
  }

  /** Abandons the request in flight without a report. */
  giveUp(): void {
    this.#isBusy = false;
    this.#drop();
  }

  /** Resolves when its connection is closed. */
  async close(): Promise<void> {
    this.#client.destroy();
    await Promise.all([...this.#open].map(conn => new Promise(resolve => conn.once('close', resolve))));
  }

  #send(): void {
    const { requestIterator } = this.#client;
    this.#left--;
    requestIterator.currentRequest = requestIterator.requests[this.exchange.request];
    this.#write();
  }

  #reconnect(): void {
    this.#client._destroyConnection();
    this.#left = this.#run.requestsPerConnection;
    this.#hasAnswered = false;
    this.#isInterim = false;
    this.#failure = undefined;
    const startedAtMs = performance.now();
    this.#isConnecting = true;
    this.#connect();
    this.#isConnecting = false;
    this.#watch(this.#client.conn!, startedAtMs);
  }

  #watch(conn: Socket, startedAtMs: number): void {
    const { isTls, addConnection } = this.#run;
    let connectedAtMs = Number.NaN;
    const ready = (tlsMs: number, isResumed: boolean): void => {
      if (this.#isBusy && conn === this.#client.conn) this.exchange.writtenAtMs = performance.now();
      addConnection({ connectMs: connectedAtMs - startedAtMs, tlsMs, isResumed });
    };
    this.#open.add(conn);
    conn.once('close', () => this.#open.delete(conn));
    conn.once('connect', () => {
      connectedAtMs = performance.now();
      if (!isTls) ready(Number.NaN, false);
    });
    if (isTls) {
      conn.once('secureConnect', () =>
        ready(performance.now() - connectedAtMs, (conn as TLSSocket).isSessionReused()),
      );
    }
  }

  /** Drops the connection and resets the parser. */
  #drop(): void {
    this.#left = 0;
    this.#client._destroyConnection();
    this.#client.parser.reinitialize(PARSE_RESPONSES);
  }

  #end(): void {
    this.exchange.endedAtMs = performance.now();
    this.#isBusy = false;
    this.#run.onEnd(this.exchange);
  }

  #next(): void {
    if (this.#run.goesOn(this.exchange.endedAtMs)) this.ask();
    else {
      if (this.#left === 0) this.#client._destroyConnection();
      this.#run.onRest();
    }
  }

  #onWritable(): void {
    const { pipelinedRequests, requestIterator } = this.#client;
    if (this.#isConnecting) this.#send();
    else if (this.#isInterim) {
      this.#isInterim = false;
      pipelinedRequests.insertRequest(requestIterator.currentRequest);
    } else this.#hasEnded = true;
  }

  /** Called when the connection has ended or failed, and on creation, where connecting waits for the first request. */
  #onDisconnected(): void {
    const { exchange } = this;
    const error = this.#failure ?? endedEarly();
    // A response without a length ends with the connection.
    if (this.#failure === undefined && this.#isBusy) this.#client.parser.finish();
    this.#drop();
    if (this.#hasEnded) {
      this.#hasEnded = false;
      this.#next();
      return;
    }
    if (!this.#isBusy) return;
    exchange.outcome = classifyError(error, {
      isReusedConnection: this.#hasAnswered,
      hasResponse: !Number.isNaN(exchange.headersAtMs),
    });
    exchange.error = describeError(error);
    this.#end();
    this.#next();
  }

  /**
   * The parser reports errors in a return value that autocannon ignores. An unsolicited response would be taken for the response
   * to the next request, so the connection is dropped.
   */
  #onChunk(chunk: Buffer): void {
    if (!this.#isBusy) {
      this.#drop();
      return;
    }
    let fault: unknown;
    try {
      fault = this.#parse(chunk);
    } catch (error) {
      fault = error;
    }
    if (this.#hasEnded) {
      this.#hasEnded = false;
      if (fault instanceof Error) this.#drop();
      this.#next();
    } else if (fault instanceof Error) this.#client.conn?.destroy(fault);
  }

  #onHead({ statusCode, shouldKeepAlive }: ResponseHead): void {
    if (!this.#isBusy) throw new Error('unsolicited response');
    if (statusCode === SWITCHING)
      throw new Error('status 101: the server switched to a protocol that was not requested');
    this.#isInterim = statusCode < 200;
    if (this.#isInterim) return;
    this.exchange.headersAtMs = performance.now();
    if (!shouldKeepAlive) this.#left = 0;
    this.exchange.status = statusCode;
  }
}

interface ResponseHead {
  statusCode: number;
  shouldKeepAlive: boolean;
}

/** Longer than any trial, and in milliseconds still within the range of Node's timers. */
const FOREVER_SEC = 2_000_000;
/** autocannon notices within this time that its last client has ended. */
const SAMPLE_MS = 100;

/**
 * One run of autocannon for all slices: its clients, one per user, keep their connections from slice to slice. Between slices
 * their next requests are held back.
 */
class CannonRun implements Engine {
  /** Most requests per connection. */
  readonly requestsPerConnection: number;
  readonly isTls: boolean;
  readonly addConnection: (connection: OpenedConnection) => void;
  readonly pool: EnginePool;
  readonly dropsInFlight = false;
  readonly sentByRequest: number[];
  sent = 0;
  unfinished = 0;
  readonly #sink: ExchangeSink;
  readonly #draw: ReturnType<typeof createDraw>;
  readonly #users: User[] = [];
  readonly #run: PromiseLike<unknown>;
  readonly #starting = new Set<NodeJS.Timeout>();
  #window: Window = { openAtMs: 0, closeAtMs: 0, originMs: 0, isRecorded: false };
  #busy = 0;
  #drainTimer: NodeJS.Timeout | undefined;
  #onIdle: () => void = () => {};

  constructor({ client, load, endpoint, requests, sink }: EngineOptions) {
    const { requestsPerConnection } = client;
    this.requestsPerConnection = requestsPerConnection === 'unlimited' ? Infinity : requestsPerConnection;
    this.isTls = endpoint.origin.startsWith('https:');
    this.addConnection = sink.addConnection;
    this.pool = { size: load.concurrency, openings: 1, unused: 0 };
    this.sentByRequest = requests.map(() => 0);
    this.#sink = sink;
    this.#draw = createDraw(requests);
    // Loaded here because every plan reads this file, and hardly any sends with it.
    const autocannon: Autocannon = createRequire(import.meta.url)('autocannon');
    this.#run = autocannon({
      url: endpoint.origin,
      requests: requests.map(({ method, path, headers, body }) => ({
        method,
        path,
        headers: { ...headers, ...(requestsPerConnection === 1 ? { connection: 'close' } : {}) },
        ...(body === undefined ? {} : { body }),
      })),
      connections: load.concurrency,
      pipelining: 1,
      duration: FOREVER_SEC,
      timeout: FOREVER_SEC,
      sampleInt: SAMPLE_MS,
      setupClient: cannon => void this.#users.push(new User(cannon, this)),
    });
  }

  async runSlice(times: SliceTimes): Promise<Window> {
    const { rampMs, windowMs, drainMs, isRecorded, originMs, spreadMs = 0, requestSeed } = times;
    if (requestSeed !== undefined) this.#draw?.restart(requestSeed);
    const openAtMs = performance.now() + rampMs;
    const window = { openAtMs, closeAtMs: openAtMs + windowMs, originMs, isRecorded };
    this.#window = window;
    this.#sink.openWindow(window);
    const { promise: idle, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    this.#giveUpAfter(rampMs + windowMs + drainMs, describeNoAnswer(drainMs));
    this.#busy = this.#users.length;
    for (const [index, user] of this.#users.entries()) {
      // The pause since the last slice does not belong to the load.
      user.exchange.endedAtMs = Number.NaN;
      if (spreadMs === 0) user.ask();
      else this.#startIn((index / this.#users.length) * spreadMs, user);
    }
    await idle;
    clearTimeout(this.#drainTimer);
    return window;
  }

  cut(): void {
    if (this.#busy === 0) return;
    this.#window.closeAtMs = Math.min(this.#window.closeAtMs, performance.now());
    this.#giveUpAfter(CUT_DRAIN_MS, undefined);
    const waiting = this.#starting.size;
    this.#dropStarts();
    for (let user = 0; user < waiting; user++) this.onRest();
  }

  async close(): Promise<void> {
    await Promise.all(this.#users.map(user => user.close()));
    await this.#run;
  }

  /** Whether a user sends another request after one that ended at this time. */
  goesOn(endedAtMs: number): boolean {
    return endedAtMs < this.#window.closeAtMs;
  }

  /** Which request a user sends now. */
  drawRequest(): number {
    const request = this.#draw?.next() ?? 0;
    this.sent++;
    this.sentByRequest[request]!++;
    return request;
  }

  onEnd(exchange: Exchange): void {
    this.#sink.add(exchange, exchange.startedAtMs);
  }

  /** Called when a user stops sending. */
  onRest(): void {
    this.#busy--;
    if (this.#busy === 0) this.#onIdle();
  }

  #startIn(ms: number, user: User): void {
    const timer = setTimeout(() => {
      this.#starting.delete(timer);
      if (this.goesOn(performance.now())) user.ask();
      else this.onRest();
    }, ms);
    this.#starting.add(timer);
  }

  /** Cancels users that have not started yet. */
  #dropStarts(): void {
    for (const timer of this.#starting) clearTimeout(timer);
    this.#starting.clear();
  }

  /** @param error why the abandoned requests failed; undefined if the slice was only cut short */
  #giveUpAfter(ms: number, error: string | undefined): void {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = setTimeout(() => this.#giveUpRest(error), ms);
  }

  #giveUpRest(error: string | undefined): void {
    const nowMs = performance.now();
    this.#dropStarts();
    for (const user of this.#users.filter(({ isBusy }) => isBusy)) {
      this.unfinished++;
      this.#sink.addCensored(user.exchange, user.exchange.startedAtMs, { nowMs, error });
      user.giveUp();
    }
    this.#busy = 0;
    this.#onIdle();
  }
}

function refusals(client: Client, target: Target, requests: readonly Request[] = []): Refusal[] {
  const { tlsSessions } = client.pool;
  return [
    ...bodyRefusals('autocannon', client),
    ...plainTargetRefusals(client, target, HONOURS),
    ...toolReachRefusals(target),
    ...requestRefusals({ tool: 'autocannon', canSendHead: false }, requests),
    ...refuse({
      when: tlsSessions !== undefined && tlsSessions !== 'none' && usesTls(target),
      path: 'pool.tlsSessions',
      message: 'autocannon does not resume TLS sessions: every handshake is a full one',
      hint: "tlsSessions: 'none', or transport: undici",
    }),
  ];
}

const HONOURS = ['requestsPerConnection', 'pool.tlsSessions', 'body'] as const;

const engine: EngineModule = {
  kind: 'engine',
  countsConnections: true,
  honours: HONOURS,
  cannot: engineCannot(HONOURS),
  caveats: [
    'conntax replaces the private connection handling of autocannon 9.0.0, which loses responses when it must reconnect, and times them from the wrong request when the server closes.',
    'conntax times the events of autocannon itself, instead of using its histogram of whole milliseconds; nothing is added for coordinated omission.',
    'autocannon has one connection per user and does not verify certificates.',
  ],
  refusals,
  open: options => new CannonRun(options),
};
export default engine;
