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
import { plainTargetRefusals } from '../clients/refusals.ts';
import {
  beginExchange,
  CUT_DRAIN_MS,
  describeNoAnswer,
  type Engine,
  type EngineModule,
  type EngineOptions,
  type Exchange,
  newExchange,
  type OpenedConnection,
  type Refusal,
  type Window,
} from '../contracts.ts';
import { bodyRefusals, engineCannot, requestRefusals, toolReachRefusals } from './external.ts';

/**
 * The parts of autocannon's client that conntax uses. All but its events are private, so the version is pinned exactly, and
 * autocannon.io.test.ts checks that each part behaves as assumed.
 */
export interface CannonClient extends EventEmitter {
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

export interface UserOptions {
  client: CannonClient;
  /** Most requests per connection. */
  requestsPerConnection: number;
  isTls: boolean;
  /** Whether the user sends another request after one that ended at this time. */
  goesOn(endedAtMs: number): boolean;
  /** @returns which request to send */
  onBegin(): number;
  onEnd(exchange: Exchange): void;
  /** Called when the user stops sending. */
  onRest(): void;
  onConnection(connection: OpenedConnection): void;
}

export interface User {
  /** Its record, of the request in flight or the last one. */
  readonly exchange: Exchange;
  ask(): void;
  readonly isBusy: boolean;
  /** Abandons the request in flight without a report. */
  giveUp(): void;
  /** Resolves when its connection is closed. */
  close(): Promise<void>;
}

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
export function createUser(options: UserOptions): User {
  const { client, requestsPerConnection, isTls, goesOn, onBegin, onEnd, onRest, onConnection } = options;
  const exchange = newExchange();
  const connect = client._connect.bind(client);
  const write = client._doRequest.bind(client);
  const destroy = client._destroyConnection.bind(client);
  const parse = client.parser.execute.bind(client.parser);
  const open = new Set<Socket>();
  /** Requests that the connection may still carry; 0 without a connection. */
  let left = 0;
  let isBusy = false;
  let isConnecting = false;
  let hasAnswered = false;
  /** Whether an interim response (1xx) is being read. */
  let isInterim = false;
  /** A response is complete; the next step waits until its last chunk is parsed. */
  let hasEnded = false;
  let failure: Error | undefined;

  function ask(): void {
    exchange.startedAtMs = performance.now();
    exchange.intendedAtMs = exchange.startedAtMs;
    exchange.idleMs = exchange.startedAtMs - exchange.endedAtMs;
    beginExchange(exchange);
    isBusy = true;
    exchange.request = onBegin();
    if (left === 0) reconnect();
    else {
      exchange.writtenAtMs = exchange.startedAtMs;
      send();
    }
  }

  function send(): void {
    left--;
    client.requestIterator.currentRequest = client.requestIterator.requests[exchange.request];
    write();
  }

  function reconnect(): void {
    client._destroyConnection();
    left = requestsPerConnection;
    hasAnswered = false;
    isInterim = false;
    failure = undefined;
    const startedAtMs = performance.now();
    isConnecting = true;
    connect();
    isConnecting = false;
    watch(client.conn!, startedAtMs);
  }

  function watch(conn: Socket, startedAtMs: number): void {
    let connectedAtMs = Number.NaN;
    const ready = (tlsMs: number, isResumed: boolean): void => {
      if (isBusy && conn === client.conn) exchange.writtenAtMs = performance.now();
      onConnection({ connectMs: connectedAtMs - startedAtMs, tlsMs, isResumed });
    };
    open.add(conn);
    conn.once('close', () => open.delete(conn));
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
  function drop(): void {
    left = 0;
    client._destroyConnection();
    client.parser.reinitialize(PARSE_RESPONSES);
  }

  function end(): void {
    exchange.endedAtMs = performance.now();
    isBusy = false;
    onEnd(exchange);
  }

  function next(): void {
    if (goesOn(exchange.endedAtMs)) ask();
    else {
      if (left === 0) client._destroyConnection();
      onRest();
    }
  }

  client.requestIterator.nextRequest = () => {};
  client._destroyConnection = () => {
    if (client.conn !== undefined) destroy();
  };
  client._doRequest = () => {
    if (isConnecting) send();
    else if (isInterim) {
      isInterim = false;
      client.pipelinedRequests.insertRequest(client.requestIterator.currentRequest);
    } else hasEnded = true;
  };
  // Called when the connection has ended or failed, and on creation, where connecting waits for the first request.
  client._connect = () => {
    const error = failure ?? endedEarly();
    // A response without a length ends with the connection.
    if (failure === undefined && isBusy) client.parser.finish();
    drop();
    if (hasEnded) {
      hasEnded = false;
      next();
      return;
    }
    if (!isBusy) return;
    const isReusedConnection = hasAnswered;
    exchange.outcome = classifyError(error, {
      isReusedConnection,
      hasResponse: !Number.isNaN(exchange.headersAtMs),
    });
    exchange.error = describeError(error);
    end();
    next();
  };
  // The parser reports errors in a return value that autocannon ignores. An unsolicited response would be taken for the response
  // to the next request, so the connection is dropped.
  client.parser.execute = chunk => {
    if (!isBusy) {
      drop();
      return;
    }
    let fault: unknown;
    try {
      fault = parse(chunk);
    } catch (error) {
      fault = error;
    }
    if (hasEnded) {
      hasEnded = false;
      if (fault instanceof Error) drop();
      next();
    } else if (fault instanceof Error) client.conn?.destroy(fault);
  };
  client.on('connError', (error: Error) => {
    failure = error;
  });
  client.on(
    'headers',
    ({ statusCode, shouldKeepAlive }: { statusCode: number; shouldKeepAlive: boolean }) => {
      if (!isBusy) throw new Error('unsolicited response');
      if (statusCode === SWITCHING)
        throw new Error('status 101: the server switched to a protocol that was not requested');
      isInterim = statusCode < 200;
      if (isInterim) return;
      exchange.headersAtMs = performance.now();
      if (!shouldKeepAlive) left = 0;
      exchange.status = statusCode;
    },
  );
  client.on('body', (piece: Buffer) => {
    exchange.bodyBytes += piece.length;
  });
  client.on('response', () => {
    if (isInterim) return;
    hasAnswered = true;
    end();
  });

  return {
    exchange,
    ask,
    get isBusy() {
      return isBusy;
    },
    giveUp() {
      isBusy = false;
      drop();
    },
    async close() {
      client.destroy();
      await Promise.all([...open].map(conn => new Promise(resolve => conn.once('close', resolve))));
    },
  };
}

/** Longer than any trial, and in milliseconds still within the range of Node's timers. */
const FOREVER_SEC = 2_000_000;
/** autocannon notices within this time that its last client has ended. */
const SAMPLE_MS = 100;

/**
 * One run of autocannon for all slices: its clients, one per user, keep their connections from slice to slice. Between slices
 * their next requests are held back.
 */
function open({ client, load, endpoint, requests, sink }: EngineOptions): Engine {
  const { requestsPerConnection } = client;
  const users: User[] = [];
  let window: Window = { openAtMs: 0, closeAtMs: 0, originMs: 0, isRecorded: false };
  const draw = createDraw(requests);
  const sentByRequest = requests.map(() => 0);
  let sent = 0;
  let unfinished = 0;
  let busy = 0;
  let drainTimer: NodeJS.Timeout | undefined;
  const starting = new Set<NodeJS.Timeout>();
  let onIdle: () => void = () => {};

  function rest(): void {
    busy--;
    if (busy === 0) onIdle();
  }

  /** Cancels users that have not started yet. */
  function dropStarts(): void {
    for (const timer of starting) clearTimeout(timer);
    starting.clear();
  }

  function startIn(ms: number, user: User): void {
    const timer = setTimeout(() => {
      starting.delete(timer);
      if (performance.now() < window.closeAtMs) user.ask();
      else rest();
    }, ms);
    starting.add(timer);
  }

  /** @param error why the abandoned requests failed; undefined if the slice was only cut short */
  function giveUpRest(error: string | undefined): void {
    const nowMs = performance.now();
    dropStarts();
    for (const user of users.filter(candidate => candidate.isBusy)) {
      unfinished++;
      const { exchange } = user;
      sink.addCensored(exchange, exchange.startedAtMs, { nowMs, error });
      user.giveUp();
    }
    busy = 0;
    onIdle();
  }

  // Loaded here because every plan reads this file, and hardly any sends with it.
  const autocannon: typeof import('autocannon').default = createRequire(import.meta.url)('autocannon');
  const run = autocannon({
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
    setupClient: candidate => {
      users.push(
        createUser({
          client: candidate as CannonClient,
          requestsPerConnection:
            requestsPerConnection === 'unlimited' ? Number.POSITIVE_INFINITY : requestsPerConnection,
          isTls: endpoint.origin.startsWith('https:'),
          goesOn: endedAtMs => endedAtMs < window.closeAtMs,
          onBegin: () => {
            const request = draw?.next() ?? 0;
            sent++;
            sentByRequest[request]!++;
            return request;
          },
          onEnd: exchange => sink.add(exchange, exchange.startedAtMs),
          onRest: rest,
          onConnection: sink.addConnection,
        }),
      );
    },
  });

  return {
    async runSlice({ rampMs, windowMs, drainMs, isRecorded, originMs, spreadMs = 0, requestSeed }) {
      if (requestSeed !== undefined) draw?.restart(requestSeed);
      const openAtMs = performance.now() + rampMs;
      window = { openAtMs, closeAtMs: openAtMs + windowMs, originMs, isRecorded };
      sink.openWindow(window);
      const idle = new Promise<void>(resolve => {
        onIdle = resolve;
      });
      drainTimer = setTimeout(giveUpRest, rampMs + windowMs + drainMs, describeNoAnswer(drainMs));
      busy = users.length;
      users.forEach((user, index) => {
        // The pause since the last slice does not belong to the load.
        user.exchange.endedAtMs = Number.NaN;
        if (spreadMs === 0) user.ask();
        else startIn((index / users.length) * spreadMs, user);
      });
      await idle;
      clearTimeout(drainTimer);
      return window;
    },
    cut() {
      if (busy === 0) return;
      window.closeAtMs = Math.min(window.closeAtMs, performance.now());
      clearTimeout(drainTimer);
      drainTimer = setTimeout(giveUpRest, CUT_DRAIN_MS, undefined);
      const waiting = starting.size;
      dropStarts();
      for (let user = 0; user < waiting; user++) rest();
    },
    get sent() {
      return sent;
    },
    get sentByRequest() {
      return sentByRequest;
    },
    get unfinished() {
      return unfinished;
    },
    pool: { size: load.concurrency, openings: 1, unused: 0 },
    dropsInFlight: false,
    async close() {
      await Promise.all(users.map(user => user.close()));
      await run;
    },
  };
}

function refusals(client: Client, target: Target, requests: readonly Request[] = []): Refusal[] {
  const { tlsSessions } = client.pool;
  const refused = [
    ...bodyRefusals('autocannon', client),
    ...plainTargetRefusals(client, target, HONOURS),
    ...toolReachRefusals(target),
    ...requestRefusals('autocannon', requests),
  ];
  if (tlsSessions !== undefined && tlsSessions !== 'none' && usesTls(target)) {
    refused.push({
      path: 'pool.tlsSessions',
      message: 'autocannon does not resume TLS sessions: every handshake is a full one',
      hint: "tlsSessions: 'none', or transport: undici",
    });
  }
  return refused;
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
  open,
};
export default engine;
