// In: an arm's settings. Out: autocannon as a load tool, its own loop in slices. The one door to the package.
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import autocannon from 'autocannon';
import type { Client } from '../../scenarios/model/client.ts';
import { CUT_DRAIN_MS } from '../../scenarios/model/load.ts';
import { type Target, usesTls } from '../../scenarios/model/target.ts';
import { classifyError, describeError, plainSessionRefusals } from '../clients/errors.ts';
import {
  beginExchange,
  type Engine,
  type EngineModule,
  type EngineOptions,
  type Exchange,
  newExchange,
  noAnswerText,
  type OpenedConnection,
  type Refusal,
  type Window,
} from '../contracts.ts';
import { bodyRefusals, engineCannot } from './external.ts';

// From a client of autocannon. Out: one user of a closed load, with its connections and times put right.

/**
 * What is used of autocannon's client. But for its events all of it is private: the version is pinned to the digit, and
 * autocannon.io.test.ts shows that each of these still does what is relied on.
 */
export interface CannonClient extends EventEmitter {
  conn: Socket | undefined;
  parser: { reinitialize(type: string): void; execute(chunk: Buffer): unknown; finish(): unknown };
  /** Requests that an answer is expected to; each answer takes the first of them. */
  pipelinedRequests: { insertRequest(request: unknown): void };
  requestIterator: { currentRequest: unknown };
  /** Opens a connection and calls `_doRequest`. By itself it is called when a connection ended or failed, too. */
  _connect(): void;
  /** Writes a request. By itself it is called after each answer, whether the connection is usable or not. */
  _doRequest(): void;
  /** Closes the connection, takes the listeners off it, and forgets the requests on it. */
  _destroyConnection(): void;
  destroy(): void;
}

export interface UserOptions {
  client: CannonClient;
  /** Requests that a connection may carry. */
  requestsPerConnection: number;
  isTls: boolean;
  /** Whether the user asks again, after what ended then. */
  goesOn(endedAtMs: number): boolean;
  onBegin(): void;
  onEnd(exchange: Exchange): void;
  /** Called when the user does not go on. */
  onRest(): void;
  onConnection(connection: OpenedConnection): void;
}

export interface User {
  /** Its one record: of the request in flight, or of the last. */
  readonly exchange: Exchange;
  ask(): void;
  readonly isBusy: boolean;
  /** Ends what is in flight without a report. */
  giveUp(): void;
  /** Resolves when its connection is closed. */
  close(): Promise<void>;
}

const PARSE_RESPONSES = 'RESPONSE';
const SWITCHING = 101;

function endedEarly(): Error {
  const message = 'the server ended the connection before its answer was complete';
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/**
 * By itself a client of autocannon loses the answers after which it is told to reconnect; and where the server closes, it
 * writes the next request to the closing connection and again to the new one, so that answers are timed from the wrong
 * request, by half of the time since the start. An interim answer (103, say) is one to it, after which it sends again, and what
 * the end of a connection ends is none. Here nothing is written to a connection that may carry no more, what is in
 * flight on one that ends is a failure, and its parser and its queue start afresh with each.
 */
export function createUser(options: UserOptions): User {
  const { client, requestsPerConnection, isTls, goesOn, onBegin, onEnd, onRest, onConnection } = options;
  const exchange = newExchange();
  const connect = client._connect.bind(client);
  const write = client._doRequest.bind(client);
  const destroy = client._destroyConnection.bind(client);
  const parse = client.parser.execute.bind(client.parser);
  const open = new Set<Socket>();
  /** Requests that the connection may still carry; 0 without one. */
  let left = 0;
  let isBusy = false;
  let isConnecting = false;
  let hasAnswered = false;
  /** Whether what is being read is no final answer (1xx), but one before it. */
  let isInterim = false;
  /** An answer is whole; what follows on it waits until its last piece is read. */
  let hasEnded = false;
  let failure: Error | undefined;

  function ask(): void {
    exchange.startedAtMs = performance.now();
    exchange.intendedAtMs = exchange.startedAtMs;
    exchange.idleMs = exchange.startedAtMs - exchange.endedAtMs;
    beginExchange(exchange);
    isBusy = true;
    onBegin();
    if (left === 0) connectAnew();
    else {
      exchange.writtenAtMs = exchange.startedAtMs;
      send();
    }
  }

  function send(): void {
    left--;
    write();
  }

  function connectAnew(): void {
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

  /** Nothing more comes of the connection. */
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
  // The connection has ended or failed; or the client is being made, and connects when it is to ask.
  client._connect = () => {
    const error = failure ?? endedEarly();
    // Of an answer that names no length, the end of the connection is the end.
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
  // What the parser can't read it only says in a value that autocannon does not look at. An answer that nobody has asked for
  // would be taken for that to the next request: the connection is given up with it.
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
      if (!isBusy) throw new Error('an answer that was not asked for');
      if (statusCode === SWITCHING)
        throw new Error('status 101: the server changes to a protocol that was not asked for');
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

/** Longer than any trial, and as milliseconds still within what a timer of Node's takes. */
const FOREVER_SEC = 2_000_000;
/** At most so long after its last client it notices that it has ended. */
const SAMPLE_MS = 100;

/**
 * One run of autocannon for all slices: its clients, one a user, keep their connections from slice to slice. Between slices
 * they rest: what each would send next is held back.
 */
function open({ client, load, endpoint, sink }: EngineOptions): Engine {
  const { requestsPerConnection } = client;
  const users: User[] = [];
  let window: Window = { openAtMs: 0, closeAtMs: 0, originMs: 0, isRecorded: false };
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

  /** The users that have not begun yet never will. */
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

  /** @param error why those that are given up have failed; undefined where they are only cut short */
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

  const run = autocannon({
    url: endpoint.origin + endpoint.path,
    connections: load.concurrency,
    pipelining: 1,
    duration: FOREVER_SEC,
    timeout: FOREVER_SEC,
    sampleInt: SAMPLE_MS,
    headers: requestsPerConnection === 1 ? { connection: 'close' } : {},
    setupClient: candidate => {
      users.push(
        createUser({
          client: candidate as CannonClient,
          requestsPerConnection:
            requestsPerConnection === 'unlimited' ? Number.POSITIVE_INFINITY : requestsPerConnection,
          isTls: endpoint.origin.startsWith('https:'),
          goesOn: endedAtMs => endedAtMs < window.closeAtMs,
          onBegin: () => {
            sent++;
          },
          onEnd: exchange => sink.add(exchange, exchange.startedAtMs),
          onRest: rest,
          onConnection: sink.addConnection,
        }),
      );
    },
  });

  return {
    async runSlice({ rampMs, windowMs, drainMs, isRecorded, originMs, spreadMs = 0 }) {
      const openAtMs = performance.now() + rampMs;
      window = { openAtMs, closeAtMs: openAtMs + windowMs, originMs, isRecorded };
      sink.openWindow(window);
      const idle = new Promise<void>(resolve => {
        onIdle = resolve;
      });
      drainTimer = setTimeout(giveUpRest, rampMs + windowMs + drainMs, noAnswerText(drainMs));
      busy = users.length;
      users.forEach((user, index) => {
        // The user has rested since the last slice, which is no pause of the load's.
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

function refusals(client: Client, target: Target): Refusal[] {
  const { tlsSessions } = client.pool;
  const refused = [...bodyRefusals('autocannon', client), ...plainSessionRefusals(client, target)];
  if (tlsSessions !== undefined && tlsSessions !== 'none' && usesTls(target)) {
    refused.push({
      path: 'pool.tlsSessions',
      message: 'autocannon keeps no TLS sessions: every handshake is a full one',
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
    'Its private connection handling is replaced (autocannon 9.0.0): by itself it loses answers when told to reconnect, and times them from the wrong request where the server closes.',
    "Its times are taken by conntax's clock from its events, not from its histogram of whole milliseconds; nothing is added for coordinated omission.",
    'It has one connection for each user and verifies no certificate.',
  ],
  refusals,
  open,
};
export default engine;
